//! The whole conversion: check, claim OUTPUT, run the units, seal.
//!
//! # What is on disk when the process dies here
//!
//! Work lies in `OUTPUT.rxrx2zarr/`, the folder beside OUTPUT. Each object is
//! written under a temporary name there, flushed, renamed, and its folder is
//! flushed, so every object named below is whole or absent. *Again* is what the
//! same command does when it is run again.
//!
//! | the process dies | OUTPUT | beside it | again |
//! |---|---|---|---|
//! | before OUTPUT is claimed | as before | as before | begins |
//! | when the lock is taken | as before | `lock` | begins; the operating system let go of the lock |
//! | when the run is described | as before | `run.json` | begins |
//! | while a shard is written | shards so far | a temporary file more | removes it, converts the unit |
//! | between a shard and its record | one shard more | no record of it | converts the unit, to the same bytes |
//! | while a record is written | likewise | a temporary file more | likewise |
//! | after a record | shards so far | their records | goes on with the next unit |
//! | while sealing | all shards, some labels and tables | all records | seals, to the same bytes |
//! | after `SHA256SUMS`, before the root | all but the root metadata | all records | seals |
//! | after the root metadata | complete | all records | finds it complete, cleans up |
//! | while cleaning up | complete | `run.json` goes first, then the rest | likewise |
//! | with `--overwrite`, while the old journal is removed | as before | `run.json`, some records | starts over |
//! | with `--overwrite`, while OUTPUT is removed | without root metadata: no dataset | `run.json`: not cleared | removes the rest, begins |
//! | with `--retry-bad`, while the journal is rebuilt | complete, as before | records, no `run.json` | starts over |
//! | with `--retry-bad`, after that | complete, or without root metadata | `run.json`, all records | goes on |
//!
//! In an object store it is the same with the prefix `OUTPUT.rxrx2zarr/` in place
//! of the folder. A put is whole or absent there, too; in place of a temporary
//! file there may be parts of an upload that nobody sees, which a life-cycle rule
//! of the bucket removes. In place of `lock` there is a claim, which is stale as
//! soon as its process is dead, for other machines a minute later. A dead
//! process of which a put is still under way can do no harm: see `target::claim`.
//!
//! In every row a reader finds either no root metadata, and so no dataset, or a
//! complete one.

#[cfg(test)]
mod tests;

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::num::NonZeroUsize;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use rxrx_metadata::{Embeddings, Problem, Severity, Unit};

use crate::codec::{ChunkEncoder, Codec, CodecError};
use crate::description::Description;
use crate::events::{Event, Observer};
use crate::fingerprint::Fingerprint;
use crate::heap::give_back_free_memory;
use crate::hierarchy::{DatasetAttributes, Settings};
use crate::journal::{JournalError, Run};
use crate::location::Location;
use crate::output::Output;
use crate::pipeline::{Pipeline, PipelineError};
use crate::prepare::Prepared;
use crate::record::{PlaneCounts, StoredUnit, UnitRecord};
use crate::refused::{RefusedImages, count_refused};
use crate::resume::{Recorded, Resume, ResumeError, is_intact, resume};
use crate::seal::{SealError, seal};
use crate::store::StoreError;
use crate::tables::{EMBEDDINGS, EmbeddingsDigest, ReadTableError, embeddings_of, read_records};
use crate::target::{Place, State, Target, TargetError};

/// How to convert.
#[derive(Clone, Debug)]
pub struct ConvertOptions {
    /// The codec of the image chunks.
    pub codec: Codec,
    /// Threads that decode and encode.
    pub jobs: NonZeroUsize,
    /// Convert although images are missing.
    pub allow_missing: bool,
    /// Stop at the first image that cannot be used; the units before it are kept.
    pub strict: bool,
    /// Replace a dataset, or the remains of one, at OUTPUT.
    pub overwrite: bool,
    /// Of the dataset at OUTPUT, finished or not, convert once more the units
    /// that have missing or corrupt planes. Good planes stay as they are.
    pub retry_bad: bool,
    /// Before a run is continued, compare the hash of every shard that is done
    /// with its record, not only the size.
    pub recheck: bool,
    /// Once true, the units in hand are finished and no other is begun.
    pub stop: Arc<AtomicBool>,
    /// Name, licence and citation.
    pub description: Description,
}

/// The conversion failed; nothing was sealed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ConvertError {
    /// The input has problems that a conversion cannot live with.
    #[error("the input cannot be converted: {}", summary(.problems))]
    Refused {
        /// Those problems.
        problems: Vec<Problem>,
    },
    /// Images are missing, and that was not allowed.
    #[error(
        "planes without an image: {planes} ({}); get the images, or convert all the same with \
         --allow-missing (the pixels will be 0)",
        summary(.problems)
    )]
    Missing {
        /// How many.
        planes: usize,
        /// Which: by site, with examples.
        problems: Vec<Problem>,
    },
    /// OUTPUT cannot be used.
    #[error(transparent)]
    Target(#[from] TargetError),
    /// The codec could not be set up.
    #[error(transparent)]
    Codec(#[from] CodecError),
    /// The run was told to stop; what is done is kept.
    #[error("stopped after {done} of {units} shards")]
    Interrupted {
        /// Units that are done.
        done: usize,
        /// Units in all.
        units: usize,
    },
    /// An unfinished run cannot be continued.
    #[error(transparent)]
    Resume(#[from] ResumeError),
    /// The tables of a dataset to be mended cannot be read.
    #[error(transparent)]
    Table(#[from] ReadTableError),
    /// A shard of a dataset to be mended is not as it was written.
    #[error(
        "{key} is damaged, so that the bad images of {} cannot be tried again without losing \
         good ones: see `rxrx2zarr verify`, and convert anew with --overwrite",
        .output
    )]
    DamagedShard {
        /// The dataset.
        output: Location,
        /// The shard.
        key: String,
    },
    /// The journal cannot be used.
    #[error(transparent)]
    Journal(#[from] JournalError),
    /// The dataset could not be read.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// A unit failed.
    #[error(transparent)]
    Pipeline(#[from] PipelineError),
    /// The dataset could not be sealed.
    #[error(transparent)]
    Seal(#[from] SealError),
}

/// Titles and counts of problems, in one line.
fn summary(problems: &[Problem]) -> String {
    let lines: Vec<String> = problems
        .iter()
        .map(|problem| format!("{}: {}", problem.kind.title(), problem.count))
        .collect();
    lines.join(", ")
}

/// A sealed dataset.
#[derive(Clone, Debug, serde::Serialize)]
pub struct Converted {
    /// Sites of the dataset.
    pub sites: usize,
    /// Those that an earlier run had converted.
    pub sites_before: usize,
    /// Shards written.
    pub shards: usize,
    /// What became of the planes.
    pub planes: PlaneCounts,
    /// Bytes read from image files.
    pub source_bytes: u64,
    /// Bytes of the shards.
    pub stored_bytes: u64,
    /// Images that could not be used, by cause.
    pub refused: Vec<RefusedImages>,
}

/// Converts what `prepared` plans into a dataset at `output`, or
/// continues to. A dataset of the same input and settings that is complete
/// already is left as it is.
///
/// # Errors
/// [`ConvertError`]; `output` then has no root metadata and no reader takes it
/// for a dataset, unless it was one before. An image that cannot be used is no
/// error (unless `strict`): it is recorded, and counted in
/// [`Converted::planes`].
pub fn convert(
    prepared: &Prepared,
    output: &Location,
    options: &ConvertOptions,
    observer: &dyn Observer,
) -> Result<Converted, ConvertError> {
    convert_at(&Place::new(output)?, prepared, options, observer)
}

fn convert_at(
    place: &Place,
    prepared: &Prepared,
    options: &ConvertOptions,
    observer: &dyn Observer,
) -> Result<Converted, ConvertError> {
    place.refuse_overlap(&prepared.input)?;
    // What a dataset lacks already is what a retry is for.
    refuse_problems(prepared, options.allow_missing || options.retry_bad)?;
    let geometry = prepared.plan.geometry();
    let settings = Settings {
        codec: options.codec,
        chunk_sites: geometry.chunk_sites,
        chunk_channels: geometry.chunk_channels,
        shard_sites: geometry.shard_sites,
        include: prepared.options.include.clone(),
        exclude: prepared.options.exclude.clone(),
    };
    let embeddings = embeddings(place, prepared, options)?;
    let conversion = Conversion {
        prepared,
        place,
        encoder: ChunkEncoder::new(options.codec, geometry)?,
        run: Run {
            fingerprint: Fingerprint {
                embeddings: embeddings.as_deref().map(EmbeddingsDigest::of),
                ..Fingerprint::of(&prepared.plan, settings)
            },
            description: options.description.clone(),
            units: prepared.plan.units().len(),
            cleared: true,
        },
        options,
        observer,
        embeddings: embeddings.as_deref(),
    };
    conversion.run()
}

/// The embeddings that were given; of a dataset whose bad images are tried
/// again, those that it has.
fn embeddings<'a>(
    place: &Place,
    prepared: &'a Prepared,
    options: &ConvertOptions,
) -> Result<Option<Cow<'a, Embeddings>>, ConvertError> {
    if let Some(given) = &prepared.embeddings {
        return Ok(Some(Cow::Borrowed(given)));
    }
    if !options.retry_bad {
        return Ok(None);
    }
    let then = match place.state()? {
        State::Sealed(then) => then.and_then(|then| then.embeddings),
        State::Unfinished(run) => run.fingerprint.embeddings,
        _ => None,
    };
    let Some(then) = then else { return Ok(None) };
    // Of a run that was cut off it need not be there yet; then what is missing
    // makes it a different one, and the user is asked for the file.
    let Some(table) = place.store().get(EMBEDDINGS)? else {
        return Ok(None);
    };
    let sites = prepared.plan.geometry().sites;
    let table = embeddings_of(table.into(), sites, then.length)?;
    Ok(Some(Cow::Owned(table.embeddings)))
}

/// One call of [`convert`].
struct Conversion<'a> {
    prepared: &'a Prepared,
    place: &'a Place,
    encoder: ChunkEncoder,
    run: Run,
    options: &'a ConvertOptions,
    observer: &'a dyn Observer,
    embeddings: Option<&'a Embeddings>,
}

/// The units of a run.
struct Work {
    /// What is done, by shard.
    done: Vec<StoredUnit>,
    /// What is to be done, ascending.
    todo: Vec<Unit>,
    /// Of what is to be done, what it was before, where its good planes must
    /// stay as they are.
    former: BTreeMap<usize, StoredUnit>,
}

impl Conversion<'_> {
    /// Brings OUTPUT from the state it is in to a complete dataset.
    fn run(&self) -> Result<Converted, ConvertError> {
        let path = || self.place.output().clone();
        let &ConvertOptions {
            overwrite,
            retry_bad,
            ..
        } = self.options;
        // A complete dataset needs no lock, and may lie where nobody can write.
        if !overwrite
            && !retry_bad
            && !self.place.has_work()?
            && let State::Sealed(then) = self.place.state()?
        {
            self.demand_same(then.as_deref(), true)?;
            return Ok(self.complete_already(&self.recorded_units()?));
        }
        let target = self.place.lock()?;
        if !target.is_exclusive() {
            self.observer.notice(Event::NotExclusive);
        }
        match self.place.state()? {
            State::Foreign => Err(TargetError::Foreign { path: path() }.into()),
            State::Free if retry_bad => Err(TargetError::NothingToRetry { path: path() }.into()),
            State::Free => {
                target.begin(&self.run)?;
                self.finish(target, self.all_units())
            }
            State::Sealed(_) | State::Unfinished(_) | State::Damaged(_) if overwrite => {
                target.begin_over(&self.run)?;
                self.finish(target, self.all_units())
            }
            State::Sealed(then) => {
                self.demand_same(then.as_deref(), true)?;
                let units = self.recorded_units()?;
                let is_complete = |unit: &UnitRecord| StoredUnit::from(unit).planes.is_complete();
                if retry_bad && !units.iter().all(is_complete) {
                    self.mend(target, units)
                } else {
                    target.release();
                    Ok(self.complete_already(&units))
                }
            }
            State::Damaged(error) => Err(error.into()),
            State::Unfinished(run) => {
                self.demand_same(Some(&run.fingerprint), false)?;
                if !run.cleared {
                    target.begin_over(&self.run)?;
                }
                self.place.refuse_strangers()?;
                let work = self.resumed()?;
                self.finish(target, work)
            }
        }
    }

    /// Converts the units of a complete dataset that have bad planes once more.
    fn mend(&self, target: Target, units: Vec<UnitRecord>) -> Result<Converted, ConvertError> {
        // Whatever speaks against it must do so while the dataset is complete.
        let found = self.resume(Recorded::InTables(&units))?.found;
        if let Some(key) = found.damaged_shards.first() {
            return Err(self.damaged(key.clone()));
        }
        let work = self.retry(Work {
            done: units.iter().map(StoredUnit::from).collect(),
            todo: Vec::new(),
            former: BTreeMap::new(),
        })?;
        let journal = self.place.journal();
        journal.clear()?;
        for unit in &units {
            journal.record(unit)?;
        }
        drop(units);
        target.reopen(&self.run)?;
        self.finish(target, work)
    }

    /// Runs what is to be done, and seals.
    fn finish(&self, target: Target, work: Work) -> Result<Converted, ConvertError> {
        let Self {
            prepared,
            options,
            observer,
            ..
        } = self;
        let plan = &prepared.plan;
        let output = Output::new(self.place.store());
        for unit in &work.done {
            output.note(unit);
        }
        observer.notice(Event::Started {
            sites: work.todo.iter().map(|unit| unit.sites.len()).sum(),
            units: work.todo.len(),
        });
        let before = work.done.len();
        let pipeline = Pipeline {
            plan,
            source: prepared.source.as_ref(),
            encoder: &self.encoder,
            output: &output,
            journal: &self.place.journal(),
            former: &work.former,
            observer: *observer,
            jobs: options.jobs,
            strict: options.strict,
            stop: &options.stop,
        };
        let mut units = pipeline.run(&work.todo)?;
        // Buffers of the pipeline, which the tables need not come on top of.
        give_back_free_memory();
        let sites_before = work.done.iter().map(|unit| unit.unit.sites.len()).sum();
        units.extend(work.done);
        units.sort_by_key(|unit| unit.unit.shard);
        if units.len() < before + work.todo.len() {
            return Err(ConvertError::Interrupted {
                done: units.len(),
                units: self.run.units,
            });
        }

        observer.notice(Event::Sealing);
        target.check()?;
        let settings = self.run.fingerprint.settings.clone();
        let planes = PlaneCounts::of(&units);
        let attributes = DatasetAttributes {
            embeddings: self.run.fingerprint.embeddings.clone(),
            ..DatasetAttributes::new(options.description.clone(), plan, settings, planes)
        };
        let journal = self.place.journal();
        let refused = seal(
            plan,
            &units,
            &journal,
            self.embeddings,
            &attributes,
            &output,
        )?;
        target.release();
        Ok(self.converted(&units, sites_before, refused))
    }

    /// All units, none of them done.
    fn all_units(&self) -> Work {
        Work {
            done: Vec::new(),
            todo: self.prepared.plan.units().collect(),
            former: BTreeMap::new(),
        }
    }

    /// What is left to do of a run that was cut off.
    fn resumed(&self) -> Result<Work, ConvertError> {
        let journal = self.place.journal();
        let Resume { done, todo, found } = self.resume(Recorded::InJournal(&journal))?;
        self.observer.notice(Event::Continued(&found));
        let work = Work {
            done,
            todo,
            former: BTreeMap::new(),
        };
        if self.options.retry_bad {
            self.retry(work)
        } else {
            Ok(work)
        }
    }

    fn resume(&self, recorded: Recorded<'_>) -> Result<Resume, ResumeError> {
        let source = self.prepared.source.as_ref();
        let recheck = self.options.recheck;
        resume(
            &self.prepared.plan,
            recorded,
            source,
            self.place.store(),
            recheck,
        )
    }

    /// Moves the units that have bad planes from what is done to what is to be
    /// done.
    fn retry(&self, mut work: Work) -> Result<Work, ConvertError> {
        let is_complete = |unit: &StoredUnit| unit.planes.is_complete();
        let (done, bad): (Vec<_>, Vec<_>) = work.done.into_iter().partition(is_complete);
        work.done = done;
        for unit in bad {
            if !is_intact(self.place.store(), &unit)? {
                return Err(self.damaged(unit.unit.shard_key()));
            }
            work.todo.push(unit.unit.clone());
            work.former.insert(unit.unit.shard, unit);
        }
        work.todo.sort_by_key(|unit| unit.shard);
        Ok(work)
    }

    fn damaged(&self, key: String) -> ConvertError {
        ConvertError::DamagedShard {
            output: self.place.output().clone(),
            key,
        }
    }

    fn demand_same(&self, then: Option<&Fingerprint>, sealed: bool) -> Result<(), TargetError> {
        let differences = match then {
            Some(then) => then.differences(&self.run.fingerprint),
            None => vec!["another version of rxrx2zarr wrote it in another format".to_owned()],
        };
        if differences.is_empty() {
            return Ok(());
        }
        Err(TargetError::Different {
            path: self.place.output().clone(),
            sealed,
            differences,
        })
    }

    /// The units of the complete dataset at OUTPUT.
    fn recorded_units(&self) -> Result<Vec<UnitRecord>, ConvertError> {
        let plan = &self.prepared.plan;
        let channels = &self.run.fingerprint.channels;
        Ok(read_records(self.place.store(), plan.geometry(), channels)?)
    }

    fn complete_already(&self, units: &[UnitRecord]) -> Converted {
        self.observer.notice(Event::CompleteAlready);
        let stored: Vec<StoredUnit> = units.iter().map(StoredUnit::from).collect();
        let mut refused = Vec::new();
        for unit in units {
            count_refused(&self.prepared.plan, unit, &mut refused);
        }
        self.converted(&stored, self.prepared.plan.geometry().sites, refused)
    }

    fn converted(
        &self,
        units: &[StoredUnit],
        sites_before: usize,
        refused: Vec<RefusedImages>,
    ) -> Converted {
        Converted {
            sites: self.prepared.plan.geometry().sites,
            sites_before,
            shards: units.len(),
            planes: PlaneCounts::of(units),
            source_bytes: units.iter().map(|unit| unit.source_bytes).sum(),
            stored_bytes: units.iter().map(|unit| unit.bytes).sum(),
            refused,
        }
    }
}

fn refuse_problems(prepared: &Prepared, allow_missing: bool) -> Result<(), ConvertError> {
    let of = |severity: Severity| -> Vec<Problem> {
        let problems = prepared.plan.problems().iter();
        problems
            .filter(|problem| problem.kind.severity() == severity)
            .cloned()
            .collect()
    };
    let fatal = of(Severity::Fatal);
    if !fatal.is_empty() {
        return Err(ConvertError::Refused { problems: fatal });
    }
    let missing = of(Severity::NeedsAllowMissing);
    if !missing.is_empty() && !allow_missing {
        return Err(ConvertError::Missing {
            planes: prepared.plan.missing_planes(),
            problems: missing,
        });
    }
    Ok(())
}
