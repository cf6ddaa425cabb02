//! The results of tests that inject faults, for the table of `scripts/torture`.
//!
//! Test crates include this file with `#[path]`.

use std::fs::OpenOptions;
use std::io::Write;

/// Counts the rounds of one test and what its faults did.
///
/// When it is dropped, also by a panic of the test, it adds a line to the file that
/// `RXRX2ZARR_RESULTS` names: name, rounds, faults, lost, undetected, and `passed`,
/// `failed` or `skipped`, separated by tabs.
pub(super) struct Tally {
    name: String,
    rounds: usize,
    faults: usize,
    lost: usize,
    undetected: usize,
}

impl Tally {
    pub(super) fn new(name: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            rounds: 0,
            faults: 0,
            lost: 0,
            undetected: 0,
        }
    }

    /// Counts a round.
    pub(super) fn round(&mut self) {
        self.rounds += 1;
    }

    /// Counts injected faults.
    pub(super) fn faults(&mut self, count: usize) {
        self.faults += count;
    }

    /// Counts a fault after which data was lost, unless `kept`.
    #[allow(dead_code, reason = "not every test that includes this file needs it")]
    pub(super) fn lost_unless(&mut self, kept: bool) {
        self.lost += usize::from(!kept);
    }

    /// Counts a fault that the program did not report, unless `detected`.
    #[allow(dead_code, reason = "not every test that includes this file needs it")]
    pub(super) fn undetected_unless(&mut self, detected: bool) {
        self.undetected += usize::from(!detected);
    }

    /// Demands that faults were injected, that nothing was lost and that every fault
    /// was detected.
    #[track_caller]
    pub(super) fn report(self) {
        let name = &self.name;
        assert!(
            self.rounds > 0 && self.faults > 0,
            "{name}: no fault was injected"
        );
        assert_eq!((self.lost, self.undetected), (0, 0), "{name}");
    }
}

impl Drop for Tally {
    fn drop(&mut self) {
        let Some(path) = std::env::var_os("RXRX2ZARR_RESULTS") else {
            return;
        };
        let Self {
            name,
            rounds,
            faults,
            lost,
            undetected,
        } = self;
        let outcome = match (std::thread::panicking(), *rounds) {
            (true, _) => "failed",
            (false, 0) => "skipped",
            (false, _) => "passed",
        };
        let line = format!("{name}\t{rounds}\t{faults}\t{lost}\t{undetected}\t{outcome}\n");
        let mut file = OpenOptions::new()
            .append(true)
            .create(true)
            .open(path)
            .unwrap();
        file.write_all(line.as_bytes()).unwrap();
    }
}
