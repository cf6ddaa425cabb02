//! One conversion: from the state of OUTPUT to a complete dataset.

use std::borrow::Cow;
use std::collections::BTreeSet;

use rxrx_format::keys::{EMBEDDINGS, ROOT_METADATA, bytes_at_most};
use rxrx_format::{
    ChunkEncoder, DatasetAttributes, Description, EmbeddingsDigest, Root, Settings, embeddings_of,
    label_names,
};
use rxrx_input::PlannedInput;
use rxrx_metadata::Embeddings;
use rxrx_storage::{StoreError, for_each_concurrent, release_free_memory};

use super::converted::Converted;
use super::error::ConvertError;
use super::options::ConvertOptions;
use super::work::Work;
use crate::describe::describe;
use crate::events::{Event, Observer};
use crate::journal::{
    Fingerprint, Journal, RecordedError, RecordedUnits, Resume, ResumeError, Run, StoredUnit,
    UnitRecords, resume,
};
use crate::output::{
    ChecksummedStore, Existing, LockedOutput, OutputError, OutputLocation, OutputState, Transition,
};
use crate::pipeline::Pipeline;
use crate::refused::count_refused;
use crate::seal::{Seal, Sealed};

/// Records that are written at once: each write mostly waits for the store.
const RECORDS_AT_ONCE: usize = 8;

/// One call of [`convert`](super::convert).
pub(super) struct Conversion<'a> {
    planned: &'a PlannedInput,
    place: &'a OutputLocation,
    encoder: ChunkEncoder,
    settings: Settings,
    description: Description,
    options: &'a ConvertOptions,
    observer: &'a dyn Observer,
}

/// The run that a conversion makes, and the embeddings that belong to it.
struct Target<'a> {
    run: Run,
    embeddings: Option<Cow<'a, Embeddings>>,
}

impl<'a> Conversion<'a> {
    pub(super) fn new(
        planned: &'a PlannedInput,
        place: &'a OutputLocation,
        options: &'a ConvertOptions,
        observer: &'a dyn Observer,
    ) -> Result<Self, ConvertError> {
        let geometry = planned.plan.geometry();
        Ok(Self {
            planned,
            place,
            encoder: ChunkEncoder::new(options.codec, geometry)?,
            settings: Settings {
                codec: options.codec,
                chunk_sites: geometry.chunk_sites,
                chunk_channels: geometry.chunk_channels,
                shard_sites: geometry.shard_sites,
                include: planned.options.include.clone(),
                exclude: planned.options.exclude.clone(),
            },
            description: match &options.description {
                Some(description) => description.clone(),
                None => describe(planned)?,
            },
            options,
            observer,
        })
    }

    /// Brings OUTPUT from the state it is in to a complete dataset.
    pub(super) fn run(&self) -> Result<Converted, ConvertError> {
        let existing = self.options.existing;
        // A complete dataset needs no lock, and may lie where nobody can write.
        if existing == Existing::Continue
            && !self.place.has_work()?
            && let OutputState::Sealed(root) = self.place.state()?
        {
            return self.keep(root.as_deref());
        }
        let lock = LockedOutput::take(self.place, self.observer)?;
        if !lock.is_exclusive() {
            self.observer.notice(Event::NotExclusive);
        }
        if !lock.keeps_names() {
            self.observer.notice(Event::NamesNotFlushed);
        }
        let state = self.place.state()?;
        let transition = state.transition(existing, self.place.output())?;
        if matches!(transition, Transition::Replace | Transition::Retry(_)) {
            lock.demand_exclusive()?;
        }
        if !matches!(transition, Transition::Keep(_)) {
            lock.flush_names()?;
        }
        match transition {
            Transition::Begin => {
                let target = self.target();
                lock.begin(&target.run)?;
                self.finish(lock, &target, Work::all(&self.planned.plan))
            }
            Transition::Replace => self.replace(lock, &self.target()),
            Transition::Continue(run) => self.continue_run(lock, &run),
            Transition::Keep(root) => {
                let converted = self.keep(root.as_deref())?;
                self.release(lock, None);
                Ok(converted)
            }
            Transition::Retry(root) => self.retry_bad(lock, root.as_deref()),
        }
    }

    /// Removes what is at OUTPUT and converts all units.
    fn replace(&self, lock: LockedOutput, target: &Target<'_>) -> Result<Converted, ConvertError> {
        lock.begin_over(&target.run)?;
        self.finish(lock, target, Work::all(&self.planned.plan))
    }

    /// Demands that the complete dataset with that root is the one to be made, and
    /// leaves it as it is.
    fn keep(&self, root: Option<&Root>) -> Result<Converted, ConvertError> {
        self.target_of_dataset(root)?;
        self.complete_already(&self.recorded_units()?)
    }

    /// Continues a run that was interrupted.
    fn continue_run(&self, lock: LockedOutput, run: &Run) -> Result<Converted, ConvertError> {
        let mut target = self.target_like(&run.fingerprint, false)?;
        if !run.cleared {
            return self.replace(lock, &target);
        }
        self.place.refuse_foreign_files()?;
        let journal = self.place.journal();
        let tables = run.retried.as_ref().map(|_| self.recorded_units());
        let tables = tables.transpose()?;
        let tables = tables.as_ref().zip(run.retried.as_ref());
        let Resume { done, todo, found } = self.resume(&journal, tables)?;
        self.observer.notice(Event::Continued(&found));
        let mut work = Work {
            done,
            todo,
            ..Work::default()
        };
        if self.options.existing == Existing::RetryBad {
            work = work.retry_bad(self.place.store(), self.place.output())?;
        }
        if let Some(retried) = &run.retried {
            // Before the shard of another unit is replaced, its rows in the tables
            // must no longer count.
            let todo = work.todo.iter().map(|unit| unit.shard);
            target.run.retried = Some(retried.iter().copied().chain(todo).collect());
            if target.run.retried != run.retried {
                lock.begin(&target.run)?;
            }
        }
        self.finish(lock, &target, work)
    }

    /// Converts the units of a complete dataset that have bad planes once more.
    fn retry_bad(
        &self,
        lock: LockedOutput,
        root: Option<&Root>,
    ) -> Result<Converted, ConvertError> {
        let mut target = self.target_of_dataset(root)?;
        let tables = self.recorded_units()?;
        let units = stored_units(&tables)?;
        if units.iter().all(|unit| unit.planes.is_complete()) {
            self.release(lock, None);
            return self.complete_already(&tables);
        }
        // Whatever prevents the retry must do so while the dataset is complete.
        let journal = self.place.journal();
        let found = self
            .resume(&journal, Some((&tables, &BTreeSet::new())))?
            .found;
        if let Some(key) = found.damaged_shards.first() {
            return Err(ConvertError::DamagedShard {
                output: self.place.output().clone(),
                key: key.clone(),
            });
        }
        let work = Work {
            done: units,
            ..Work::default()
        };
        let work = work.retry_bad(self.place.store(), self.place.output())?;
        journal.clear()?;
        let retried: Vec<usize> = work.former.keys().copied().collect();
        for_each_concurrent(&retried, RECORDS_AT_ONCE, |&shard| {
            journal.record(&tables.record(shard)?)?;
            Ok::<_, ConvertError>(())
        })?;
        drop(tables);
        target.run.retried = Some(retried.into_iter().collect());
        lock.reopen(&target.run)?;
        self.finish(lock, &target, work)
    }

    /// Runs the units that are to be done, and seals.
    fn finish(
        &self,
        lock: LockedOutput,
        target: &Target<'_>,
        work: Work,
    ) -> Result<Converted, ConvertError> {
        let plan = &self.planned.plan;
        let output = ChecksummedStore::new(self.place.store());
        for unit in &work.done {
            output.add_stored(unit);
        }
        let sites_before = work.sites_done();
        let units = self.run_units(&target.run, &output, work)?;
        // The buffers of the pipeline are no longer needed, and the tables need
        // memory.
        release_free_memory();

        self.observer.notice(Event::Sealing);
        lock.check()?;
        let planes = units.iter().map(|unit| unit.planes).sum();
        let attributes = DatasetAttributes {
            embeddings: target.run.fingerprint.embeddings.clone(),
            ..DatasetAttributes::new(
                self.description.clone(),
                plan,
                self.settings.clone(),
                planes,
            )
        };
        let retried = target.run.retried.as_ref();
        let tables = retried.map(|_| self.recorded_units()).transpose()?;
        let seal = Seal {
            plan,
            units: &units,
            records: UnitRecords {
                journal: &self.place.journal(),
                tables: tables.as_ref().zip(retried),
                jobs: self.options.jobs,
            },
            embeddings: target.embeddings.as_deref(),
            attributes: &attributes,
            output: &output,
        };
        let Sealed {
            refused,
            not_flushed,
        } = seal.write()?;
        self.release(lock, not_flushed);
        let sites = plan.geometry().sites;
        Ok(Converted::of(sites, sites_before, &units, refused))
    }

    /// Ends a run whose dataset is sealed. The journal stays until the root metadata is
    /// durable: it makes the next run flush them once more.
    fn release(&self, lock: LockedOutput, not_flushed: Option<StoreError>) {
        let not_flushed =
            not_flushed.or_else(|| self.place.store().flush_name(ROOT_METADATA).err());
        match not_flushed {
            None => lock.release(),
            Some(error) => {
                let error = format!("{error}: {}", error.source);
                self.observer.notice(Event::NotFlushed { error: &error });
            }
        }
    }

    /// Runs the units that are to be done, and returns all units in array order.
    fn run_units(
        &self,
        run: &Run,
        output: &ChecksummedStore<'_>,
        work: Work,
    ) -> Result<Vec<StoredUnit>, ConvertError> {
        let Work { done, todo, former } = work;
        self.observer.notice(Event::Started {
            sites: todo.iter().map(|unit| unit.sites.len()).sum(),
            units: todo.len(),
        });
        let pipeline = Pipeline {
            plan: &self.planned.plan,
            source: self.planned.source(),
            encoder: &self.encoder,
            output,
            journal: &self.place.journal(),
            former: &former,
            observer: self.observer,
            jobs: self.options.jobs,
            strict: self.options.strict,
            stop: &self.options.stop,
        };
        let mut units = pipeline.run(&todo)?;
        let is_interrupted = units.len() < todo.len();
        units.extend(done);
        units.sort_by_key(|unit| unit.unit.shard);
        if is_interrupted {
            return Err(ConvertError::Interrupted {
                done: units.len(),
                units: run.units,
            });
        }
        Ok(units)
    }

    /// Returns the run to be made of the input alone.
    fn target(&self) -> Target<'a> {
        let plan = &self.planned.plan;
        let embeddings = self.planned.embeddings.as_ref();
        Target {
            run: Run {
                fingerprint: Fingerprint {
                    embeddings: embeddings.map(EmbeddingsDigest::of),
                    ..Fingerprint::of(plan, self.settings.clone())
                },
                description: self.description.clone(),
                units: plan.units().len(),
                cleared: true,
                labels: label_names(plan.table().columns()),
                remove: Vec::new(),
                retried: None,
            },
            embeddings: embeddings.map(Cow::Borrowed),
        }
    }

    /// Returns the run to be made at an OUTPUT that has the fingerprint `then`.
    ///
    /// With `RetryBad`, a dataset keeps its embeddings where no others are given.
    ///
    /// # Errors
    /// [`OutputError::Different`] when the fingerprints differ.
    fn target_like(&self, then: &Fingerprint, sealed: bool) -> Result<Target<'a>, ConvertError> {
        let mut target = self.target();
        if self.options.existing == Existing::RetryBad
            && target.embeddings.is_none()
            && let Some(digest) = &then.embeddings
        {
            // The table fits only if everything else is the same.
            target.run.fingerprint.embeddings = Some(digest.clone());
            self.demand_same(&target, then, sealed)?;
            let embeddings = self.embeddings_of_output(digest)?;
            target.run.fingerprint.embeddings = embeddings.as_ref().map(EmbeddingsDigest::of);
            target.embeddings = embeddings.map(Cow::Owned);
        }
        self.demand_same(&target, then, sealed)?;
        Ok(target)
    }

    /// Returns the run to be made at a complete dataset with that root; there is no
    /// root where this version of the program cannot read it.
    fn target_of_dataset(&self, root: Option<&Root>) -> Result<Target<'a>, ConvertError> {
        let root = root.ok_or_else(|| {
            let difference = "another version of rxrx2zarr wrote it in another format";
            self.different(true, vec![difference.to_owned()])
        })?;
        self.target_like(&Fingerprint::of_root(root), true)
    }

    /// Reads the embeddings at OUTPUT. An interrupted run need not have written
    /// them yet; then the runs differ, and the user is asked for the file.
    fn embeddings_of_output(
        &self,
        then: &EmbeddingsDigest,
    ) -> Result<Option<Embeddings>, ConvertError> {
        let store = self.place.store();
        let table = store.get_at_most(EMBEDDINGS, bytes_at_most(EMBEDDINGS))?;
        let Some(table) = table else {
            return Ok(None);
        };
        let sites = self.planned.plan.geometry().sites;
        let table = embeddings_of(table.into(), sites, then.length)?;
        Ok(Some(table.embeddings))
    }

    /// Finds out which units are done. `tables` are those of the dataset, with the
    /// retried units.
    fn resume(
        &self,
        journal: &Journal<'_>,
        tables: Option<(&RecordedUnits, &BTreeSet<usize>)>,
    ) -> Result<Resume, ResumeError> {
        let records = UnitRecords {
            journal,
            tables,
            jobs: self.options.jobs,
        };
        resume(
            &self.planned.plan,
            &records,
            self.planned.source(),
            self.place.store(),
            self.options.recheck,
        )
    }

    /// Demands that the run to be made has the fingerprint `then`.
    fn demand_same(
        &self,
        target: &Target<'_>,
        then: &Fingerprint,
        sealed: bool,
    ) -> Result<(), OutputError> {
        let differences = then.differences(&target.run.fingerprint);
        if differences.is_empty() {
            return Ok(());
        }
        Err(self.different(sealed, differences))
    }

    fn different(&self, sealed: bool, differences: Vec<String>) -> OutputError {
        OutputError::Different {
            path: self.place.output().clone(),
            sealed,
            differences,
        }
    }

    /// Reads the tables of the dataset at OUTPUT.
    fn recorded_units(&self) -> Result<RecordedUnits, RecordedError> {
        let plan = &self.planned.plan;
        let channels: Vec<String> = plan.channels().iter().map(ToString::to_string).collect();
        RecordedUnits::read(self.place.store(), plan.geometry(), &channels)
    }

    /// Returns the result for a dataset that was complete before.
    fn complete_already(&self, tables: &RecordedUnits) -> Result<Converted, ConvertError> {
        let units = stored_units(tables)?;
        let mut refused = Vec::new();
        for record in tables.records() {
            count_refused(&self.planned.plan, &record?, &mut refused);
        }
        self.observer.notice(Event::CompleteAlready);
        let sites = self.planned.plan.geometry().sites;
        Ok(Converted::of(sites, sites, &units, refused))
    }
}

/// Returns all units of a dataset with those tables, in array order.
fn stored_units(tables: &RecordedUnits) -> Result<Vec<StoredUnit>, RecordedError> {
    let records = tables.records();
    records
        .map(|record| Ok(StoredUnit::from(&record?)))
        .collect()
}
