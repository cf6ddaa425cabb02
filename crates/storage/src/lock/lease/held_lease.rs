//! A lease that this process holds: its renewal, its loss and its end.

use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use super::found::Found;
use super::record::LeaseRecord;
use super::times::LeaseTimes;
use crate::location::Location;
use crate::lock::error::LockError;
use crate::remote::Remote;
use crate::store::{StoreError, StoreErrorKind};
use crate::version::Version;
use rxrx_platform as platform;

/// The time for a request about the lease, at most.
const ANSWER: Duration = Duration::from_secs(10);
/// The time between a renewal that failed and the next try, at most. The thread that
/// renews looks at the clock as often, because its timer stands still while the machine
/// sleeps.
const STEP: Duration = Duration::from_secs(1);
/// How often a renewal is repeated at once because earlier ones arrived late.
const REPEATS: usize = 5;

/// Returns the time by the clock that leases are measured with.
pub(super) fn now() -> Result<Duration, LockError> {
    platform::time_with_sleep().map_err(|source| LockError::Io {
        action: "read the clock of",
        path: "this machine".into(),
        source,
    })
}

/// A lease that this process holds.
///
/// `stored` is locked during requests, `state` only for moments, so that
/// [`Self::left`] never waits for the store.
pub(super) struct HeldLease {
    work: Remote,
    key: String,
    output: Location,
    times: LeaseTimes,
    stored: Mutex<StoredLease>,
    state: Mutex<State>,
    /// Signals that the lease was released or removed.
    ended: Condvar,
    is_exclusive: bool,
}

/// The object of the lease as this process put it.
pub(super) struct StoredLease {
    pub(super) record: LeaseRecord,
    /// `None` if the store has no conditional put.
    pub(super) version: Option<Version>,
}

struct State {
    /// When the last successful renewal was sent.
    renewed: Duration,
    loss: Option<Loss>,
    /// Whether the lease was released or removed.
    is_ended: bool,
}

/// The reason why the lease is lost.
#[derive(Clone)]
enum Loss {
    /// That process has taken it.
    TakenOver(String),
    /// Its object was removed.
    Removed,
}

/// What became of a put of the lease.
enum Put {
    /// It was sent at that time and replaced the lease.
    At(Duration),
    /// The lease is not that of this process any more.
    Lost(Loss),
}

impl HeldLease {
    /// Makes the lease that was `stored` by a request that was sent at `renewed` or
    /// later.
    pub(super) fn new(
        work: &Remote,
        key: &str,
        output: &Location,
        times: LeaseTimes,
        stored: StoredLease,
        renewed: Duration,
    ) -> Self {
        Self {
            // Each request is short, so that several fit into the time of a lease.
            work: work.within(ANSWER.min(times.expires / 6)),
            key: key.to_owned(),
            output: output.clone(),
            times,
            is_exclusive: stored.version.is_some(),
            stored: Mutex::new(stored),
            state: Mutex::new(State {
                renewed,
                loss: None,
                is_ended: false,
            }),
            ended: Condvar::new(),
        }
    }

    pub(super) fn is_exclusive(&self) -> bool {
        self.is_exclusive
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn stored(&self) -> MutexGuard<'_, StoredLease> {
        self.stored.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn lost(&self, loss: Loss) -> LockError {
        match loss {
            Loss::TakenOver(holder) => LockError::TakenOver {
                path: self.output.clone(),
                holder,
            },
            Loss::Removed => LockError::Lost {
                work: self.work.location(),
            },
        }
    }

    /// See [`Lease::left`](super::Lease::left).
    pub(super) fn left(&self) -> Result<Duration, LockError> {
        let state = self.state();
        if let Some(loss) = &state.loss {
            return Err(self.lost(loss.clone()));
        }
        if state.is_ended {
            return Err(self.lost(Loss::Removed));
        }
        // The rest is for the way of the last request to the store.
        let usable = self.times.expires - self.times.expires / 4;
        Ok((state.renewed + usable).saturating_sub(now()?))
    }

    /// Renews the lease at its times until it is released, removed or lost.
    pub(super) fn keep_renewing(&self) {
        let step = self.times.renew.min(STEP);
        let mut due = self.state().renewed + self.times.renew;
        loop {
            let state = self.state();
            let waits = |state: &mut State| !state.is_ended;
            let waited = self.ended.wait_timeout_while(state, step, waits);
            let (state, _) = waited.unwrap_or_else(PoisonError::into_inner);
            if state.is_ended || state.loss.is_some() {
                return;
            }
            drop(state);
            if now().is_ok_and(|now| now < due) {
                continue;
            }
            // After a failure the next step tries again. A loss is kept for writers.
            if self.renew().is_ok() {
                due = self.state().renewed + self.times.renew;
            }
        }
    }

    /// Puts the lease again, if it still is the lease of this process.
    pub(super) fn renew(&self) -> Result<(), LockError> {
        let mut stored = self.stored();
        {
            let state = self.state();
            if let Some(loss) = &state.loss {
                return Err(self.lost(loss.clone()));
            }
            if state.is_ended {
                return Ok(());
            }
        }
        match self.put_again(&mut stored)? {
            Put::At(sent) => {
                self.state().renewed = sent;
                Ok(())
            }
            Put::Lost(loss) => {
                self.state().loss = Some(loss.clone());
                Err(self.lost(loss))
            }
        }
    }

    /// Replaces the lease by `stored` with one renewal more, as long as the lease that is
    /// there is one of this process.
    fn put_again(&self, stored: &mut StoredLease) -> Result<Put, LockError> {
        for _ in 0..REPEATS {
            let sent = now()?;
            stored.record.renewals += 1;
            if self.put(stored)? {
                return Ok(Put::At(sent));
            }
            // An answer was lost, or a renewal that was given up has arrived; or another
            // process has taken the lease.
            match Found::read(&self.work, &self.key)? {
                Some(found) if found.is(&stored.record) => {
                    stored.version = stored.version.is_some().then_some(found.version);
                }
                Some(found) => return Ok(Put::Lost(Loss::TakenOver(found.holder()))),
                None => return Ok(Put::Lost(Loss::Removed)),
            }
        }
        Err(StoreError::new(
            "renew",
            self.work.location().join(&self.key).to_string(),
            StoreErrorKind::Changed,
            "it changes each time it is read",
        )
        .into())
    }

    /// Replaces the lease by `stored`. Returns false if another version is there.
    fn put(&self, stored: &mut StoredLease) -> Result<bool, LockError> {
        let bytes = stored.record.bytes()?;
        if let Some(version) = &stored.version {
            let put = self.work.replace(&self.key, bytes.into(), version)?;
            let is_put = put.is_some();
            stored.version = put.or(stored.version.take());
            return Ok(is_put);
        }
        let found = Found::read(&self.work, &self.key)?;
        if found.is_none_or(|found| !found.is(&stored.record)) {
            return Ok(false);
        }
        self.work.put(&self.key, bytes.into())?;
        Ok(true)
    }

    /// Ends the lease. It is released if the run has `begun`, else removed. Another
    /// version than the one that this process put stays.
    pub(super) fn end(&self, begun: bool) {
        // A renewal that is under way ends first.
        let mut stored = self.stored();
        {
            let mut state = self.state();
            if state.is_ended || state.loss.is_some() {
                return;
            }
            state.is_ended = true;
        }
        self.ended.notify_all();
        stored.record.released = begun;
        // Only the holder can do this. Afterwards nobody may take the lease for a while,
        // also where a store cannot check a condition on a removal.
        if !matches!(self.put_again(&mut stored), Ok(Put::At(_))) || begun {
            return;
        }
        let _ = match &stored.version {
            Some(version) => self.work.remove_version(&self.key, version),
            None => self.work.remove(&self.key),
        };
    }
}
