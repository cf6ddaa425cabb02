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
//! process of which a put is still under way can do no harm: see `output_lock::claim`.
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

use rxrx_format::keys::EMBEDDINGS;
use rxrx_format::{
    ChunkEncoder, Codec, CodecError, DatasetAttributes, Description, EmbeddingsDigest, PlaneCounts,
    ReadTableError, Root, Settings, embeddings_of,
};
use rxrx_input::PlannedInput;
use rxrx_metadata::{Embeddings, Problem, Severity, Unit};
use rxrx_storage::{Location, StoreError, release_free_memory};

use crate::events::{Event, Observer};
use crate::journal::{
    Fingerprint, JournalError, Recorded, RecordedError, Resume, ResumeError, Run, StoredUnit,
    UnitRecord, is_intact, read_records, resume,
};
use crate::output::{ChecksummedStore, LockedOutput, OutputError, OutputLocation, OutputState};
use crate::pipeline::{Pipeline, PipelineError};
use crate::refused::{RefusedImages, count_refused};
use crate::seal::{SealError, seal};

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
    Output(#[from] OutputError),
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
    /// A table of a dataset whose bad images are tried again cannot be read.
    #[error(transparent)]
    Table(#[from] ReadTableError),
    /// The records of a complete dataset cannot be taken from its tables.
    #[error(transparent)]
    Recorded(#[from] RecordedError),
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

/// Converts what `planned` plans into a dataset at `output`, or
/// continues to. A dataset of the same input and settings that is complete
/// already is left as it is.
///
/// # Errors
/// [`ConvertError`]; `output` then has no root metadata and no reader takes it
/// for a dataset, unless it was one before. An image that cannot be used is no
/// error (unless `strict`): it is recorded, and counted in
/// [`Converted::planes`].
pub fn convert(
    planned: &PlannedInput,
    output: &Location,
    options: &ConvertOptions,
    observer: &dyn Observer,
) -> Result<Converted, ConvertError> {
    // The listing was several times the plan.
    release_free_memory();
    convert_at(&OutputLocation::new(output)?, planned, options, observer)
}

fn convert_at(
    place: &OutputLocation,
    planned: &PlannedInput,
    options: &ConvertOptions,
    observer: &dyn Observer,
) -> Result<Converted, ConvertError> {
    place.refuse_overlap(&planned.input)?;
    // What a dataset lacks already is what a retry is for.
    refuse_problems(planned, options.allow_missing || options.retry_bad)?;
    let geometry = planned.plan.geometry();
    let settings = Settings {
        codec: options.codec,
        chunk_sites: geometry.chunk_sites,
        chunk_channels: geometry.chunk_channels,
        shard_sites: geometry.shard_sites,
        include: planned.options.include.clone(),
        exclude: planned.options.exclude.clone(),
    };
    let embeddings = embeddings(place, planned, options)?;
    let conversion = Conversion {
        planned,
        place,
        encoder: ChunkEncoder::new(options.codec, geometry)?,
        run: Run {
            fingerprint: Fingerprint {
                embeddings: embeddings.as_deref().map(EmbeddingsDigest::of),
                ..Fingerprint::of(&planned.plan, settings)
            },
            description: options.description.clone(),
            units: planned.plan.units().len(),
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
    place: &OutputLocation,
    planned: &'a PlannedInput,
    options: &ConvertOptions,
) -> Result<Option<Cow<'a, Embeddings>>, ConvertError> {
    if let Some(given) = &planned.embeddings {
        return Ok(Some(Cow::Borrowed(given)));
    }
    if !options.retry_bad {
        return Ok(None);
    }
    let then = match place.state()? {
        OutputState::Sealed(root) => root.and_then(|root| root.attributes.embeddings),
        OutputState::Unfinished(run) => run.fingerprint.embeddings,
        _ => None,
    };
    let Some(then) = then else { return Ok(None) };
    // Of a run that was cut off it need not be there yet; then what is missing
    // makes it a different one, and the user is asked for the file.
    let Some(table) = place.store().get(EMBEDDINGS)? else {
        return Ok(None);
    };
    let sites = planned.plan.geometry().sites;
    let table = embeddings_of(table.into(), sites, then.length)?;
    Ok(Some(Cow::Owned(table.embeddings)))
}

/// One call of [`convert`].
struct Conversion<'a> {
    planned: &'a PlannedInput,
    place: &'a OutputLocation,
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
            && let OutputState::Sealed(then) = self.place.state()?
        {
            self.demand_same_dataset(then.as_deref())?;
            return Ok(self.complete_already(&self.recorded_units()?));
        }
        let output_lock = self.place.lock()?;
        if !output_lock.is_exclusive() {
            self.observer.notice(Event::NotExclusive);
        }
        match self.place.state()? {
            OutputState::Foreign => Err(OutputError::Foreign { path: path() }.into()),
            OutputState::Free if retry_bad => {
                Err(OutputError::NothingToRetry { path: path() }.into())
            }
            OutputState::Free => {
                output_lock.begin(&self.run)?;
                self.finish(output_lock, self.all_units())
            }
            OutputState::Sealed(_) | OutputState::Unfinished(_) | OutputState::Damaged(_)
                if overwrite =>
            {
                output_lock.begin_over(&self.run)?;
                self.finish(output_lock, self.all_units())
            }
            OutputState::Sealed(then) => {
                self.demand_same_dataset(then.as_deref())?;
                let units = self.recorded_units()?;
                let is_complete = |unit: &UnitRecord| StoredUnit::from(unit).planes.is_complete();
                if retry_bad && !units.iter().all(is_complete) {
                    self.retry_bad(output_lock, units)
                } else {
                    output_lock.release();
                    Ok(self.complete_already(&units))
                }
            }
            OutputState::Damaged(error) => Err(error.into()),
            OutputState::Unfinished(run) => {
                self.demand_same(Some(&run.fingerprint), false)?;
                if !run.cleared {
                    output_lock.begin_over(&self.run)?;
                }
                self.place.refuse_foreign_files()?;
                let work = self.resumed()?;
                self.finish(output_lock, work)
            }
        }
    }

    /// Converts the units of a complete dataset that have bad planes once more.
    fn retry_bad(
        &self,
        output_lock: LockedOutput,
        units: Vec<UnitRecord>,
    ) -> Result<Converted, ConvertError> {
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
        output_lock.reopen(&self.run)?;
        self.finish(output_lock, work)
    }

    /// Runs what is to be done, and seals.
    fn finish(&self, output_lock: LockedOutput, work: Work) -> Result<Converted, ConvertError> {
        let Self {
            planned,
            options,
            observer,
            ..
        } = self;
        let plan = &planned.plan;
        let output = ChecksummedStore::new(self.place.store());
        for unit in &work.done {
            output.add_stored(unit);
        }
        observer.notice(Event::Started {
            sites: work.todo.iter().map(|unit| unit.sites.len()).sum(),
            units: work.todo.len(),
        });
        let before = work.done.len();
        let pipeline = Pipeline {
            plan,
            source: planned.source(),
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
        release_free_memory();
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
        output_lock.check()?;
        let settings = self.run.fingerprint.settings.clone();
        let planes = units.iter().map(|unit| unit.planes).sum();
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
        output_lock.release();
        Ok(self.converted(&units, sites_before, refused))
    }

    /// All units, none of them done.
    fn all_units(&self) -> Work {
        Work {
            done: Vec::new(),
            todo: self.planned.plan.units().collect(),
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
        let source = self.planned.source();
        let recheck = self.options.recheck;
        resume(
            &self.planned.plan,
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
                return Err(self.damaged(unit.shard_key()));
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

    fn demand_same_dataset(&self, root: Option<&Root>) -> Result<(), OutputError> {
        let then = root.map(Fingerprint::of_root);
        self.demand_same(then.as_ref(), true)
    }

    fn demand_same(&self, then: Option<&Fingerprint>, sealed: bool) -> Result<(), OutputError> {
        let differences = match then {
            Some(then) => then.differences(&self.run.fingerprint),
            None => vec!["another version of rxrx2zarr wrote it in another format".to_owned()],
        };
        if differences.is_empty() {
            return Ok(());
        }
        Err(OutputError::Different {
            path: self.place.output().clone(),
            sealed,
            differences,
        })
    }

    /// The units of the complete dataset at OUTPUT.
    fn recorded_units(&self) -> Result<Vec<UnitRecord>, ConvertError> {
        let plan = &self.planned.plan;
        let channels = &self.run.fingerprint.channels;
        Ok(read_records(self.place.store(), plan.geometry(), channels)?)
    }

    fn complete_already(&self, units: &[UnitRecord]) -> Converted {
        self.observer.notice(Event::CompleteAlready);
        let stored: Vec<StoredUnit> = units.iter().map(StoredUnit::from).collect();
        let mut refused = Vec::new();
        for unit in units {
            count_refused(&self.planned.plan, unit, &mut refused);
        }
        self.converted(&stored, self.planned.plan.geometry().sites, refused)
    }

    fn converted(
        &self,
        units: &[StoredUnit],
        sites_before: usize,
        refused: Vec<RefusedImages>,
    ) -> Converted {
        Converted {
            sites: self.planned.plan.geometry().sites,
            sites_before,
            shards: units.len(),
            planes: units.iter().map(|unit| unit.planes).sum(),
            source_bytes: units.iter().map(|unit| unit.source_bytes).sum(),
            stored_bytes: units.iter().map(|unit| unit.bytes).sum(),
            refused,
        }
    }
}

fn refuse_problems(planned: &PlannedInput, allow_missing: bool) -> Result<(), ConvertError> {
    let of = |severity: Severity| -> Vec<Problem> {
        let problems = planned.plan.problems().iter();
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
            planes: planned.plan.missing_planes(),
            problems: missing,
        });
    }
    Ok(())
}
