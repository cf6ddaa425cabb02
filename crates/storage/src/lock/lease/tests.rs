use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use object_store::memory::InMemory;

use super::*;

/// Longer than any test runs.
const LONG: Duration = Duration::from_secs(600);
/// The time between two renewals in tests.
const SOON: Duration = Duration::from_millis(5);

fn work() -> Remote {
    Remote::on(Arc::new(InMemory::new()), "out.rxrx2zarr")
}

/// Times by which a lease is renewed at once and never expires.
fn times() -> LeaseTimes {
    LeaseTimes {
        renew: SOON,
        expires: LONG,
        settle: Duration::ZERO,
    }
}

/// Times of a holder that renews its lease only when it is told to.
fn asleep() -> LeaseTimes {
    LeaseTimes {
        renew: LONG,
        ..times()
    }
}

/// Times of a process that takes a lease that does not change for some milliseconds.
fn impatient() -> LeaseTimes {
    LeaseTimes {
        renew: SOON,
        expires: Duration::from_millis(40),
        ..times()
    }
}

fn take(work: &Remote, times: LeaseTimes) -> Result<Lease, LockError> {
    Lease::take(work, &work.location(), times, &|_| {})
}

fn keys(work: &Remote) -> Vec<String> {
    let objects = work.list().unwrap().into_iter();
    objects.map(|object| object.key).collect()
}

/// Puts a lease as another process does.
fn put(work: &Remote, change: impl Fn(&mut LeaseRecord)) {
    let mut record = LeaseRecord::new().unwrap();
    change(&mut record);
    let bytes = record.bytes().unwrap();
    work.put(ALONE, bytes.into()).unwrap();
}

/// Returns the record of the lease that is there.
fn there(work: &Remote) -> LeaseRecord {
    serde_json::from_slice(&work.get(ALONE).unwrap().unwrap()).unwrap()
}

#[test]
fn a_second_process_is_refused_and_told_who_holds_the_lease() {
    let work = work();
    let first = take(&work, times()).unwrap();
    let told = Mutex::new(Vec::new());
    let waiting = |holder: &str| told.lock().unwrap().push(holder.to_owned());
    let second = Lease::take(&work, &work.location(), times(), &waiting);
    let error = second.err().unwrap().to_string();
    let holder = format!("process {} on ", std::process::id());
    assert!(error.contains(&holder), "{error}");
    let told = told.into_inner().unwrap();
    assert_eq!(told.len(), 1);
    assert!(told[0].starts_with(&holder), "{told:?}");
    assert!(Lease::holder(&work).unwrap().unwrap().starts_with(&holder));
    first.renew().unwrap();
    assert_eq!(keys(&work), [ALONE]);

    first.release(true);
    assert_eq!(Lease::holder(&work).unwrap(), None);
    let second = take(&work, times()).unwrap();
    assert_eq!(keys(&work), [ALONE]);
    second.release(false);
    assert!(keys(&work).is_empty());
}

#[test]
fn one_of_many_processes_gets_the_lease() {
    let work = work();
    for _ in 0..20 {
        let won = AtomicUsize::new(0);
        let leases: Mutex<Vec<Lease>> = Mutex::default();
        thread::scope(|scope| {
            for _ in 0..8 {
                scope.spawn(|| match take(&work, times()) {
                    Ok(lease) => {
                        won.fetch_add(1, Ordering::Relaxed);
                        leases.lock().unwrap().push(lease);
                    }
                    Err(error) => assert!(matches!(error, LockError::Busy { .. }), "{error}"),
                });
            }
        });
        assert_eq!(won.into_inner(), 1);
        let leases = leases.into_inner().unwrap();
        leases[0].release(true);
    }
}

#[test]
fn the_lease_of_an_ended_process_of_this_machine_is_free() {
    let work = work();
    // No process has that number.
    put(&work, |record| record.holder.pid = u32::MAX);
    assert_eq!(Lease::holder(&work).unwrap(), None);
    take(&work, times()).unwrap().release(false);
    // The process of the same number on another machine may be running.
    for machine in [None, Some("another one".to_owned())] {
        put(&work, |record| {
            record.holder.pid = u32::MAX;
            record.machine.clone_from(&machine);
        });
        assert!(Lease::holder(&work).unwrap().is_some());
    }
}

#[test]
fn a_lease_that_nobody_renews_is_taken_over_and_its_holder_stops() {
    let work = work();
    let first = take(&work, asleep()).unwrap();
    assert!(!first.left().unwrap().is_zero());
    let second = take(&work, impatient()).unwrap();
    let nonce = there(&work).nonce;
    let error = first.renew().unwrap_err();
    assert!(matches!(error, LockError::TakenOver { .. }), "{error}");
    let error = first.left().unwrap_err();
    assert!(matches!(error, LockError::TakenOver { .. }), "{error}");
    // A lease that was taken over changes nothing when it is released.
    first.release(true);
    second.renew().unwrap();
    first.release(false);
    assert_eq!(there(&work).nonce, nonce);
    work.remove(ALONE).unwrap();
    let error = second.renew().unwrap_err();
    assert!(matches!(error, LockError::Lost { .. }), "{error}");
}

#[test]
fn a_lease_that_was_lost_unnoticed_is_not_released() {
    let work = work();
    for begun in [false, true] {
        let first = take(&work, asleep()).unwrap();
        let second = take(&work, impatient()).unwrap();
        second.release(false);
        // The first holder still believes that it holds the lease. A third one does.
        let third = take(&work, asleep()).unwrap();
        let before = work.get(ALONE).unwrap();
        first.release(begun);
        assert_eq!(work.get(ALONE).unwrap(), before);
        third.renew().unwrap();
        third.release(false);
    }
}

#[test]
fn a_lease_ends_although_the_answer_to_a_renewal_was_lost() {
    let work = work();
    for begun in [true, false] {
        let lease = take(&work, asleep()).unwrap();
        let mut renewed = there(&work);
        renewed.renewals += 7;
        work.put(ALONE, renewed.bytes().unwrap().into()).unwrap();
        lease.release(begun);
        let left = work.get(ALONE).unwrap().is_some();
        assert_eq!((left, Lease::holder(&work).unwrap()), (begun, None));
    }
}

#[test]
fn a_lease_whose_store_does_not_answer_allows_no_write_before_it_expires() {
    let work = work();
    let short = LeaseTimes {
        renew: LONG,
        expires: Duration::from_millis(80),
        ..times()
    };
    let lease = take(&work, short).unwrap();
    // Nothing is renewed meanwhile.
    let bound = now().unwrap() + short.expires;
    while !lease.left().unwrap().is_zero() {
        assert!(now().unwrap() < bound);
        thread::sleep(Duration::from_millis(1));
    }
    // The nonce is unchanged, so it goes on.
    lease.renew().unwrap();
    assert!(!lease.left().unwrap().is_zero());
}

#[test]
fn a_renewal_whose_answer_was_lost_is_recognised() {
    let work = work();
    let lease = take(&work, asleep()).unwrap();
    // It is the renewal that the store carried out.
    let mut renewed = there(&work);
    renewed.renewals += 1;
    work.put(ALONE, renewed.bytes().unwrap().into()).unwrap();
    lease.renew().unwrap();
    assert_eq!(there(&work).nonce, renewed.nonce);
    lease.release(true);
    assert!(there(&work).released);
}

#[test]
fn a_lease_is_renewed_until_it_is_released() {
    let work = work();
    let lease = take(&work, times()).unwrap();
    let written = || work.head(ALONE).unwrap().unwrap().e_tag;
    let first = written();
    while written() == first {
        thread::sleep(Duration::from_millis(5));
    }
    lease.release(true);
    let last = written();
    thread::sleep(Duration::from_millis(30));
    assert_eq!(written(), last);
}

#[test]
fn an_unreadable_lease_expires_as_others_do() {
    let work = work();
    work.put(ALONE, "rubbish".into()).unwrap();
    assert_eq!(
        Lease::holder(&work).unwrap().as_deref(),
        Some("another process")
    );
    let lease = take(&work, impatient()).unwrap();
    lease.renew().unwrap();
    assert_eq!(there(&work).holder.pid, std::process::id());
}

fn share(work: &Remote, times: LeaseTimes, label: &str) -> Result<Lease, LockError> {
    Lease::share(work, &work.location(), times, label, &|_| {})
}

#[test]
fn workers_hold_the_lock_together_and_nobody_holds_it_alone_meanwhile() {
    let work = work();
    let workers = ["part 1", "part 0"].map(|label| share(&work, times(), label).unwrap());
    let seen = Lease::workers(&work).unwrap();
    let labels: Vec<&str> = seen.iter().map(|worker| worker.label.as_str()).collect();
    assert_eq!(labels, ["part 0", "part 1"]);
    assert_eq!(Lease::holder(&work).unwrap(), None);
    let error = take(&work, times()).err().unwrap().to_string();
    assert!(
        error.contains("process ") && error.contains("(part "),
        "{error}"
    );
    // It was refused, and its own lease is free.
    assert_eq!(Lease::holder(&work).unwrap(), None);
    share(&work, times(), "part 2").unwrap().remove();
    for worker in workers {
        worker.renew().unwrap();
        worker.remove();
    }
    assert_eq!(Lease::workers(&work).unwrap(), []);
    let alone = take(&work, times()).unwrap();
    let error = share(&work, times(), "part 1").err().unwrap().to_string();
    assert!(error.contains("is being written by process"), "{error}");
    assert_eq!(keys(&work), [ALONE]);
    alone.release(true);
    share(&work, times(), "part 1").unwrap().remove();
}

#[test]
fn a_worker_that_does_not_renew_its_lease_loses_it() {
    let work = work();
    let worker = share(&work, asleep(), "part 1").unwrap();
    assert!(!worker.left().unwrap().is_zero());
    let alone = take(&work, impatient()).unwrap();
    assert_eq!(keys(&work), [ALONE]);
    let error = worker.renew().unwrap_err();
    assert!(matches!(error, LockError::Lost { .. }), "{error}");
    assert!(worker.left().is_err());
    // It puts nothing back.
    worker.remove();
    assert_eq!(keys(&work), [ALONE]);
    alone.renew().unwrap();
    // A process that held it alone, and does not renew, does not keep a worker away.
    alone.release(true);
    let asleep_alone = take(&work, asleep()).unwrap();
    let worker = share(&work, impatient(), "part 2").unwrap();
    let error = asleep_alone.renew().unwrap_err();
    assert!(matches!(error, LockError::Lost { .. }), "{error}");
    worker.renew().unwrap();
    worker.remove();
    assert!(keys(&work).is_empty());
}

/// Of a worker and a process that wants the output alone, at most one succeeds.
#[test]
fn a_worker_and_a_process_that_wants_the_output_alone_are_kept_apart() {
    for _ in 0..30 {
        let work = work();
        let (worker, alone) = thread::scope(|scope| {
            let worker = scope.spawn(|| share(&work, times(), "part 1"));
            let alone = take(&work, times());
            (worker.join().unwrap(), alone)
        });
        assert!(worker.is_err() || alone.is_err());
        let leases = [worker, alone].into_iter().flatten();
        leases.for_each(|lease| lease.release(true));
    }
}

/// A process that wants the output alone finds a worker that began at the same moment, and gives
/// its lease up after it has renewed it once. The worker must still be there.
#[test]
fn a_worker_remains_beside_a_process_that_gives_up() {
    let work = work();
    let alone = take(&work, asleep()).unwrap();
    let (told, waits) = std::sync::mpsc::channel();
    let worker = thread::scope(|scope| {
        let worker = scope.spawn(|| {
            let waiting = |_: &str| told.send(()).unwrap();
            Lease::share(&work, &work.location(), times(), "part 1", &waiting)
        });
        waits.recv().unwrap();
        alone.renew().unwrap();
        // So long that the worker looks many times.
        thread::sleep(20 * SOON);
        alone.release(true);
        worker.join().unwrap()
    });
    let worker = worker.unwrap();
    worker.renew().unwrap();
    worker.remove();
}
