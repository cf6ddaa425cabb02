//! One conversion: from the state of OUTPUT to a complete dataset.

use std::collections::BTreeSet;

use rxrx_format::Root;
use rxrx_format::keys::ROOT_METADATA;
use rxrx_input::PlannedInput;
use rxrx_storage::{Store, StoreError, for_each_concurrent};

use super::builder::{Builder, Destination};
use super::converted::Converted;
use super::error::ConvertError;
use super::options::ConvertOptions;
use super::wanted::{Target, Wanted};
use super::work::Work;
use crate::events::{Event, Observer};
use crate::journal::{
    JobReference, Journal, RecordedError, RecordedUnits, Resume, ResumeError, Run, StoredUnit,
    UnitRecords, resume,
};
use crate::output::{
    Existing, LockedOutput, Next, OutputError, OutputLocation, OutputState, RunFolder, Switch,
    Transition,
};
use crate::refused::count_refused;
use crate::space::{WorkLeft, demand_space};

/// Records that are written at once: each write mostly waits for the store.
const RECORDS_AT_ONCE: usize = 8;

/// One call of [`convert`](super::convert).
pub(super) struct Conversion<'a> {
    planned: &'a PlannedInput,
    place: &'a OutputLocation,
    wanted: Wanted<'a>,
    builder: Builder<'a>,
    options: &'a ConvertOptions,
    observer: &'a dyn Observer,
}

impl<'a> Conversion<'a> {
    pub(super) fn new(
        planned: &'a PlannedInput,
        place: &'a OutputLocation,
        options: &'a ConvertOptions,
        observer: &'a dyn Observer,
    ) -> Result<Self, ConvertError> {
        Ok(Self {
            planned,
            place,
            builder: Builder::new(planned, place, options, observer)?,
            wanted: Wanted::new(planned, place, options),
            options,
            observer,
        })
    }

    /// Brings OUTPUT from the state it is in to a complete dataset.
    pub(super) fn run(&self) -> Result<Converted, ConvertError> {
        let existing = self.options.existing;
        // A complete dataset needs no lock, and may lie where nobody can write.
        if existing == Existing::Continue
            && self.place.is_settled()?
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
        let state = lock.state()?;
        let transition = state.transition(existing, self.place.output())?;
        if matches!(transition, Transition::Replace | Transition::Retry(_)) {
            lock.demand_exclusive()?;
        }
        if !matches!(transition, Transition::Keep(_)) {
            lock.flush_names()?;
        }
        match transition {
            Transition::Begin => {
                let target = self.wanted.target();
                self.demand_space(WorkLeft::all(self.planned))?;
                lock.begin(target.plan())?;
                let work = Work::all(&self.planned.plan);
                self.finish(lock, &target, work)
            }
            Transition::Replace => self.replace(lock, &self.wanted.target()),
            Transition::Continue(run) => self.continue_run(lock, &run),
            Transition::Keep(root) => self.keep_locked(lock, root.as_deref()),
            Transition::Retry(root) => self.retry_bad(lock, root.as_deref()),
            Transition::Switch(next) => self.continue_switch(lock, *next),
        }
    }

    /// Builds the dataset in a run folder, and replaces what is at OUTPUT.
    fn replace(&self, lock: LockedOutput, target: &Target<'_>) -> Result<Converted, ConvertError> {
        let goes_on = |next: &Next| match next.plan.run() {
            Some(run) => next.kept_root.is_none() && *run == target.run,
            None => false,
        };
        let is_begun = lock.next().as_ref().is_some_and(goes_on);
        let mut folder = lock.begin_next(target.plan(), None, goes_on)?;
        let mut work = Work::all(&self.planned.plan);
        if is_begun {
            match self.resume(&folder.journal(), folder.dataset(), None, None) {
                Ok(Resume {
                    done, todo, found, ..
                }) => {
                    self.observer.notice(Event::Continued(&found));
                    work = Work {
                        done,
                        todo,
                        ..Work::default()
                    };
                }
                // What was built of them is of no use.
                Err(ResumeError::Vanished { .. }) => {
                    folder = lock.begin_next(target.plan(), None, |_| false)?;
                }
                Err(error) => return Err(error.into()),
            }
        }
        self.finish_beside(lock, target, work, &folder, None)
    }

    /// Finishes the switch to `next`, if that is the dataset to be made. Otherwise replaces
    /// what is there, if the user wants that.
    fn continue_switch(&self, lock: LockedOutput, next: Next) -> Result<Converted, ConvertError> {
        let target = self.wanted.target();
        let differences = match next.plan.run() {
            Some(run) => self.wanted.differences(&target, &run.fingerprint),
            None => vec!["`rxrx2zarr publish` puts another dataset there".to_owned()],
        };
        if differences.is_empty() {
            let not_flushed = Switch::to(next, &lock, self.observer)?.run()?;
            self.release(lock, not_flushed);
            return self.complete_already(&self.recorded_units()?);
        }
        match self.options.existing {
            Existing::Replace => self.replace(lock, &target),
            _ => Err(self.wanted.different(false, differences).into()),
        }
    }

    /// Leaves the complete dataset with that root as it is, and removes what the run that
    /// made it has left.
    fn keep_locked(
        &self,
        lock: LockedOutput,
        root: Option<&Root>,
    ) -> Result<Converted, ConvertError> {
        let converted = self.keep(root)?;
        if lock.is_building() {
            self.place.demand_whole()?;
        }
        // A dataset that is being built to replace this one is not given up.
        if lock.next().is_none() {
            self.release(lock, None);
        }
        Ok(converted)
    }

    /// Demands that the complete dataset with that root is the one to be made, and
    /// leaves it as it is.
    fn keep(&self, root: Option<&Root>) -> Result<Converted, ConvertError> {
        self.wanted.target_of_dataset(root)?;
        Ok(Converted {
            described_otherwise: self.wanted.described_otherwise(root),
            ..self.complete_already(&self.recorded_units()?)?
        })
    }

    /// Continues a run that was interrupted.
    fn continue_run(&self, lock: LockedOutput, run: &Run) -> Result<Converted, ConvertError> {
        let target = self.wanted.target_like(&run.fingerprint, false)?;
        self.place.refuse_foreign_files()?;
        lock.go_on()?;
        let journal = self.place.journal();
        let Resume {
            done,
            todo,
            found,
            blocks,
            ..
        } = self.resume(&journal, self.place.store(), None, run.job.as_ref())?;
        self.observer.notice(Event::Continued(&found));
        let mut work = Work {
            done,
            todo,
            blocks,
            ..Work::default()
        };
        if self.options.existing == Existing::RetryBad {
            work = work.retry_bad(self.place.store(), self.place.output())?;
        }
        self.demand_space(work.left())?;
        self.finish(lock, &target, work)
    }

    /// Converts the units of a complete dataset that have bad planes once more, in a run
    /// folder, and replaces their shards.
    fn retry_bad(
        &self,
        lock: LockedOutput,
        root: Option<&Root>,
    ) -> Result<Converted, ConvertError> {
        let mut target = self.wanted.target_of_dataset(root)?;
        let tables = self.recorded_units()?;
        let units = stored_units(&tables)?;
        if units.iter().all(|unit| unit.planes.is_complete()) {
            self.release(lock, None);
            return self.complete_already(&tables);
        }
        let store = self.place.store();
        let none = BTreeSet::new();
        let found = self.resume(&self.place.journal(), store, Some((&tables, &none)), None)?;
        if let Some(key) = found.found.damaged_shards.first() {
            return Err(ConvertError::DamagedShard {
                output: self.place.output().clone(),
                key: key.clone(),
            });
        }
        let work = Work {
            done: units,
            ..Work::default()
        };
        let mut work = work.retry_bad(store, self.place.output())?;
        let retried: BTreeSet<usize> = work.former.keys().copied().collect();
        target.run.retried = Some(retried.clone());
        let root = self.place.root_sha256()?;
        let goes_on = |next: &Next| {
            next.kept_root.is_some()
                && next.kept_root == root
                && next.plan.run().is_some_and(|run| *run == target.run)
        };
        let is_begun = lock.next().as_ref().is_some_and(goes_on);
        let folder = lock.begin_next(target.plan(), root.clone(), goes_on)?;
        let journal = folder.journal();
        if is_begun {
            // A unit that was converted again, and has all planes now, stays as it is.
            let tables = Some((&tables, &retried));
            let done = self.resume(&journal, folder.dataset(), tables, None)?.done;
            let is_done =
                |unit: &StoredUnit| unit.planes.is_complete() && retried.contains(&unit.unit.shard);
            let done = done.into_iter().filter(is_done);
            work = work.without(done.collect());
        }
        let again: Vec<usize> = work.former.keys().copied().collect();
        for_each_concurrent(&again, RECORDS_AT_ONCE, |&shard| {
            journal.record(&tables.record(shard)?)?;
            Ok::<_, ConvertError>(())
        })?;
        self.finish_beside(lock, &target, work, &folder, Some(&tables))
    }

    /// Demands room for the work that is left. What is replaced stays until that is done.
    fn demand_space(&self, left: WorkLeft) -> Result<(), ConvertError> {
        if self.options.ignore_space {
            return Ok(());
        }
        let codec = self.options.codec;
        Ok(demand_space(self.place, self.planned, codec, left)?)
    }

    /// Builds the dataset at OUTPUT.
    fn finish(
        &self,
        lock: LockedOutput,
        target: &Target<'_>,
        work: Work,
    ) -> Result<Converted, ConvertError> {
        let destination = Destination {
            store: self.place.store(),
            journal: self.place.journal(),
            tables: None,
        };
        let (converted, not_flushed) = self.builder.build(&lock, target, work, &destination)?;
        self.release(lock, not_flushed);
        Ok(converted)
    }

    /// Builds the dataset in a run folder, and puts it in place of what is at OUTPUT.
    /// `tables` are those of the dataset of which units are kept.
    fn finish_beside(
        &self,
        lock: LockedOutput,
        target: &Target<'_>,
        work: Work,
        folder: &RunFolder,
        tables: Option<&RecordedUnits>,
    ) -> Result<Converted, ConvertError> {
        self.demand_space(work.left())?;
        let destination = Destination {
            store: folder.dataset(),
            journal: folder.journal(),
            tables,
        };
        let (converted, not_flushed) = self.builder.build(&lock, target, work, &destination)?;
        if not_flushed.is_some() {
            folder
                .dataset()
                .flush_name(ROOT_METADATA)
                .map_err(OutputError::from)?;
        }
        let defect = || OutputError::Changed {
            object: self.place.output().clone(),
        };
        let next = lock.next().ok_or_else(defect)?;
        let not_flushed = Switch::to(next, &lock, self.observer)?.run()?;
        self.release(lock, not_flushed);
        Ok(converted)
    }

    /// Ends a run whose dataset is sealed.
    fn release(&self, lock: LockedOutput, not_flushed: Option<StoreError>) {
        lock.release_sealed(not_flushed, self.observer);
    }

    /// Finds out which units in `store` are done. `tables` are those of the dataset at
    /// OUTPUT, with the retried units; `job` is the one that the run goes on with.
    fn resume(
        &self,
        journal: &Journal<'_>,
        store: &dyn Store,
        tables: Option<(&RecordedUnits, &BTreeSet<usize>)>,
        job: Option<&JobReference>,
    ) -> Result<Resume, ResumeError> {
        let blocks = match job {
            Some(_) => journal.blocks()?,
            None => Vec::new(),
        };
        let records = UnitRecords {
            journal,
            blocks: &blocks,
            tables,
            job: job.map(|job| job.head_sha256.as_str()),
            jobs: self.options.jobs,
        };
        resume(
            &self.planned.plan,
            &records,
            self.planned.source(),
            store,
            self.place.store(),
            self.options.recheck,
        )
    }

    /// Reads the tables of the dataset at OUTPUT.
    fn recorded_units(&self) -> Result<RecordedUnits, RecordedError> {
        let plan = &self.planned.plan;
        RecordedUnits::read(self.place.store(), plan.geometry(), plan.channel_names())
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
