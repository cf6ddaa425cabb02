//! A runtime for tests.

use std::io;
use std::sync::OnceLock;

use tokio::runtime::{Builder, Runtime};

/// Returns the runtime of the test process.
pub(crate) fn runtime() -> io::Result<&'static Runtime> {
    static RUNTIME: OnceLock<Runtime> = OnceLock::new();
    let build = || Builder::new_multi_thread().enable_all().build();
    Ok(RUNTIME.get_or_init(|| build().unwrap()))
}
