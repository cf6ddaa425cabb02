//! A lease: a lock made of objects, for stores that have no other lock.
//!
//! # Protocol
//!
//! The object `claims/N.json` in the work folder beside OUTPUT is lease N. It
//! names the process that holds it. The lease with the highest number is the
//! lock; leases with lower numbers mean nothing and are removed.
//!
//! 1. *Take.* A process reads the highest lease. If that lease is stale, the
//!    process creates the lease with the next number by a put with the condition
//!    `If-None-Match: *`, which fails if there is such an object. Of several
//!    processes that want the same number, one succeeds. The others start again.
//! 2. *Renew.* The holder puts its lease again every [`LeaseTimes::renew`].
//! 3. *Check.* Before each write, a holder that has not renewed its lease for
//!    half of [`LeaseTimes::expires`] reads the highest lease. If that is another
//!    one, the holder stops. Before it seals, a holder always renews.
//! 4. *Release.* The holder puts its lease with `released: true`, or removes it
//!    if the run has left nothing behind.
//!
//! A lease is *stale* when
//!
//! - its holder released it, or
//! - its holder was a process of this machine and has ended, or
//! - it was not put for [`LeaseTimes::expires`]. The clock of the store measures
//!   this age: a small object is put, and the two times of the store are
//!   compared. The clocks of the machines are not used.
//!
//! Each record has a nonce of 128 random bits, so no two records are equal.
//!
//! # Late writes
//!
//! A put that its holder sent before it lost the lease may arrive afterwards. It
//! does no harm: a unit of the same run has the same bytes, whichever process
//! writes it, and the sizes of all objects are compared before the root is
//! written.
//!
//! # Stores without conditions
//!
//! Some stores ignore `If-None-Match`. After each creation a second put with the
//! same condition must fail; if it succeeds, the store is refused with
//! [`LockError::NoConditionalPut`]. If the user says that the store has no
//! conditions, the process puts its lease, waits [`LeaseTimes::settle`], and reads
//! the highest lease; [`Lease::is_exclusive`] is then false.

mod objects;
mod record;

use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use self::objects::{age_below, highest, holds, key, leases};
pub(super) use self::objects::{is_lease_entry, is_lease_key};
use self::record::LeaseRecord;
use super::error::LockError;
use crate::location::Location;
use crate::remote::Remote;
use crate::store::{StoreError, StoreErrorKind};

/// How often to try again when other processes take a lease at the same moment.
const ATTEMPTS: usize = 100;

/// The times of a lease.
#[derive(Clone, Copy, Debug)]
pub struct LeaseTimes {
    /// The time between two renewals.
    pub renew: Duration,
    /// The age at which a lease is stale.
    pub expires: Duration,
    /// The time to wait for the leases of other processes if the store has no
    /// conditional put.
    pub settle: Duration,
}

impl Default for LeaseTimes {
    fn default() -> Self {
        Self {
            renew: Duration::from_secs(15),
            expires: Duration::from_secs(60),
            settle: Duration::from_secs(3),
        }
    }
}

/// A lease that this process holds. A thread renews it until it is released or
/// ended.
#[derive(Clone)]
pub struct Lease(Arc<HeldLease>);

struct HeldLease {
    work: Remote,
    output: Location,
    times: LeaseTimes,
    number: u64,
    is_exclusive: bool,
    state: Mutex<State>,
    /// Signals that the lease was released or ended.
    ended: Condvar,
}

struct State {
    record: LeaseRecord,
    /// When the last successful renewal began.
    renewed: Instant,
    /// Whether the lease was released or ended.
    ended: bool,
}

impl Lease {
    /// Returns the holder of the lock of the work folder `work`; `None` if the lock
    /// is free.
    ///
    /// It only reads, and so does not know the time of the store: a process that
    /// ended on another machine without a release counts as the holder.
    ///
    /// # Errors
    /// [`StoreError`] when the leases cannot be read.
    pub fn holder(work: &Remote) -> Result<Option<String>, StoreError> {
        let highest = highest(work)?;
        let held = highest.filter(|lease| !lease.is_free());
        Ok(held.map(|lease| lease.holder()))
    }

    /// Takes the lock of `output` in its work folder `work`.
    ///
    /// # Errors
    /// [`LockError::Busy`] when another process holds the lock,
    /// [`LockError::NoConditionalPut`], or the store failed.
    pub fn take(work: &Remote, output: &Location, times: LeaseTimes) -> Result<Self, LockError> {
        let taking = Taking {
            work,
            output,
            times,
            record: LeaseRecord::new()?,
        };
        for _ in 0..ATTEMPTS {
            let number = taking.next_number()?;
            let Some(is_exclusive) = taking.create(number)? else {
                continue;
            };
            match highest(work)? {
                Some(highest) if highest.number == number && highest.is(&taking.record) => {}
                Some(highest) => return Err(taking.busy(highest.holder())),
                None => continue,
            }
            let older: Vec<String> = leases(work)?
                .into_iter()
                .filter(|(other, _)| *other < number)
                .map(|(_, object)| object.key)
                .collect();
            work.remove_all(&older)?;
            return taking.hold(number, is_exclusive);
        }
        Err(taking.busy("other processes, one after the other".to_owned()))
    }

    /// Whether the store guarantees that no other process holds the lease.
    pub fn is_exclusive(&self) -> bool {
        self.0.is_exclusive
    }

    /// Checks that this process holds the lease. It asks the store only if the
    /// last renewal is older than half of [`LeaseTimes::expires`].
    ///
    /// # Errors
    /// [`LockError::TakenOver`], [`LockError::Lost`], or the store failed.
    pub fn check(&self) -> Result<(), LockError> {
        let renewed = self.0.lock().renewed;
        // The other half of the time is left for the put that follows.
        if renewed.elapsed() < self.0.times.expires / 2 {
            return Ok(());
        }
        self.0.renew()
    }

    /// Checks that this process holds the lease, and renews it.
    ///
    /// # Errors
    /// [`LockError::TakenOver`], [`LockError::Lost`], or the store failed.
    pub fn renew(&self) -> Result<(), LockError> {
        self.0.renew()
    }

    /// Stops the renewal. The object of the lease stays.
    pub fn end(&self) {
        self.0.lock().ended = true;
        self.0.ended.notify_all();
    }

    /// Releases the lease, so that the next process need not wait. Does nothing if
    /// the lease has ended.
    ///
    /// The object of the lease is removed if no work was `begun`. If the store
    /// fails, the lease becomes stale by its age.
    pub fn release(&self, begun: bool) {
        let HeldLease { work, number, .. } = self.0.as_ref();
        let mut state = self.0.lock();
        if state.ended {
            return;
        }
        state.ended = true;
        state.record.released = true;
        let bytes = state.record.bytes();
        drop(state);
        self.0.ended.notify_all();
        let highest = highest(work).ok().flatten();
        if highest.is_none_or(|highest| highest.number != *number) {
            return;
        }
        let _ = match bytes {
            Ok(bytes) if begun => work.put(&key(*number), bytes.into()),
            _ => work.remove(&key(*number)),
        };
    }
}

/// The attempt of this process to take a lease.
struct Taking<'a> {
    work: &'a Remote,
    output: &'a Location,
    times: LeaseTimes,
    record: LeaseRecord,
}

impl Taking<'_> {
    fn busy(&self, holder: String) -> LockError {
        LockError::Busy {
            path: self.output.clone(),
            holder,
        }
    }

    /// Returns the number of the lease to create: one more than that of the last
    /// lease, which must be stale.
    fn next_number(&self) -> Result<u64, LockError> {
        let Some(highest) = highest(self.work)? else {
            return Ok(1);
        };
        let expires = self.times.expires;
        if !highest.is_free()
            && let Some(age) = age_below(self.work, &highest.object, expires)?
        {
            let left = (expires - age).as_secs() + 1;
            return Err(self.busy(format!(
                "{} (last heard of {} s ago; if it is dead, try again in {left} s)",
                highest.holder(),
                age.as_secs(),
            )));
        }
        Ok(highest.number + 1)
    }

    /// Creates the lease with that number. Returns whether the store guarantees
    /// that no other process created it; `None` if another process did.
    fn create(&self, number: u64) -> Result<Option<bool>, LockError> {
        let work = self.work;
        let key = key(number);
        let is_exclusive = match work.put_new(&key, self.record.bytes()?.into()) {
            Ok(true) => true,
            // The lease may be ours, when the answer to the first try was lost.
            Ok(false) if holds(work, &key, &self.record)? => true,
            Ok(false) => return Ok(None),
            // The user said that the store has no conditional put.
            Err(error) if error.kind == StoreErrorKind::Unsupported => false,
            Err(error) => return Err(error.into()),
        };
        if is_exclusive {
            let other = LeaseRecord::new()?;
            if work.put_new(&key, other.bytes()?.into())? {
                work.remove(&key)?;
                return Err(LockError::NoConditionalPut {
                    path: self.output.clone(),
                });
            }
        } else {
            work.put(&key, self.record.bytes()?.into())?;
            thread::sleep(self.times.settle);
        }
        Ok(Some(is_exclusive))
    }

    /// Starts the thread that renews the lease.
    fn hold(self, number: u64, is_exclusive: bool) -> Result<Lease, LockError> {
        let held = Arc::new(HeldLease {
            work: self.work.clone(),
            output: self.output.clone(),
            times: self.times,
            number,
            is_exclusive,
            state: Mutex::new(State {
                record: self.record,
                renewed: Instant::now(),
                ended: false,
            }),
            ended: Condvar::new(),
        });
        let renewing = held.clone();
        let spawned = thread::Builder::new().name("lease".to_owned());
        let spawned = spawned.spawn(move || renewing.keep_renewing());
        let lease = Lease(held);
        spawned.map_err(|source| {
            // Nobody would renew it. The next process need not wait until it is stale.
            lease.release(true);
            LockError::Io {
                action: "start a thread that renews the lease on",
                path: self.output.to_string().into(),
                source,
            }
        })?;
        Ok(lease)
    }
}

impl HeldLease {
    /// Locks the state. The only request that is sent while it is locked is the put
    /// of a renewal, so that a release is put after it.
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Renews the lease at its times until it is released, ended or lost.
    fn keep_renewing(&self) {
        loop {
            let state = self.lock();
            let ended = |state: &mut State| !state.ended;
            let waited = self
                .ended
                .wait_timeout_while(state, self.times.renew, ended);
            let (state, _) = waited.unwrap_or_else(PoisonError::into_inner);
            if state.ended {
                return;
            }
            drop(state);
            // The next write of this process finds the same error.
            if let Err(LockError::TakenOver { .. } | LockError::Lost { .. }) = self.renew() {
                return;
            }
        }
    }

    /// Checks that the highest lease is the one of this process, and puts it again.
    fn renew(&self) -> Result<(), LockError> {
        let asked = Instant::now();
        let highest = highest(&self.work)?;
        let mut state = self.lock();
        if state.ended {
            return Ok(());
        }
        match highest {
            Some(highest) if highest.number == self.number && highest.is(&state.record) => {
                let bytes = state.record.bytes()?;
                self.work.put(&key(self.number), bytes.into())?;
                state.renewed = asked;
                Ok(())
            }
            Some(highest) => Err(LockError::TakenOver {
                path: self.output.clone(),
                holder: highest.holder(),
            }),
            None => Err(LockError::Lost {
                work: self.work.location(),
            }),
        }
    }
}

#[cfg(test)]
mod tests;
