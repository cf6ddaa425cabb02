//! A lock made of objects, for stores that have no other.
//!
//! `claims/N.json` beside OUTPUT says who holds claim N; the one with the highest
//! number holds the lock. A claim is created by a put that fails where there is
//! an object already (`If-None-Match: *`), so that of several who want the next
//! number one gets it. Its holder writes it again every [`Lease::renew`]. A claim
//! is *stale*, and the next number may be created, when
//!
//! - its holder has let go of it and written so, or
//! - its holder was a process of this machine that is not there any more, or
//! - it was not written for [`Lease::expires`], by the clock of the store: that
//!   of this machine, or of another, is never asked.
//!
//! A holder that was not able to renew its claim for so long (the machine slept,
//! the network was gone) looks whether it is still the highest before it writes
//! anything else, and stops when it is not. Should one of its puts arrive after
//! that all the same, nothing is lost: a unit of the same run has the same bytes
//! whoever writes it, and before the root is written all sizes are compared.
//!
//! A store that ignores `If-None-Match` is found out by a second put that must
//! fail, and refused.

use std::hash::{BuildHasher, Hasher, RandomState};
use std::path::Path;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};

use super::TargetError;
use super::local::Holder;
use crate::location::Location;
use crate::remote::{Refusal, Remote, RemoteObject};
use crate::store::StoreError;

const CLAIMS: &str = "claims/";
/// Written to learn what the time of the store is.
const CLOCK: &str = "clock.json";
/// How often to try again when others claim at the same moment.
const ATTEMPTS: usize = 100;

/// Whether this module puts an entry of that name into the folder of unfinished
/// work.
pub(super) fn is_entry(name: &str) -> bool {
    name == CLOCK || format!("{name}/") == CLAIMS
}

/// How long a claim holds.
#[derive(Clone, Copy, Debug)]
pub(super) struct Lease {
    /// How often it is renewed.
    pub(super) renew: Duration,
    /// How old it may become.
    pub(super) expires: Duration,
    /// How long to wait for others to show themselves where a store has no
    /// conditions.
    pub(super) settle: Duration,
}

impl Default for Lease {
    fn default() -> Self {
        Self {
            renew: Duration::from_secs(15),
            expires: Duration::from_secs(60),
            settle: Duration::from_secs(3),
        }
    }
}

/// What a claim says.
#[derive(Debug, Serialize, Deserialize)]
struct Ticket {
    #[serde(flatten)]
    holder: Holder,
    /// The machine, where processes can be told apart by their number.
    machine: Option<String>,
    /// What no other claim has.
    nonce: String,
    /// Whether the holder has let go of it.
    released: bool,
}

impl Ticket {
    fn new() -> Self {
        Self {
            holder: Holder::this_process(),
            machine: this_machine(),
            nonce: format!("{:016x}", RandomState::new().build_hasher().finish()),
            released: false,
        }
    }

    fn bytes(&self) -> Result<Vec<u8>, StoreError> {
        serde_json::to_vec(self).map_err(|error| StoreError {
            action: "encode",
            object: CLAIMS.to_owned(),
            source: error.into(),
        })
    }

    /// Whether the holder was a process of this machine, and is no more.
    fn is_of_dead_process(&self) -> bool {
        let processes = Path::new("/proc");
        self.machine.is_some()
            && self.machine == this_machine()
            && !processes.join(self.holder.pid.to_string()).exists()
    }
}

/// What no other machine is called, and no other container of this one, whose
/// processes have numbers of their own. Linux has such a name.
fn this_machine() -> Option<String> {
    let boot = std::fs::read_to_string("/proc/sys/kernel/random/boot_id").ok()?;
    let processes = std::fs::read_link("/proc/self/ns/pid").ok()?;
    Some(format!("{} {}", boot.trim(), processes.display()))
}

/// A claim that this process has, renewed until it is released or dropped.
#[derive(Clone)]
pub(super) struct Claim(Arc<Held>);

struct Held {
    work: Remote,
    output: Location,
    lease: Lease,
    number: u64,
    is_exclusive: bool,
    state: Mutex<State>,
    /// The claim was let go of.
    ended: Condvar,
}

struct State {
    ticket: Ticket,
    /// When it was last known to be ours.
    renewed: Instant,
    ended: bool,
}

/// The claim of the highest number.
struct Highest {
    number: u64,
    object: RemoteObject,
    /// `None` for what cannot be read.
    ticket: Option<Ticket>,
}

impl Claim {
    pub(super) fn is_key(key: &str) -> bool {
        key.starts_with(CLAIMS)
    }

    /// Who holds the lock below `work`, if anybody does, as far as one who may
    /// only read can tell: what has not let go may be dead on another machine.
    pub(super) fn holder(work: &Remote) -> Result<Option<String>, StoreError> {
        let highest = highest(work)?;
        let held = highest.filter(|claim| !claim.ticket.as_ref().is_some_and(is_let_go));
        Ok(held.map(|claim| claim.holder()))
    }

    /// Takes the lock below `work`.
    pub(super) fn take(
        work: &Remote,
        output: &Location,
        lease: Lease,
    ) -> Result<Self, TargetError> {
        let ticket = Ticket::new();
        let busy = |holder: String| TargetError::Busy {
            path: output.clone(),
            holder,
        };
        for _ in 0..ATTEMPTS {
            let number = match highest(work)? {
                None => 1,
                Some(highest) => {
                    let let_go = highest.ticket.as_ref().is_some_and(is_let_go);
                    if !let_go && let Some(age) = younger(work, &highest.object, lease.expires)? {
                        let left = (lease.expires - age).as_secs() + 1;
                        return Err(busy(format!(
                            "{} (last heard of {} s ago; should it be dead, try again in {left} s)",
                            highest.holder(),
                            age.as_secs(),
                        )));
                    }
                    highest.number + 1
                }
            };
            let key = key(number);
            let is_exclusive = match work.put_new(&key, ticket.bytes()?.into()) {
                Ok(true) => true,
                // It may be ours, when the answer to the first try was lost.
                Ok(false) if is_ours(work, &key, &ticket)? => true,
                Ok(false) => continue,
                Err(error) if has_no_conditions(&error) => false,
                Err(error) => return Err(error.into()),
            };
            if is_exclusive {
                let other = Ticket::new();
                if work.put_new(&key, other.bytes()?.into())? {
                    work.remove(&key)?;
                    let path = output.clone();
                    return Err(TargetError::NoClaims { path });
                }
            } else {
                work.put(&key, ticket.bytes()?.into())?;
                thread::sleep(lease.settle);
            }
            match highest(work)? {
                Some(highest) if highest.number == number && highest.is(&ticket) => {}
                Some(highest) => return Err(busy(highest.holder())),
                None => continue,
            }
            let older: Vec<String> = claims(work)?
                .into_iter()
                .filter(|(other, _)| *other < number)
                .map(|(_, object)| object.key)
                .collect();
            work.remove_all(&older)?;
            let held = Arc::new(Held {
                work: work.clone(),
                output: output.clone(),
                lease,
                number,
                is_exclusive,
                state: Mutex::new(State {
                    ticket,
                    renewed: Instant::now(),
                    ended: false,
                }),
                ended: Condvar::new(),
            });
            let renewing = held.clone();
            let spawned = thread::Builder::new().name("claim".to_owned());
            let spawned = spawned.spawn(move || renewing.keep_renewing());
            spawned.map_err(|source| TargetError::Io {
                action: "watch over the claim on",
                path: output.to_string().into(),
                source,
            })?;
            return Ok(Self(held));
        }
        Err(busy("other processes, one after the other".to_owned()))
    }

    /// Whether the store keeps every other process out.
    pub(super) fn is_exclusive(&self) -> bool {
        self.0.is_exclusive
    }

    /// Demands that the claim is ours; asks the store only when it was not heard
    /// of for long.
    pub(super) fn check(&self) -> Result<(), TargetError> {
        let renewed = self.0.lock().renewed;
        // Half of the time is left for the put that follows.
        if renewed.elapsed() < self.0.lease.expires / 2 {
            return Ok(());
        }
        self.0.renew()
    }

    /// Demands that the claim is ours, and renews it.
    pub(super) fn renew(&self) -> Result<(), TargetError> {
        self.0.renew()
    }

    /// Stops renewing it.
    pub(super) fn end(&self) {
        self.0.lock().ended = true;
        self.0.ended.notify_all();
    }

    /// Lets go of it, so that the next one need not wait, unless it has ended;
    /// leaves nothing behind where nothing was `begun`. Whatever fails here, the
    /// claim becomes stale.
    pub(super) fn release(&self, begun: bool) {
        let Held { work, number, .. } = self.0.as_ref();
        let mut state = self.0.lock();
        if state.ended {
            return;
        }
        state.ended = true;
        state.ticket.released = true;
        let bytes = state.ticket.bytes();
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

impl Held {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn keep_renewing(&self) {
        loop {
            let state = self.lock();
            let ended = |state: &mut State| !state.ended;
            let waited = self
                .ended
                .wait_timeout_while(state, self.lease.renew, ended);
            let (state, _) = waited.unwrap_or_else(PoisonError::into_inner);
            if state.ended {
                return;
            }
            drop(state);
            // Whoever writes next finds out, too.
            if let Err(TargetError::TakenOver { .. } | TargetError::LockLost { .. }) = self.renew()
            {
                return;
            }
        }
    }

    fn renew(&self) -> Result<(), TargetError> {
        let asked = Instant::now();
        let highest = highest(&self.work)?;
        let mut state = self.lock();
        if state.ended {
            return Ok(());
        }
        match highest {
            Some(highest) if highest.number == self.number && highest.is(&state.ticket) => {
                let bytes = state.ticket.bytes()?;
                self.work.put(&key(self.number), bytes.into())?;
                state.renewed = asked;
                Ok(())
            }
            Some(highest) => Err(TargetError::TakenOver {
                path: self.output.clone(),
                holder: highest.holder(),
            }),
            None => Err(TargetError::LockLost {
                work: self.work.location(),
            }),
        }
    }
}

impl Highest {
    fn holder(&self) -> String {
        let unknown = || "another process".to_owned();
        let ticket = self.ticket.as_ref();
        ticket.map_or_else(unknown, |ticket| ticket.holder.to_string())
    }

    fn is(&self, ticket: &Ticket) -> bool {
        let found = self.ticket.as_ref();
        found.is_some_and(|found| found.nonce == ticket.nonce)
    }
}

fn is_let_go(ticket: &Ticket) -> bool {
    ticket.released || ticket.is_of_dead_process()
}

fn key(number: u64) -> String {
    format!("{CLAIMS}{number}.json")
}

/// The claims below `work`, by number.
fn claims(work: &Remote) -> Result<Vec<(u64, RemoteObject)>, StoreError> {
    let number = |object: &RemoteObject| {
        let name = object.key.strip_prefix(CLAIMS)?.strip_suffix(".json")?;
        name.parse::<u64>().ok()
    };
    let objects = work.below(CLAIMS)?.into_iter();
    let numbered = objects.filter_map(|object| Some((number(&object)?, object)));
    let mut claims: Vec<_> = numbered.collect();
    claims.sort_by_key(|(number, _)| *number);
    Ok(claims)
}

fn highest(work: &Remote) -> Result<Option<Highest>, StoreError> {
    let Some((number, object)) = claims(work)?.pop() else {
        return Ok(None);
    };
    Ok(Some(Highest {
        number,
        ticket: read(work, &object.key)?,
        object,
    }))
}

fn read(work: &Remote, key: &str) -> Result<Option<Ticket>, StoreError> {
    let bytes = work.get(key)?;
    Ok(bytes.and_then(|bytes| serde_json::from_slice(&bytes).ok()))
}

fn is_ours(work: &Remote, key: &str, ticket: &Ticket) -> Result<bool, StoreError> {
    let found = read(work, key)?;
    Ok(found.is_some_and(|found| found.nonce == ticket.nonce))
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

/// Whether the user has said that the store knows no conditions.
fn has_no_conditions(error: &StoreError) -> bool {
    let refusal = error.source.downcast_ref::<Refusal>();
    refusal.is_some_and(|refusal| refusal.is_unsupported)
}

#[cfg(test)]
mod tests;
