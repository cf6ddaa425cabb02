//! Hosts that have not answered for a while, for whoever shows progress.
//!
//! A request that gets no answer is sent again somewhere above, so that a program can wait
//! for minutes without an error. Here is written down for whom it waits, process-wide: a
//! program that shows progress has no handle of the store that a library has opened.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

static HOSTS: Mutex<BTreeMap<String, Host>> = Mutex::new(BTreeMap::new());

/// A host that was asked and has not answered since.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Waiting {
    /// The host, with its port if the address has one.
    pub host: String,
    /// How long the host has answered nothing.
    pub since: Duration,
    /// Requests in a row that have failed.
    pub failed: u32,
    /// The error of the last one.
    pub last_error: Option<String>,
}

/// What is known of a host.
#[derive(Debug)]
struct Host {
    /// Requests without an answer.
    asked: u32,
    failed: u32,
    last_error: Option<String>,
    /// The last answer, or the first request since.
    silent_since: Instant,
}

fn hosts() -> MutexGuard<'static, BTreeMap<String, Host>> {
    HOSTS.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Returns the host that has answered nothing for the longest time, if a host was asked and
/// has not answered yet.
pub fn waiting() -> Option<Waiting> {
    let hosts = hosts();
    let silent = hosts
        .iter()
        .filter(|(_, host)| host.asked + host.failed > 0);
    let (name, host) = silent.min_by_key(|(_, host)| host.silent_since)?;
    Some(Waiting {
        host: name.clone(),
        since: host.silent_since.elapsed(),
        failed: host.failed,
        last_error: host.last_error.clone(),
    })
}

/// A request that was sent. It counts as asked until it is dropped.
pub(crate) struct Asked(String);

impl Asked {
    /// Notes that `host` is asked.
    pub(crate) fn new(host: &str) -> Self {
        let mut hosts = hosts();
        let known = hosts.entry(host.to_owned()).or_insert_with(|| Host {
            asked: 0,
            failed: 0,
            last_error: None,
            silent_since: Instant::now(),
        });
        if known.asked + known.failed == 0 {
            known.silent_since = Instant::now();
        }
        known.asked += 1;
        Self(host.to_owned())
    }

    /// Notes that the host has answered.
    pub(crate) fn answered(&self) {
        if let Some(host) = hosts().get_mut(&self.0) {
            host.failed = 0;
            host.last_error = None;
            host.silent_since = Instant::now();
        }
    }

    /// Notes that the request has failed.
    pub(crate) fn failed(&self, error: impl FnOnce() -> String) {
        if let Some(host) = hosts().get_mut(&self.0) {
            host.failed += 1;
            host.last_error = Some(error());
        }
    }
}

impl Drop for Asked {
    fn drop(&mut self) {
        if let Some(host) = hosts().get_mut(&self.0) {
            host.asked = host.asked.saturating_sub(1);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_host_is_waited_for_until_it_answers() {
        let found = || waiting().filter(|waiting| waiting.host == "waits.test:1");
        assert_eq!(found(), None);
        let first = Asked::new("waits.test:1");
        assert_eq!(found().map(|waiting| waiting.failed), Some(0));
        first.failed(|| "connection refused".to_owned());
        drop(first);
        let second = Asked::new("waits.test:1");
        let waiting = found().unwrap();
        assert_eq!(waiting.failed, 1);
        assert_eq!(waiting.last_error.as_deref(), Some("connection refused"));
        second.answered();
        drop(second);
        assert_eq!(found(), None);
    }
}
