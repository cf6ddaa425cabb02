//! The folder that becomes a dataset, and the one beside it that holds what is
//! unfinished.
//!
//! | `OUTPUT/` | `OUTPUT.rxrx2zarr/` | state |
//! |---|---|---|
//! | absent or empty | absent, or without `run.json` | free |
//! | with root metadata | anything | sealed: complete; what lies beside is a clean-up that was cut off |
//! | without root metadata | with `run.json` | unfinished: a run is under way or was cut off |
//! | anything else | anything | foreign: never touched |
//!
//! Whatever the state, a folder that holds an entry which no conversion writes
//! is not removed: somebody put it there.
//!
//! Whoever changes anything holds the lock of OUTPUT: on a disk that of the
//! operating system ([`local`]), in an object store a claim that is renewed
//! ([`remote`], [`claim`]). Both say which process on which host has it, for the
//! error that the second one gets.

mod claim;
mod local;
mod remote;

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use self::local::LocalGround;
use self::remote::RemoteGround;
use crate::fingerprint::Fingerprint;
use crate::hierarchy::{CARD, CHECKSUMS, CROISSANT, GROUP, ROOT_METADATA};
use crate::info::{DatasetInfo, Owner};
use crate::journal::{self, Journal, JournalError, Run};
use crate::location::Location;
use crate::remote::Remote;
use crate::store::{Store, StoreError};
use crate::tables::{CHANNEL_STATS, EMBEDDINGS, PLANES, SITES};

/// Appended to OUTPUT's name for the folder of unfinished work.
const WORK_SUFFIX: &str = ".rxrx2zarr";

/// What a conversion puts at the top of OUTPUT.
const OUTPUT_ENTRIES: [&str; 8] = [
    GROUP,
    SITES,
    PLANES,
    CHANNEL_STATS,
    EMBEDDINGS,
    CARD,
    CROISSANT,
    CHECKSUMS,
];

/// OUTPUT cannot be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TargetError {
    /// OUTPUT has no name of its own, such as `/` or `..`.
    #[error("output {path} cannot be used: name a folder to create")]
    NoName {
        /// OUTPUT.
        path: Location,
    },
    /// OUTPUT holds, or began as, the outcome of another conversion.
    #[error(
        "output {path} is {} of another conversion ({}): choose another output, or replace it with --overwrite",
        if *.sealed { "the complete dataset" } else { "the unfinished work" },
        .differences.join("; ")
    )]
    Different {
        /// OUTPUT.
        path: Location,
        /// Whether it is complete.
        sealed: bool,
        /// What differs.
        differences: Vec<String>,
    },
    /// Another process is writing it.
    #[error("output {path} is being written by {holder}: wait for it, or choose another output")]
    Busy {
        /// OUTPUT.
        path: Location,
        /// Process and host.
        holder: String,
    },
    /// There is nothing at OUTPUT whose bad images could be tried again.
    #[error("output {path} is no dataset and no unfinished one: convert without --retry-bad")]
    NothingToRetry {
        /// OUTPUT.
        path: Location,
    },
    /// OUTPUT holds something that is not ours to replace.
    #[error(
        "output {path} exists and is not a dataset of rxrx2zarr: choose another output, or remove it yourself"
    )]
    Foreign {
        /// OUTPUT.
        path: Location,
    },
    /// A folder that was to be replaced holds something that is not ours.
    #[error("{path} is not written by rxrx2zarr: move it away, or choose another output")]
    Stranger {
        /// The entry that no conversion writes.
        path: Location,
    },
    /// OUTPUT and INPUT lie one within the other.
    #[error(
        "output {output} and input {input} must not lie one within the other: choose another output"
    )]
    Overlap {
        /// OUTPUT.
        output: Location,
        /// INPUT.
        input: Location,
    },
    /// Somebody removed the folder of unfinished work during the run.
    #[error(
        "{work} was removed while it was in use: nothing is sealed; start over with --overwrite, \
         and let only one process write an output"
    )]
    LockLost {
        /// The folder of unfinished work.
        work: Location,
    },
    /// Another process writes the output now, because this one was not heard of
    /// for too long.
    #[error(
        "{holder} has taken over {path}, because this process was not heard of for too long: \
         nothing is sealed, and what was done is kept"
    )]
    TakenOver {
        /// OUTPUT.
        path: Location,
        /// Process and host.
        holder: String,
    },
    /// The store cannot keep two writers apart.
    #[error(
        "the store of {path} ignores If-None-Match, so that two processes could write one dataset \
         at once and neither would notice: use a store that knows it, or convert to a disk and \
         publish; who makes sure that there is one writer only can say so by \
         --store-option conditional_put=disabled"
    )]
    NoClaims {
        /// OUTPUT.
        path: Location,
    },
    /// The journal cannot be used.
    #[error(transparent)]
    Journal(#[from] JournalError),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The file system refused.
    #[error("cannot {action} {path}")]
    Io {
        /// What was being done, as a verb.
        action: &'static str,
        /// To what.
        path: PathBuf,
        /// What the file system said.
        source: io::Error,
    },
}

/// What lies at OUTPUT.
#[derive(Debug)]
pub(crate) enum State {
    /// Nothing.
    Free,
    /// A complete dataset; without a fingerprint when another version of the
    /// program wrote it in another format.
    Sealed(Option<Box<Fingerprint>>),
    /// A run that was cut off, or is under way.
    Unfinished(Box<Run>),
    /// Remains of a run whose description is damaged: it cannot be continued,
    /// only replaced.
    Damaged(JournalError),
    /// Something else.
    Foreign,
}

/// What of OUTPUT depends on where it lies.
trait Ground: Send + Sync {
    /// Names at the top of OUTPUT, none where it is absent; `None` where
    /// something else is in its place.
    fn output_entries(&self) -> Result<Option<Vec<String>>, TargetError>;

    /// Likewise of the folder of unfinished work.
    fn work_entries(&self) -> Result<Option<Vec<String>>, TargetError>;

    /// Whether there is anything in place of the folder of unfinished work.
    fn has_work(&self) -> Result<bool, TargetError>;

    /// Who holds the lock, if anybody does.
    fn holder(&self) -> Result<Option<String>, TargetError>;

    /// Takes the lock, and removes what torn writes have left.
    fn lock(&self) -> Result<Box<dyn Lock>, TargetError>;

    /// Removes what is left of OUTPUT when its objects are gone.
    fn remove_output(&self) -> Result<(), TargetError>;
}

/// A lock that is held. Dropped, it is let go of; what is unfinished stays.
trait Lock: Send + Sync {
    /// Demands that it is held still.
    fn check(&self) -> Result<(), TargetError>;

    /// Likewise, as often as something is written: looks only now and then.
    fn may_write(&self) -> Result<(), TargetError> {
        Ok(())
    }

    /// Removes the folder of unfinished work, as far as that can be done, and
    /// lets go.
    fn remove_work(self: Box<Self>);

    /// Whether it keeps every other process out.
    fn is_exclusive(&self) -> bool {
        true
    }
}

/// OUTPUT and the folder of unfinished work beside it, with their stores.
#[derive(Clone)]
pub(crate) struct Place {
    output: Location,
    work: Location,
    ground: Arc<dyn Ground>,
    store: Arc<dyn Store>,
    work_store: Arc<dyn Store>,
}

impl Place {
    /// The place of the dataset at `output`.
    pub(crate) fn new(output: impl Into<Location>) -> Result<Self, TargetError> {
        let output = output.into();
        match &output {
            Location::Local(path) => {
                let Some(name) = path.file_name() else {
                    return Err(TargetError::NoName { path: output });
                };
                let mut work_name = name.to_owned();
                work_name.push(WORK_SUFFIX);
                let ground = LocalGround::new(path, path.with_file_name(work_name));
                Ok(Self {
                    work: ground.work().into(),
                    store: Arc::new(ground.output_store()),
                    work_store: Arc::new(ground.work_store()),
                    ground: Arc::new(ground),
                    output,
                })
            }
            Location::Remote(address) => Ok(Self::in_store(Remote::folder(address)?)),
        }
    }

    /// The place of the dataset in an object store.
    pub(crate) fn in_store(output: Remote) -> Self {
        let ground = RemoteGround::new(output, claim::Lease::default());
        Self {
            output: ground.output().location(),
            work: ground.work().location(),
            store: Arc::new(ground.output_store()),
            work_store: Arc::new(ground.work_store()),
            ground: Arc::new(ground),
        }
    }

    /// The same place with what `wrap` makes of its stores.
    #[cfg(test)]
    pub(crate) fn wrapped(self, wrap: impl Fn(Arc<dyn Store>) -> Arc<dyn Store>) -> Self {
        Self {
            store: wrap(self.store),
            work_store: wrap(self.work_store),
            ..self
        }
    }

    /// OUTPUT.
    pub(crate) fn output(&self) -> &Location {
        &self.output
    }

    /// The store below OUTPUT.
    pub(crate) fn store(&self) -> &dyn Store {
        self.store.as_ref()
    }

    /// The journal beside OUTPUT.
    pub(crate) fn journal(&self) -> Journal<'_> {
        Journal::new(self.work_store.as_ref())
    }

    /// Whether there is a folder of unfinished work.
    pub(crate) fn has_work(&self) -> Result<bool, TargetError> {
        self.ground.has_work()
    }

    fn is_absent_or_empty(&self) -> Result<bool, TargetError> {
        let entries = self.ground.output_entries()?;
        Ok(entries.is_some_and(|entries| entries.is_empty()))
    }

    /// What lies at OUTPUT. Only a holder of the lock can rely on it for long.
    pub(crate) fn state(&self) -> Result<State, TargetError> {
        if self.ground.work_entries()?.is_none() {
            return Ok(State::Foreign);
        }
        match DatasetInfo::owner(self.store())? {
            // On a store whose writes can be torn it may be what is left of ours.
            Owner::Nobody | Owner::Unreadable => {}
            Owner::Other => return Ok(State::Foreign),
            Owner::Us => {
                let dataset = self.output.to_string();
                let info = DatasetInfo::read(self.store(), &dataset).ok();
                let fingerprint = info.map(|info| Box::new(info.fingerprint()));
                return Ok(State::Sealed(fingerprint));
            }
        }
        match self.journal().run() {
            Ok(Some(run)) => return Ok(State::Unfinished(Box::new(run))),
            // Of a run of which there is nothing else, nothing is lost.
            Err(JournalError::Damaged { .. })
                if self.is_absent_or_empty()? && self.journal().recorded()? == 0 =>
            {
                return Ok(State::Free);
            }
            Err(error @ JournalError::Damaged { .. }) => return Ok(State::Damaged(error)),
            run => run?,
        };
        Ok(if self.is_absent_or_empty()? {
            State::Free
        } else {
            State::Foreign
        })
    }

    /// Who holds the lock, if anybody does.
    pub(crate) fn holder(&self) -> Result<Option<String>, TargetError> {
        self.ground.holder()
    }

    /// Takes the lock, so that nobody else writes OUTPUT, and removes what torn
    /// writes have left beside it.
    pub(crate) fn lock(&self) -> Result<Target, TargetError> {
        refuse_strangers(&self.work, self.ground.work_entries()?, |name| {
            local::is_entry(name) || claim::is_entry(name) || journal::is_entry(name)
        })?;
        Ok(Target {
            place: self.clone(),
            lock: self.ground.lock()?,
        })
    }

    /// Demands that OUTPUT holds nothing but what a conversion writes.
    pub(crate) fn refuse_strangers(&self) -> Result<(), TargetError> {
        refuse_strangers(&self.output, self.ground.output_entries()?, |name| {
            OUTPUT_ENTRIES.contains(&name)
        })
    }

    /// Demands that neither of OUTPUT and `input` lies within the other.
    pub(crate) fn refuse_overlap(&self, input: &Location) -> Result<(), TargetError> {
        let overlap = |output: Location, input: Location| TargetError::Overlap { output, input };
        match (&self.output, input) {
            (Location::Local(output), Location::Local(input)) => {
                let (output, input) = (resolved(output)?, resolved(input)?);
                if output.starts_with(&input) || input.starts_with(&output) {
                    return Err(overlap(output.into(), input.into()));
                }
            }
            (Location::Remote(output), Location::Remote(input))
                if output.is_within(input) || input.is_within(output) =>
            {
                return Err(overlap(
                    self.output.clone(),
                    Location::Remote(input.clone()),
                ));
            }
            _ => {}
        }
        Ok(())
    }
}

/// The real path of what is or will be at `path`: of what need not exist yet,
/// the nearest folder above it does.
fn resolved(path: &Path) -> Result<PathBuf, TargetError> {
    let failed = |source| TargetError::Io {
        action: "find",
        path: path.to_owned(),
        source,
    };
    let absolute = std::path::absolute(path).map_err(failed)?;
    let existing = absolute.ancestors().find(|ancestor| ancestor.exists());
    let existing = existing.unwrap_or(&absolute);
    let rest = absolute.strip_prefix(existing).unwrap_or(Path::new(""));
    Ok(fs::canonicalize(existing).map_err(failed)?.join(rest))
}

/// An OUTPUT that only this process writes.
pub(crate) struct Target {
    place: Place,
    lock: Box<dyn Lock>,
}

impl Target {
    /// Whether every other process is kept out. If not, the user has promised
    /// that there is none.
    pub(crate) fn is_exclusive(&self) -> bool {
        self.lock.is_exclusive()
    }

    /// Begins `run` at an OUTPUT that is free.
    pub(crate) fn begin(&self, run: &Run) -> Result<(), TargetError> {
        let run = Run {
            cleared: true,
            ..run.clone()
        };
        Ok(self.place.journal().begin(&run)?)
    }

    /// Begins `run` in place of the dataset of ours, or the remains of one,
    /// that is there. Wherever this is cut off, what is left is the old dataset,
    /// whole, or a beginning of the new one.
    pub(crate) fn begin_over(&self, run: &Run) -> Result<(), TargetError> {
        self.place.refuse_strangers()?;
        let journal = self.place.journal();
        journal.clear()?;
        journal.begin(&Run {
            cleared: false,
            ..run.clone()
        })?;
        self.clear_output()?;
        self.begin(run)
    }

    /// Removes OUTPUT.
    fn clear_output(&self) -> Result<(), TargetError> {
        // The root metadata goes first: from then on nobody takes what is left
        // for a dataset.
        let store = self.place.store();
        store.remove(ROOT_METADATA)?;
        let objects = store.list()?.into_iter();
        let keys: Vec<String> = objects.map(|object| object.key).collect();
        store.remove_all(&keys)?;
        self.place.ground.remove_output()
    }

    /// Makes the dataset an unfinished one again. The journal must hold all
    /// units by now.
    pub(crate) fn reopen(&self, run: &Run) -> Result<(), TargetError> {
        self.begin(run)?;
        Ok(self.place.store().remove(ROOT_METADATA)?)
    }

    /// Demands that the lock is held still.
    pub(crate) fn check(&self) -> Result<(), TargetError> {
        self.lock.check()
    }

    /// Demands, before something is written past the stores of the place, that
    /// the lock was held a moment ago.
    pub(crate) fn may_write(&self) -> Result<(), TargetError> {
        self.lock.may_write()
    }

    /// Removes the folder of unfinished work: the dataset is sealed.
    pub(crate) fn release(self) {
        // The dataset is complete all the same, and what stays behind counts
        // for nothing once the description of the run is gone.
        if self.place.journal().end().is_ok() {
            self.lock.remove_work();
        }
    }
}

/// Demands that `folder`, with those entries, holds nothing but what is `ours`.
fn refuse_strangers(
    folder: &Location,
    entries: Option<Vec<String>>,
    ours: impl Fn(&str) -> bool,
) -> Result<(), TargetError> {
    let Some(entries) = entries else {
        let path = folder.clone();
        return Err(TargetError::Foreign { path });
    };
    match entries.iter().find(|name| !ours(name)) {
        Some(stranger) => Err(TargetError::Stranger {
            path: folder.join(stranger),
        }),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests;
