use std::sync::atomic::{AtomicUsize, Ordering};

use object_store::memory::InMemory;

use super::*;

/// Long enough for a loaded machine, or for nothing to happen in a test.
const LONG: Duration = Duration::from_secs(600);

fn work() -> Remote {
    Remote::on(Arc::new(InMemory::new()), "out.rxrx2zarr")
}

fn times() -> LeaseTimes {
    LeaseTimes {
        renew: LONG,
        expires: LONG,
        settle: Duration::ZERO,
    }
}

/// A lease that has expired whenever it is looked at.
fn expired() -> LeaseTimes {
    LeaseTimes {
        expires: Duration::ZERO,
        ..times()
    }
}

fn take(work: &Remote, lease: LeaseTimes) -> Result<Lease, LockError> {
    Lease::take(work, &work.location(), lease)
}

fn keys(work: &Remote) -> Vec<String> {
    let objects = work.list().unwrap().into_iter();
    objects.map(|object| object.key).collect()
}

/// What another process has written.
fn put(work: &Remote, number: u64, change: impl Fn(&mut LeaseRecord)) {
    let mut record = LeaseRecord::new().unwrap();
    change(&mut record);
    let bytes = record.bytes().unwrap();
    work.put(&key(number), bytes.into()).unwrap();
}

#[test]
fn the_second_is_refused_and_learns_who_was_first() {
    let work = work();
    let first = take(&work, times()).unwrap();
    let error = take(&work, times()).err().unwrap().to_string();
    let holder = format!("process {} on ", std::process::id());
    assert!(error.contains(&holder), "{error}");
    assert!(error.contains("last heard of 0 s ago"), "{error}");
    assert!(Lease::holder(&work).unwrap().unwrap().starts_with(&holder));
    first.check().unwrap();
    assert_eq!(keys(&work), ["claims/1.json"]);

    first.release(true);
    assert_eq!(Lease::holder(&work).unwrap(), None);
    let second = take(&work, times()).unwrap();
    assert_eq!(keys(&work), ["claims/2.json"]);
    second.release(false);
    assert!(keys(&work).is_empty());
}

#[test]
fn of_many_at_once_one_gets_it() {
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
fn a_dead_process_of_this_machine_holds_nothing() {
    let work = work();
    // No process has that number.
    put(&work, 7, |record| record.holder.pid = u32::MAX);
    assert_eq!(Lease::holder(&work).unwrap(), None);
    let lease = take(&work, times()).unwrap();
    assert_eq!(keys(&work), ["claims/8.json"]);
    drop(lease);
    // The same number elsewhere says nothing.
    for machine in [None, Some("another one".to_owned())] {
        put(&work, 9, |record| {
            record.holder.pid = u32::MAX;
            record.machine.clone_from(&machine);
        });
        let error = take(&work, times()).err().unwrap();
        assert!(matches!(error, LockError::Busy { .. }), "{error}");
    }
}

#[test]
fn a_claim_that_nobody_renews_is_taken_over_and_its_holder_stops() {
    let work = work();
    let first = take(&work, expired()).unwrap();
    let second = take(&work, expired()).unwrap();
    let error = first.check().unwrap_err();
    assert!(matches!(error, LockError::TakenOver { .. }), "{error}");
    second.check().unwrap();
    // Nor does it take anything away when it ends.
    first.release(true);
    second.renew().unwrap();
    assert_eq!(keys(&work), ["claims/2.json"]);
    work.remove("claims/2.json").unwrap();
    let error = second.check().unwrap_err();
    assert!(matches!(error, LockError::Lost { .. }), "{error}");
}

#[test]
fn a_claim_is_renewed_by_itself() {
    let work = work();
    let often = LeaseTimes {
        renew: Duration::from_millis(5),
        ..times()
    };
    let lease = take(&work, often).unwrap();
    let written = || work.head("claims/1.json").unwrap().unwrap().e_tag;
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
fn what_is_no_claim_is_one_that_expires() {
    let work = work();
    work.put("claims/3.json", "rubbish".into()).unwrap();
    work.put("claims/x.json", "rubbish".into()).unwrap();
    let error = take(&work, times()).err().unwrap().to_string();
    assert!(error.contains("by another process"), "{error}");
    take(&work, expired()).unwrap();
    assert_eq!(keys(&work), ["claims/4.json", "claims/x.json"]);
}
