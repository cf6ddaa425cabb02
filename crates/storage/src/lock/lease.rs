//! A lease: a lock made of one object, for stores that have no other lock.
//!
//! # Protocol
//!
//! The object `claims/lease.json` in the work folder beside OUTPUT is the lease. It
//! names the process that holds it and has a *nonce*: 128 random bits, which no other
//! lease has. It is created only where there is none (`If-None-Match: *`), and it is
//! replaced and removed only if it still is the version that was seen (`If-Match`).
//!
//! 1. *Take.* A process creates the lease or, if there is one that is free or has
//!    expired, replaces it by its own. Of several processes one succeeds. The others
//!    start again.
//! 2. *Renew.* The holder replaces its lease every [`LeaseTimes::renew`] by the same
//!    record with a higher count. If it finds another version there, it reads it: its
//!    own nonce says that an answer was lost; another nonce says that the lease is lost.
//! 3. *Check.* The holder may write until three quarters of [`LeaseTimes::expires`] have
//!    passed since it *sent* the last renewal that succeeded. Then writes wait. The
//!    renewal is tried on, and writes go on when it succeeds. [`Lease::left`] says how
//!    long the holder may write; it is asked before each try of each request.
//! 4. *Release.* The holder replaces its lease by a record with `released: true`, or
//!    removes it if the run has left nothing behind.
//!
//! A lease is *free* when its holder released it, or was a process of this machine and
//! has ended. A lease has *expired* when the process that wants it has watched the
//! object for [`LeaseTimes::expires`] and it has not changed. That process measures the
//! time with its own clock. The times of the store are not used: two of its machines
//! can have different clocks. Both processes use a clock that counts while the machine
//! sleeps, so the holder has stopped before the other one begins.
//!
//! # Workers
//!
//! Several processes can hold OUTPUT together, to convert parts of one dataset. Each has a
//! lease of its own, `claims/worker-NONCE.json`, which is renewed and checked as the other one.
//!
//! - A *worker* creates its lease, and then looks for the lease of a process that holds OUTPUT
//!   alone. If that is neither free nor expired, it removes its own and is refused. One that has
//!   expired is removed, so that its process, if it goes on, finds that it is lost.
//! - A process that wants OUTPUT *alone* takes its lease, and then looks for those of workers. It
//!   watches those that are not free. If one is renewed, it releases its own and is refused. One
//!   that has expired is removed, so that its worker, if it goes on, finds that it is lost.
//!
//! Each writes its own lease before it looks for the other kind, so that of two that begin at the
//! same time at least one sees the other. If both do, the one that wants OUTPUT alone is refused
//! when the worker has renewed its lease once, and the worker only when the other lease was renewed
//! three times: the worker remains.
//!
//! # Late writes
//!
//! A put that its holder sent before it lost the lease may arrive afterwards. A request
//! without an answer is given up before the lease can expire; the store may still carry
//! it out later.
//!
//! # Stores without conditions
//!
//! Some stores refuse `If-None-Match` or `If-Match` (status 501), and some ignore them.
//! After each lease is taken, a put with each of the two conditions must fail; if it
//! succeeds, the store ignores them. In such a store, or when the user says that the store
//! has no conditions, the process puts its lease, waits [`LeaseTimes::settle`], and reads
//! it; [`Lease::is_exclusive`] is then false.

mod found;
mod held_lease;
mod record;
mod times;

use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use self::found::{ALONE, Found, worker_key};
pub(super) use self::found::{LEASES, is_lease_entry, is_lease_key};
use self::held_lease::{HeldLease, StoredLease, now};
use self::record::LeaseRecord;
pub use self::times::LeaseTimes;
use super::error::LockError;
use super::worker_file::Worker;
use crate::location::Location;
use crate::remote::Remote;
use crate::store::{StoreError, StoreErrorKind};

/// How often to try again when other processes take the lease at the same moment.
const ATTEMPTS: usize = 100;
/// The time between two looks at the lease of another process, at most.
const LOOK: Duration = Duration::from_secs(1);
/// Renewals of the lease of a process that holds OUTPUT alone, after which a worker is refused. A
/// process that finds workers beside it is refused after the first renewal, so that of two that
/// begin at the same time the worker remains.
const WORKER_PATIENCE: usize = 3;
/// For how long a renewal before the seal is tried, and the pause between two tries.
const RENEW_FOR: Duration = Duration::from_secs(180);
const PAUSE: Duration = Duration::from_secs(1);

/// A lease that this process holds. A thread renews it until it is released or
/// lost.
#[derive(Clone)]
pub struct Lease(Arc<HeldLease>);

impl Lease {
    /// Returns the holder of the lock of the work folder `work`; `None` if the lock
    /// is free.
    ///
    /// It only reads, once: a process that ended on another machine without a release
    /// counts as the holder.
    ///
    /// # Errors
    /// [`StoreError`] when the lease cannot be read.
    pub fn holder(work: &Remote) -> Result<Option<String>, StoreError> {
        let found = Found::read(work, ALONE)?;
        let held = found.filter(|found| !found.is_free());
        Ok(held.map(|found| found.holder()))
    }

    /// Returns the workers that hold the lock of the work folder `work` together. Workers that
    /// ended on another machine without a release count.
    ///
    /// # Errors
    /// [`StoreError`] when the leases cannot be read.
    pub fn workers(work: &Remote) -> Result<Vec<Worker>, StoreError> {
        let leases = Found::of_workers(work)?.into_iter();
        let held = leases.filter(|(_, found)| !found.is_free());
        let mut workers: Vec<Worker> = held.map(|(_, found)| found.worker()).collect();
        workers.sort_by(|one, other| one.label.cmp(&other.label));
        Ok(workers)
    }

    /// Takes the lock of `output` in its work folder `work`.
    ///
    /// If another process may hold it, this call waits until that process renews its
    /// lease or the lease expires. It calls `waiting` before, with that process.
    ///
    /// # Errors
    /// [`LockError::Busy`] when another process holds the lock, or the store failed.
    pub fn take(
        work: &Remote,
        output: &Location,
        times: LeaseTimes,
        waiting: &dyn Fn(&str),
    ) -> Result<Self, LockError> {
        let mut taking = Taking {
            work,
            key: ALONE.to_owned(),
            output,
            times,
            waiting,
            record: LeaseRecord::new()?,
        };
        for _ in 0..ATTEMPTS {
            let sent = now()?;
            let there = taking.wait_until_free(ALONE, 1)?;
            if let Some(stored) = taking.put_own(there.as_ref())? {
                let lease = taking.hold(stored, sent)?;
                return match taking.wait_for_workers() {
                    Ok(()) => Ok(lease),
                    Err(error) => {
                        lease.release(true);
                        Err(error)
                    }
                };
            }
        }
        Err(taking.busy("other processes, one after the other".to_owned()))
    }

    /// Takes the lock of `output` in its work folder `work` together with other workers, of which
    /// each does the work that its `label` names.
    ///
    /// # Errors
    /// [`LockError::Busy`] when another process holds the lock alone;
    /// [`LockError::NoConditionalPut`] in a store without conditions; or the store failed.
    pub fn share(
        work: &Remote,
        output: &Location,
        times: LeaseTimes,
        label: &str,
        waiting: &dyn Fn(&str),
    ) -> Result<Self, LockError> {
        let record = LeaseRecord {
            label: label.to_owned(),
            ..LeaseRecord::new()?
        };
        let mut taking = Taking {
            work,
            key: worker_key(&record.nonce),
            output,
            times,
            waiting,
            record,
        };
        let no_conditions = || LockError::NoConditionalPut {
            path: output.clone(),
        };
        let sent = now()?;
        let stored = taking.put_own(None)?.ok_or_else(no_conditions)?;
        let lease = taking.hold(stored, sent)?;
        let free = match lease.is_exclusive() {
            true => taking.wait_until_nobody_is_alone(),
            false => Err(no_conditions()),
        };
        match free {
            Ok(()) => Ok(lease),
            Err(error) => {
                lease.remove();
                Err(error)
            }
        }
    }

    /// Whether the store guarantees that no other process holds the lease.
    pub fn is_exclusive(&self) -> bool {
        self.0.is_exclusive()
    }

    /// Returns for how long this process may write before the lease has to be renewed.
    /// Zero means that renewals fail, and that nobody knows whether the lease is still
    /// held. No request is sent.
    ///
    /// # Errors
    /// The lease is lost or released, and no later call succeeds.
    pub fn left(&self) -> Result<Duration, LockError> {
        self.0.left()
    }

    /// Checks that this process holds the lease, and renews it.
    ///
    /// # Errors
    /// [`LockError::TakenOver`], [`LockError::Lost`], or the store failed.
    pub fn renew(&self) -> Result<(), LockError> {
        self.0.renew()
    }

    /// Renews the lease as [`Self::renew`] does, directly before the dataset is sealed. A
    /// store that fails for a while does not end the run: another try follows, for 180
    /// seconds, unless the error `is_final`.
    ///
    /// # Errors
    /// Those of [`Self::renew`].
    pub fn renew_for_seal(&self, is_final: fn(&StoreError) -> bool) -> Result<(), LockError> {
        let begun = Instant::now();
        loop {
            match self.renew() {
                Err(LockError::Store(error))
                    if !is_final(&error) && begun.elapsed() < RENEW_FOR =>
                {
                    thread::sleep(PAUSE);
                }
                renewed => return renewed,
            }
        }
    }

    /// Removes the lease, and stops the renewal: the run is complete.
    pub fn remove(&self) {
        self.0.end(false);
    }

    /// Releases the lease, so that the next process need not wait. Does nothing if
    /// the lease has ended or is lost.
    ///
    /// The object of the lease is removed if no work was `begun`. If the store
    /// fails, the lease expires.
    pub fn release(&self, begun: bool) {
        self.0.end(begun);
    }
}

/// The attempt of this process to take a lease.
struct Taking<'a> {
    work: &'a Remote,
    /// The key of its lease.
    key: String,
    output: &'a Location,
    times: LeaseTimes,
    waiting: &'a dyn Fn(&str),
    record: LeaseRecord,
}

impl Taking<'_> {
    fn busy(&self, holder: String) -> LockError {
        LockError::Busy {
            path: self.output.clone(),
            holder,
        }
    }

    /// Waits until the lease with that key is free or has expired. Returns it, if there is one.
    /// It is refused when it saw so many `renewals`.
    fn wait_until_free(&mut self, key: &str, renewals: usize) -> Result<Option<Found>, LockError> {
        let mut seen_renewals = 0;
        // The lease of another process and when it was seen first.
        let mut watched: Option<(Found, Duration)> = None;
        loop {
            let Some(found) = Found::read(self.work, key)? else {
                return Ok(None);
            };
            if found.is_free() {
                return Ok(Some(found));
            }
            let seen = now()?;
            match &watched {
                Some((watched, since)) if *watched == found => {
                    if seen.saturating_sub(*since) >= self.times.expires {
                        return Ok(Some(found));
                    }
                }
                // It was renewed while this process watched.
                Some((before, _)) if before.has_nonce_of(&found) => {
                    seen_renewals += 1;
                    if seen_renewals >= renewals {
                        return Err(self.busy(found.holder()));
                    }
                    watched = Some((found, seen));
                }
                _ => {
                    (self.waiting)(&found.holder());
                    seen_renewals = 0;
                    watched = Some((found, seen));
                }
            }
            thread::sleep(self.times.renew.min(LOOK));
        }
    }

    /// Waits until no worker holds the output, and removes the leases of those that have ended.
    /// This process holds the output alone, so that no worker comes.
    fn wait_for_workers(&mut self) -> Result<(), LockError> {
        for (key, _) in Found::of_workers(self.work)? {
            while let Some(found) = self.wait_until_free(&key, 1)? {
                if self.remove(&key, &found)? {
                    break;
                }
            }
        }
        Ok(())
    }

    /// Waits until no process holds the output alone, and removes the lease of one that has not
    /// renewed it.
    fn wait_until_nobody_is_alone(&mut self) -> Result<(), LockError> {
        while let Some(found) = self.wait_until_free(ALONE, WORKER_PATIENCE)? {
            if found.is_free() || self.remove(ALONE, &found)? {
                break;
            }
        }
        Ok(())
    }

    /// Removes a lease that was found. Returns false if it was renewed meanwhile.
    fn remove(&self, key: &str, found: &Found) -> Result<bool, LockError> {
        self.work.remove_version(key, &found.version)?;
        Ok(Found::read(self.work, key)?.is_none())
    }

    /// Puts the lease of this process where there is none, or in place of `there`.
    /// Returns `None` if another process did so first.
    fn put_own(&self, there: Option<&Found>) -> Result<Option<StoredLease>, LockError> {
        let bytes = self.record.bytes()?;
        let put = match there {
            None => self.work.create(&self.key, bytes.into()),
            Some(found) => self.work.replace(&self.key, bytes.into(), &found.version),
        };
        let version = match put {
            Ok(Some(version)) => Some(version),
            // The lease may be ours, when the answer to the first try was lost.
            Ok(None) => match Found::read(self.work, &self.key)? {
                Some(found) if found.is(&self.record) => Some(found.version),
                _ => return Ok(None),
            },
            // The store has no conditional put, or the user said so.
            Err(error) if error.kind == StoreErrorKind::Unsupported => {
                return self.put_without_condition();
            }
            Err(error) => return Err(error.into()),
        };
        Ok(Some(StoredLease {
            record: self.record.clone(),
            version,
        }))
    }

    /// Puts the lease of this process and looks whether it stays. Returns `None` if it
    /// was removed.
    fn put_without_condition(&self) -> Result<Option<StoredLease>, LockError> {
        self.work.put(&self.key, self.record.bytes()?.into())?;
        thread::sleep(self.times.settle);
        match Found::read(self.work, &self.key)? {
            Some(found) if found.is(&self.record) => Ok(Some(StoredLease {
                record: self.record.clone(),
                version: None,
            })),
            Some(found) => Err(self.busy(found.holder())),
            None => Ok(None),
        }
    }

    /// Starts the thread that renews the lease, which was put by a request that was
    /// sent at `sent` or later.
    fn hold(&self, stored: StoredLease, sent: Duration) -> Result<Lease, LockError> {
        let hold = |stored, sent| {
            HeldLease::new(self.work, &self.key, self.output, self.times, stored, sent)
        };
        let first = stored.version.clone();
        let mut held = hold(stored, sent);
        if let Some(first) = first {
            let other = || Ok::<_, LockError>(LeaseRecord::new()?.bytes()?.into());
            held.renew()?;
            // The version that was just replaced is not there any more.
            if self.work.create(&self.key, other()?)?.is_some()
                || self.work.replace(&self.key, other()?, &first)?.is_some()
            {
                // The store ignores one of the conditions.
                let sent = now()?;
                let stored = self.put_without_condition()?;
                let others = || self.busy("another process".to_owned());
                held = hold(stored.ok_or_else(others)?, sent);
            }
        }
        let held = Arc::new(held);
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

#[cfg(test)]
mod tests;
