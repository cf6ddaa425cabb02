//! The process that holds a lock, as it is shown to others.

use std::fmt;

use serde::{Deserialize, Serialize};

/// A process and its host.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Holder {
    pub(super) host: String,
    pub(super) pid: u32,
}

impl Holder {
    pub(super) fn this_process() -> Self {
        Self {
            host: gethostname::gethostname().to_string_lossy().into_owned(),
            pid: std::process::id(),
        }
    }
}

/// Names this process and its host, for others.
pub fn process_and_host() -> String {
    Holder::this_process().to_string()
}

impl fmt::Display for Holder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "process {} on {}", self.pid, self.host)
    }
}
