use std::sync::atomic::{AtomicUsize, Ordering};

use object_store::memory::InMemory;

use super::*;

/// Longer than any test runs.
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

/// Times by which a lease is stale as soon as it is put.
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

/// Puts a lease as another process does.
fn put(work: &Remote, number: u64, change: impl Fn(&mut LeaseRecord)) {
    let mut record = LeaseRecord::new().unwrap();
    change(&mut record);
    let bytes = record.bytes().unwrap();
    work.put(&key(number), bytes.into()).unwrap();
}

#[test]
fn a_second_process_is_refused_and_told_who_holds_the_lease() {
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
    put(&work, 7, |record| record.holder.pid = u32::MAX);
    assert_eq!(Lease::holder(&work).unwrap(), None);
    let lease = take(&work, times()).unwrap();
    assert_eq!(keys(&work), ["claims/8.json"]);
    drop(lease);
    // The process of the same number on another machine may be running.
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
fn a_lease_that_nobody_renews_is_taken_over_and_its_holder_stops() {
    let work = work();
    let first = take(&work, expired()).unwrap();
    let second = take(&work, expired()).unwrap();
    let error = first.check().unwrap_err();
    assert!(matches!(error, LockError::TakenOver { .. }), "{error}");
    second.check().unwrap();
    // A lease that was taken over removes nothing when it is released.
    first.release(true);
    second.renew().unwrap();
    assert_eq!(keys(&work), ["claims/2.json"]);
    work.remove("claims/2.json").unwrap();
    let error = second.check().unwrap_err();
    assert!(matches!(error, LockError::Lost { .. }), "{error}");
}

#[test]
fn a_lease_is_renewed_until_it_is_released() {
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
fn an_unreadable_lease_expires_as_others_do() {
    let work = work();
    work.put("claims/3.json", "rubbish".into()).unwrap();
    work.put("claims/x.json", "rubbish".into()).unwrap();
    let error = take(&work, times()).err().unwrap().to_string();
    assert!(error.contains("by another process"), "{error}");
    take(&work, expired()).unwrap();
    assert_eq!(keys(&work), ["claims/4.json", "claims/x.json"]);
}
