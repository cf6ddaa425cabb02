//! A lock made of objects, for stores that have no other.
//!
//! `claims/N.json` beside OUTPUT says who holds lease N; the one with the highest
//! number holds the lock. A lease is created by a put that fails where there is
//! an object already (`If-None-Match: *`), so that of several who want the next
//! number one gets it. Its holder writes it again every [`LeaseTimes::renew`]. A lease
//! is *stale*, and the next number may be created, when
//!
//! - its holder has let go of it and written so, or
//! - its holder was a process of this machine that is not there any more, or
//! - it was not written for [`LeaseTimes::expires`], by the clock of the store: that
//!   of this machine, or of another, is never asked.
//!
//! A holder that was not able to renew its lease for so long (the machine slept,
//! the network was gone) looks whether it is still the highest before it writes
//! anything else, and stops when it is not. Should one of its puts arrive after
//! that all the same, nothing is lost: a unit of the same run has the same bytes
//! whoever writes it, and before the root is written all sizes are compared.
//!
//! A store that ignores `If-None-Match` is found out by a second put that must
//! fail, and refused.

use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};

use super::error::LockError;
use super::holder::Holder;
use crate::location::Location;
use crate::platform;
use crate::remote::{Remote, RemoteObject};
use crate::store::{StoreError, StoreErrorKind};

const LEASES: &str = "claims/";
/// Written to learn what the time of the store is.
const CLOCK: &str = "clock.json";
/// How often to try again when others lease at the same moment.
const ATTEMPTS: usize = 100;

/// Whether this module puts an entry of that name into the folder of unfinished
/// work.
pub fn is_entry(name: &str) -> bool {
    name == CLOCK || format!("{name}/") == LEASES
}

/// How long a lease holds.
#[derive(Clone, Copy, Debug)]
pub struct LeaseTimes {
    /// How often it is renewed.
    pub renew: Duration,
    /// How old it may become.
    pub expires: Duration,
    /// How long to wait for others to show themselves where a store has no
    /// conditions.
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

/// What a lease says.
#[derive(Debug, Serialize, Deserialize)]
struct LeaseRecord {
    #[serde(flatten)]
    holder: Holder,
    /// The machine, where processes can be told apart by their number.
    machine: Option<String>,
    /// What no other lease has.
    nonce: String,
    /// Whether the holder has let go of it.
    released: bool,
}

impl LeaseRecord {
    /// Makes the record of this process, with 128 random bits of the system.
    fn new() -> Result<Self, LockError> {
        let mut nonce = [0; 16];
        getrandom::fill(&mut nonce).map_err(|error| LockError::Io {
            action: "take random numbers from",
            path: "the operating system".into(),
            source: error.into(),
        })?;
        Ok(Self {
            holder: Holder::this_process(),
            machine: platform::machine_id(),
            nonce: hex::encode(nonce),
            released: false,
        })
    }

    fn bytes(&self) -> Result<Vec<u8>, StoreError> {
        serde_json::to_vec(self)
            .map_err(|error| StoreError::new("encode", LEASES, StoreErrorKind::Other, error))
    }

    /// Whether the holder was a process of this machine, and is no more.
    fn is_of_dead_process(&self) -> bool {
        self.machine.is_some()
            && self.machine == platform::machine_id()
            && !platform::is_process_alive(self.holder.pid)
    }
}

/// A lease that this process has, renewed until it is released or dropped.
#[derive(Clone)]
pub struct Lease(Arc<HeldLease>);

struct HeldLease {
    work: Remote,
    output: Location,
    times: LeaseTimes,
    number: u64,
    is_exclusive: bool,
    state: Mutex<State>,
    /// The lease was let go of.
    ended: Condvar,
}

struct State {
    record: LeaseRecord,
    /// When it was last known to be ours.
    renewed: Instant,
    ended: bool,
}

/// The lease of the highest number.
struct Highest {
    number: u64,
    object: RemoteObject,
    /// `None` for what cannot be read.
    record: Option<LeaseRecord>,
}

impl Lease {
    pub fn is_key(key: &str) -> bool {
        key.starts_with(LEASES)
    }

    /// Who holds the lock below `work`, if anybody does, as far as one who may
    /// only read can tell: what has not let go may be dead on another machine.
    pub fn holder(work: &Remote) -> Result<Option<String>, StoreError> {
        let highest = highest(work)?;
        let held = highest.filter(|lease| !lease.record.as_ref().is_some_and(is_free));
        Ok(held.map(|lease| lease.holder()))
    }

    /// Takes the lock below `work`.
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

    /// Whether the store keeps every other process out.
    pub fn is_exclusive(&self) -> bool {
        self.0.is_exclusive
    }

    /// Demands that the lease is ours; asks the store only when it was not heard
    /// of for long.
    pub fn check(&self) -> Result<(), LockError> {
        let renewed = self.0.lock().renewed;
        // Half of the time is left for the put that follows.
        if renewed.elapsed() < self.0.times.expires / 2 {
            return Ok(());
        }
        self.0.renew()
    }

    /// Demands that the lease is ours, and renews it.
    pub fn renew(&self) -> Result<(), LockError> {
        self.0.renew()
    }

    /// Stops renewing it.
    pub fn end(&self) {
        self.0.lock().ended = true;
        self.0.ended.notify_all();
    }

    /// Lets go of it, so that the next one need not wait, unless it has ended;
    /// leaves nothing behind where nothing was `begun`. Whatever fails here, the
    /// lease becomes stale.
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

/// A lease that this process wants.
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
        let is_free = highest.record.as_ref().is_some_and(is_free);
        if !is_free && let Some(age) = younger(self.work, &highest.object, expires)? {
            let left = (expires - age).as_secs() + 1;
            return Err(self.busy(format!(
                "{} (last heard of {} s ago; if it is dead, try again in {left} s)",
                highest.holder(),
                age.as_secs(),
            )));
        }
        Ok(highest.number + 1)
    }

    /// Creates the lease with that number: whether the store keeps others out;
    /// `None` when another process was faster.
    fn create(&self, number: u64) -> Result<Option<bool>, LockError> {
        let work = self.work;
        let key = key(number);
        let is_exclusive = match work.put_new(&key, self.record.bytes()?.into()) {
            Ok(true) => true,
            // The lease may be ours, when the answer to the first try was lost.
            Ok(false) if is_ours(work, &key, &self.record)? => true,
            Ok(false) => return Ok(None),
            // The user has said that the store knows no conditions.
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
        spawned.map_err(|source| LockError::Io {
            action: "watch over the lease on",
            path: self.output.to_string().into(),
            source,
        })?;
        Ok(Lease(held))
    }
}

impl HeldLease {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

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
            // Whoever writes next finds out, too.
            if let Err(LockError::TakenOver { .. } | LockError::Lost { .. }) = self.renew() {
                return;
            }
        }
    }

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

impl Highest {
    fn holder(&self) -> String {
        let unknown = || "another process".to_owned();
        let record = self.record.as_ref();
        record.map_or_else(unknown, |record| record.holder.to_string())
    }

    fn is(&self, record: &LeaseRecord) -> bool {
        let found = self.record.as_ref();
        found.is_some_and(|found| found.nonce == record.nonce)
    }
}

fn is_free(record: &LeaseRecord) -> bool {
    record.released || record.is_of_dead_process()
}

fn key(number: u64) -> String {
    format!("{LEASES}{number}.json")
}

/// The leases below `work`, by number.
fn leases(work: &Remote) -> Result<Vec<(u64, RemoteObject)>, StoreError> {
    let number = |object: &RemoteObject| {
        let name = object.key.strip_prefix(LEASES)?.strip_suffix(".json")?;
        name.parse::<u64>().ok()
    };
    let objects = work.below(LEASES)?.into_iter();
    let numbered = objects.filter_map(|object| Some((number(&object)?, object)));
    let mut leases: Vec<_> = numbered.collect();
    leases.sort_by_key(|(number, _)| *number);
    Ok(leases)
}

fn highest(work: &Remote) -> Result<Option<Highest>, StoreError> {
    let Some((number, object)) = leases(work)?.pop() else {
        return Ok(None);
    };
    Ok(Some(Highest {
        number,
        record: read(work, &object.key)?,
        object,
    }))
}

fn read(work: &Remote, key: &str) -> Result<Option<LeaseRecord>, StoreError> {
    let bytes = work.get(key)?;
    Ok(bytes.and_then(|bytes| serde_json::from_slice(&bytes).ok()))
}

fn is_ours(work: &Remote, key: &str, record: &LeaseRecord) -> Result<bool, StoreError> {
    let found = read(work, key)?;
    Ok(found.is_some_and(|found| found.nonce == record.nonce))
}

/// The age of `object` by the clock of its store, if it is below `limit`.
fn younger(
    work: &Remote,
    object: &RemoteObject,
    limit: Duration,
) -> Result<Option<Duration>, StoreError> {
    work.put(CLOCK, Vec::new().into())?;
    let now = work.head(CLOCK)?;
    work.remove(CLOCK)?;
    let age = now.map_or(0, |now| now.modified - object.modified);
    let age = Duration::from_millis(u64::try_from(age).unwrap_or(0));
    Ok((age < limit).then_some(age))
}

#[cfg(test)]
mod tests;
