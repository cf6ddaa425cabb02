use std::error::Error;
use std::sync::Mutex;
use std::thread;
use std::time::{Duration, Instant};

use super::*;
use crate::local::LocalStore;
use crate::remote::Fence;
use crate::store::Store;

const RUN: &str = "state.json";

/// Longer than any test runs.
const LONG: Duration = Duration::from_secs(600);
/// Times by which a lease is renewed at once and never expires.
const TIMES: LeaseTimes = LeaseTimes {
    renew: Duration::from_millis(5),
    expires: LONG,
    settle: Duration::ZERO,
};
/// Times of a process that takes a lease that does not change for some milliseconds.
const IMPATIENT: LeaseTimes = LeaseTimes {
    renew: Duration::from_millis(5),
    expires: Duration::from_millis(300),
    settle: Duration::ZERO,
};
/// Times of a holder that renews its lease only when it is told to.
const ASLEEP: LeaseTimes = LeaseTimes {
    renew: LONG,
    expires: Duration::from_millis(300),
    settle: Duration::ZERO,
};

struct Output {
    folder: tempfile::TempDir,
}

impl Output {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        Self { folder }
    }

    fn path(&self) -> PathBuf {
        self.folder.path().join("out")
    }

    fn work(&self) -> PathBuf {
        self.folder.path().join("out.rxrx2zarr")
    }

    /// Takes the lease as on a file system without locks.
    fn take(&self, times: LeaseTimes) -> Result<LeaseFileLock, LockError> {
        let fence = Arc::default();
        let lock = LeaseFileLock::take(&self.path(), &self.work(), RUN, times, fence, &|_| {});
        lock.map(|mut lock| {
            // The lock of the operating system would keep the second process out.
            if let Some(file) = lock.file.take() {
                drop(file);
                let _ = fs::remove_file(self.work().join("lock"));
            }
            lock
        })
    }
}

fn left(lock: &LeaseFileLock) -> Result<Duration, Box<dyn Error + Send + Sync>> {
    lock.fence.left()
}

#[test]
fn a_second_process_is_refused_while_the_first_renews() {
    let output = Output::new();
    let first = output.take(TIMES).unwrap();
    let error = output.take(TIMES).err().unwrap();
    assert!(matches!(error, LockError::Busy { .. }), "{error}");
    let holder = LeaseFileLock::holder(&output.work()).unwrap().unwrap();
    assert!(holder.starts_with(&format!("process {} on ", std::process::id())));
    first.check().unwrap();
    assert!(first.is_exclusive());
    drop(first);
    assert!(!output.work().exists(), "nothing was begun");
}

#[test]
fn a_lease_that_does_not_change_is_taken_over_and_its_holder_stops() {
    let output = Output::new();
    let told = Mutex::new(Vec::new());
    let first = output.take(ASLEEP).unwrap();
    fs::write(output.work().join(RUN), "").unwrap();
    let fence: Arc<LeaseFence> = first.fence.clone();
    let store = LocalStore::new(output.path(), output.work()).fenced(fence);
    let early = LocalStore::new(output.path(), output.work());
    early.put("early", &[b"x"]).unwrap();
    let waiting = |holder: &str| told.lock().unwrap().push(holder.to_owned());
    let second = LeaseFileLock::take(
        &output.path(),
        &output.work(),
        RUN,
        IMPATIENT,
        Arc::default(),
        &waiting,
    );
    let second = second.unwrap();
    assert_eq!(told.into_inner().unwrap().len(), 1);
    // The first one has stopped before, and finds out why when it renews.
    assert!(left(&first).unwrap().is_zero());
    let error = first.check().unwrap_err();
    assert!(matches!(error, LockError::TakenOver { .. }), "{error}");
    let error = store.put("late", &[b"x"]).unwrap_err();
    assert!(
        error.source.to_string().contains("has taken over"),
        "{error:?}"
    );
    let error = store.remove("early").unwrap_err();
    assert!(
        error.source.to_string().contains("has taken over"),
        "{error:?}"
    );
    assert!(output.path().join("early").exists() && !output.path().join("late").exists());

    // What the first one leaves behind is not that of the second one.
    drop(first);
    second.check().unwrap();
    Box::new(second).remove_work(&|_| false);
    assert!(!output.work().exists());
}

#[test]
fn of_many_processes_one_gets_the_lease() {
    let output = Output::new();
    for _ in 0..5 {
        let held: Mutex<Vec<LeaseFileLock>> = Mutex::default();
        thread::scope(|scope| {
            for _ in 0..6 {
                scope.spawn(|| match output.take(TIMES) {
                    Ok(lock) => held.lock().unwrap().push(lock),
                    Err(error) => assert!(matches!(error, LockError::Busy { .. }), "{error}"),
                });
            }
        });
        let mut held = held.into_inner().unwrap();
        assert_eq!(held.len(), 1);
        Box::new(held.remove(0)).remove_work(&|_| false);
        assert!(!output.work().exists());
    }
}

#[test]
fn a_released_lease_is_free_at_once() {
    let output = Output::new();
    let first = output.take(ASLEEP).unwrap();
    fs::write(output.work().join(RUN), "").unwrap();
    drop(first);
    assert_eq!(LeaseFileLock::holder(&output.work()).unwrap(), None);
    let begun = Instant::now();
    let second = output.take(LeaseTimes::default()).unwrap();
    assert!(begun.elapsed() < LeaseTimes::default().expires);
    Box::new(second).remove_work(&|_| false);
    assert!(!output.work().exists());
}
