//! Building a dataset: its units, and then everything else.

use rxrx_estimate::Projection;
use rxrx_format::{DatasetAttributes, GroupEncoder, OverviewEncoder};
use rxrx_input::{PlannedInput, Source};
use rxrx_metadata::ArrayGeometry;
use rxrx_storage::{Store, StoreError, release_free_memory};
use rxrx_verify::TooLittleMemory;

use super::converted::Converted;
use super::error::ConvertError;
use super::options::ConvertOptions;
use super::wanted::Target;
use super::work::Work;
use crate::events::{Event, Observer};
use crate::journal::{Journal, RecordedUnits, Run, StoredUnit, UnitRecords};
use crate::output::{ChecksummedStore, LockedOutput, OutputLocation};
use crate::pipeline::{BufferSizes, Capacity, Pipeline};
use crate::seal::{Seal, Sealed};
use crate::space::{Space, WorkLeft, is_full, lacking};

/// The place of a dataset that is built.
pub(super) struct Destination<'a> {
    pub(super) store: &'a dyn Store,
    pub(super) journal: Journal<'a>,
    /// The tables of the dataset at OUTPUT, if units of it are kept.
    pub(super) tables: Option<&'a RecordedUnits>,
}

/// Builds the dataset of an input, for OUTPUT.
pub(super) struct Builder<'a> {
    planned: &'a PlannedInput,
    place: &'a OutputLocation,
    encoder: GroupEncoder,
    overviews: OverviewEncoder,
    capacity: Capacity,
    options: &'a ConvertOptions,
    observer: &'a dyn Observer,
}

impl<'a> Builder<'a> {
    pub(super) fn new(
        planned: &'a PlannedInput,
        place: &'a OutputLocation,
        options: &'a ConvertOptions,
        observer: &'a dyn Observer,
    ) -> Result<Self, ConvertError> {
        let geometry = planned.plan.geometry();
        let encoder = GroupEncoder::new(options.codec, geometry)?;
        let overviews = OverviewEncoder::new(geometry)?;
        Ok(Self {
            planned,
            place,
            capacity: capacity(
                geometry,
                (&encoder, &overviews),
                (planned.source(), planned.mean_file_bytes()),
                place.store(),
                options,
            )?,
            encoder,
            overviews,
            options,
            observer,
        })
    }

    /// Runs the units that are to be done, and writes everything else. Returns the error
    /// of the flush of the root metadata, too. If the file system is full, the error says how
    /// much more is needed.
    pub(super) fn build(
        &self,
        lock: &LockedOutput,
        target: &Target<'_>,
        work: Work,
        destination: &Destination<'_>,
    ) -> Result<(Converted, Option<StoreError>), ConvertError> {
        let kept = destination.tables.map(|_| self.place.store());
        let output = ChecksummedStore::new(destination.store).with_kept(kept);
        let built = self.run_and_seal(lock, target, work, destination, &output);
        built.map_err(|error| match is_full(&error) {
            true => self.full(error, output.shards()),
            false => error,
        })
    }

    fn run_and_seal(
        &self,
        lock: &LockedOutput,
        target: &Target<'_>,
        work: Work,
        destination: &Destination<'_>,
        output: &ChecksummedStore<'_>,
    ) -> Result<(Converted, Option<StoreError>), ConvertError> {
        let plan = &self.planned.plan;
        for unit in &work.done {
            output.add_stored(unit);
        }
        let sites_before = work.sites_done();
        let units = self.run_units(&target.run, output, &destination.journal, work)?;
        // The buffers of the pipeline are no longer needed, and the tables need
        // memory.
        release_free_memory();

        self.observer.notice(Event::Sealing);
        lock.check()?;
        let planes = units.iter().map(|unit| unit.planes).sum();
        let attributes = DatasetAttributes {
            embeddings: target.run.fingerprint.embeddings.clone(),
            ..DatasetAttributes::new(
                target.run.description.clone(),
                plan,
                target.run.fingerprint.settings.clone(),
                planes,
            )
        };
        let retried = target.run.retried.as_ref();
        let seal = Seal {
            plan,
            units: &units,
            records: UnitRecords {
                journal: &destination.journal,
                tables: destination.tables.zip(retried),
                job: None,
                jobs: self.options.jobs,
            },
            embeddings: target.embeddings.as_deref(),
            attributes,
            output,
        };
        let Sealed {
            refused,
            not_flushed,
        } = seal.write()?;
        let sites = plan.geometry().sites;
        let converted = Converted::of(sites, sites_before, &units, refused);
        Ok((converted, not_flushed))
    }

    /// Runs the units that are to be done, and returns all units in array order.
    fn run_units(
        &self,
        run: &Run,
        output: &ChecksummedStore<'_>,
        journal: &Journal<'_>,
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
            overviews: &self.overviews,
            output,
            journal,
            job: None,
            former: &former,
            observer: self.observer,
            capacity: self.capacity,
            strict: self.options.strict,
            stop: &self.options.stop,
            grace: self.options.grace,
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

    /// Returns the error of a full file system on which so many shards are stored.
    fn full(&self, source: ConvertError, stored: usize) -> ConvertError {
        let units = self.planned.plan.geometry().shards();
        let left = WorkLeft::of_units(self.planned, units.saturating_sub(stored));
        let projection = Projection::of_codec(self.planned, self.options.codec);
        let needed = Space::of(self.planned, &projection, left);
        ConvertError::Full {
            output: self.place.output().clone(),
            more: lacking(needed, self.place.free_space()),
            source: Box::new(source),
        }
    }
}

/// Returns the numbers of threads and chunks that the options and the memory allow. The images
/// have so many bytes a file.
pub(super) fn capacity(
    geometry: &ArrayGeometry,
    encoders: (&GroupEncoder, &OverviewEncoder),
    (source, file): (&dyn Source, f64),
    store: &dyn Store,
    options: &ConvertOptions,
) -> Result<Capacity, TooLittleMemory> {
    Capacity::within(
        options.memory,
        &BufferSizes::of(geometry, encoders, source, file, store.writer_bytes()),
        options.jobs,
        &source.read_hints(),
        geometry.group_bytes(),
        store.writers(),
    )
}
