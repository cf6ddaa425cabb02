//! A worker: it runs the units of a part that are not done.

use std::collections::BTreeMap;
use std::error::Error;

use rxrx_decoder::ImageFormat;
use rxrx_format::{ENCODER_REVISION, GroupEncoder, OverviewEncoder, PlaneCounts};
use rxrx_input::Source;
use rxrx_metadata::{Plan, Unit};
use rxrx_storage::{Location, causes, map_concurrent};
use serde::Serialize;

use super::super::builder::capacity;
use super::super::error::ConvertError;
use super::super::options::ConvertOptions;
use super::error::JobError;
use super::found::{Found, find, is_sealed};
use super::part_input::{ChangedImages, JobInput, open};
use crate::events::{Event, Observer};
use crate::journal::{
    Block, JobPlan, JobReference, Journal, OtherVersions, Resume, Resumed, Run, SourceChanges,
    StoredUnit, format_difference, resume_units,
};
use crate::output::{ChecksummedStore, OutputError, OutputLocation};
use crate::pipeline::Pipeline;

/// The result of a worker.
#[derive(Clone, Debug, Default, Serialize)]
pub struct PartRun {
    /// The part, from 0.
    pub part: usize,
    /// The number of parts of the job; 0 if the dataset is sealed.
    pub parts: usize,
    /// Whether the dataset is complete already, so that nothing was done.
    pub sealed: bool,
    /// Units of the part.
    pub units: usize,
    /// Those of them that were done before.
    pub units_before: usize,
    /// Sites of the part.
    pub sites: usize,
    /// Number of planes of the part with each result.
    pub planes: PlaneCounts,
    /// Bytes that were read from image files for these units.
    pub source_bytes: u64,
    /// Bytes of the shards of these units.
    pub stored_bytes: u64,
    /// Images whose size or version was another one than when the job was planned.
    pub changed_images: usize,
}

/// Runs the units of a part of the job at `output` that are not done. A part beyond the last
/// one has no units. If the dataset is complete, nothing is done.
///
/// # Errors
/// [`JobError`]; the units that are stored stay, and the same call goes on.
pub fn run_part(
    output: &Location,
    part: usize,
    input: &JobInput,
    options: &ConvertOptions,
    observer: &dyn Observer,
) -> Result<PartRun, JobError> {
    let place = OutputLocation::of_worker(output, options.scratch.clone())?;
    let run = run_part_at(&place, part, input, options, observer);
    run.or_else(|error| match is_sealed(&place) {
        // It was sealed while this worker looked at it.
        true => Ok(PartRun::of_sealed(part)),
        false => Err(error),
    })
}

impl PartRun {
    fn of_sealed(part: usize) -> Self {
        Self {
            part,
            sealed: true,
            ..Self::default()
        }
    }
}

fn run_part_at(
    place: &OutputLocation,
    part: usize,
    input: &JobInput,
    options: &ConvertOptions,
    observer: &dyn Observer,
) -> Result<PartRun, JobError> {
    let sealed = PartRun::of_sealed(part);
    // A complete dataset may lie where nobody can write.
    if let Found::Sealed = find(place, place.state()?)? {
        return Ok(sealed);
    }
    let lock = place.share(&format!("part {part}"), observer)?;
    let Found::Job(run, reference) = find(place, place.state()?)? else {
        return Ok(sealed);
    };
    let job = JobPlan::read(place.work_store(), &reference)?;
    let part = Part {
        place,
        run: &run,
        job: &job,
        reference: &reference,
        number: part,
    };
    let done = part.run(input, options, observer);
    let journal = place.journal();
    if let Err(error) = &done
        && !matches!(error, JobError::Convert(ConvertError::Interrupted { .. }))
    {
        // It only tells the user: the first error is reported.
        let _ = journal.note_failure(part.number, with_causes(error));
    }
    let done = done?;
    journal.forget_failure(part.number)?;
    lock.check().map_err(OutputError::from)?;
    Ok(done)
}

/// The text of an error and of its causes.
fn with_causes(error: &(dyn Error + 'static)) -> String {
    let texts: Vec<String> = causes(error).map(ToString::to_string).collect();
    texts.join(": ")
}

/// A part of a job.
struct Part<'a> {
    place: &'a OutputLocation,
    run: &'a Run,
    job: &'a JobPlan,
    reference: &'a JobReference,
    number: usize,
}

impl Part<'_> {
    /// Runs the units that are not done.
    fn run(
        &self,
        input: &JobInput,
        options: &ConvertOptions,
        observer: &dyn Observer,
    ) -> Result<PartRun, JobError> {
        let Self {
            place,
            run,
            job,
            reference,
            number,
        } = *self;
        demand_same_program(place, run)?;
        let units = job.units(number);
        if units.is_empty() {
            return Ok(PartRun {
                part: number,
                parts: job.parts(),
                ..PartRun::default()
            });
        }
        let (plan, images) = job.part(number, place.work_store())?;
        let source = open(job.input(), input, &plan, &units, &images)?;
        let worker = Worker {
            place,
            run,
            job,
            reference,
            plan: &plan,
            source: source.as_ref(),
            options,
            observer,
        };
        let blocks = job.blocks_of(number);
        let done = worker.run(&units, &blocks)?;
        let changed = ChangedImages::new(&plan, &units, &images, input);
        let changed_images = worker.merge(&blocks, &done, &changed)?;
        if changed_images.count > 0 {
            observer.notice(Event::ChangedSincePlan(&changed_images));
        }
        Ok(PartRun {
            part: number,
            parts: job.parts(),
            sealed: false,
            units: units.len(),
            units_before: done.before,
            sites: units.iter().map(|unit| unit.sites.len()).sum(),
            planes: done.units.iter().map(|unit| unit.planes).sum(),
            source_bytes: done.units.iter().map(|unit| unit.source_bytes).sum(),
            stored_bytes: done.units.iter().map(|unit| unit.bytes).sum(),
            changed_images: changed_images.count,
        })
    }
}

/// Demands that this program makes the bytes that the run is to have.
fn demand_same_program(place: &OutputLocation, run: &Run) -> Result<(), JobError> {
    let fingerprint = &run.fingerprint;
    let reason = if let Some(difference) = format_difference(fingerprint.format_version) {
        difference
    } else if fingerprint.encoder_revision != Some(ENCODER_REVISION) {
        let then = fingerprint.encoder_revision.unwrap_or_default();
        format!(
            "it has encoder revision {ENCODER_REVISION} and the job was planned with {then}; use \
             the same version of rxrx2zarr"
        )
    } else {
        let (then, here) = (
            fingerprint.settings.image_decoder.as_deref(),
            ImageFormat::Jpeg2000.decoder(),
        );
        if then.is_none() || then == here {
            return Ok(());
        }
        format!(
            "its decoder of JPEG 2000 is {} and the job was planned with {}, which can give other \
             pixels; use the same version of rxrx2zarr and the same class of machine",
            here.unwrap_or_default(),
            then.unwrap_or_default()
        )
    };
    Err(JobError::OtherProgram {
        path: place.output().clone(),
        reason,
    })
}

/// The units of a part, which are all done.
struct Done {
    /// How many of them were done before.
    before: usize,
    units: Vec<StoredUnit>,
    /// The versions of objects whose record names another one, by shard.
    versions: BTreeMap<usize, OtherVersions>,
}

/// What a worker works with.
struct Worker<'a> {
    place: &'a OutputLocation,
    run: &'a Run,
    job: &'a JobPlan,
    reference: &'a JobReference,
    plan: &'a Plan,
    source: &'a dyn Source,
    options: &'a ConvertOptions,
    observer: &'a dyn Observer,
}

impl Worker<'_> {
    /// Runs the units that are not done.
    fn run(&self, units: &[Unit], blocks: &[Block]) -> Result<Done, ConvertError> {
        let journal = self.place.journal();
        let Resume {
            mut done,
            todo,
            found,
            versions,
            ..
        } = self.resume((units, blocks), &journal)?;
        let before = done.len();
        let untouched = Resumed {
            units: found.units,
            ..Resumed::default()
        };
        if found != untouched {
            self.observer.notice(Event::Continued(&found));
        }
        let geometry = self.plan.geometry();
        let encoder = GroupEncoder::new(self.run.fingerprint.settings.codec, geometry)?;
        let overviews = OverviewEncoder::new(geometry)?;
        let store = self.place.store();
        let images = (self.source, self.job.mean_file_bytes());
        let output = ChecksummedStore::new(store);
        self.observer.notice(Event::Started {
            sites: todo.iter().map(|unit| unit.sites.len()).sum(),
            units: todo.len(),
        });
        let pipeline = Pipeline {
            plan: self.plan,
            source: self.source,
            encoder: &encoder,
            overviews: &overviews,
            output: &output,
            journal: &journal,
            job: Some(&self.reference.head_sha256),
            former: &BTreeMap::new(),
            observer: self.observer,
            capacity: capacity(
                geometry,
                (&encoder, &overviews),
                images,
                store,
                self.options,
            )?,
            strict: self.options.strict,
            stop: &self.options.stop,
            grace: self.options.grace,
        };
        let stored = pipeline.run(&todo)?;
        let is_interrupted = stored.len() < todo.len();
        done.extend(stored);
        if is_interrupted {
            return Err(ConvertError::Interrupted {
                done: done.len(),
                units: units.len(),
            });
        }
        done.sort_by_key(|unit| unit.unit.shard);
        Ok(Done {
            before,
            units: done,
            versions,
        })
    }

    /// Merges the records of the part, whose units are stored as `done` says. Returns the images
    /// that changed since the job was planned.
    fn merge(
        &self,
        blocks: &[Block],
        done: &Done,
        changed: &ChangedImages<'_>,
    ) -> Result<SourceChanges, JobError> {
        let journal = self.place.journal();
        let job = &self.reference.head_sha256;
        let found = map_concurrent(blocks, self.options.jobs, |block| {
            let is_before = |unit: &StoredUnit| unit.unit.shard < block.shards().start;
            let is_within = |unit: &StoredUnit| unit.unit.shard < block.shards().end;
            let Done {
                units, versions, ..
            } = done;
            let range = units.partition_point(is_before)..units.partition_point(is_within);
            let units = units.get(range).unwrap_or_default();
            Ok::<_, JobError>(changed.of(&journal.merge(block, units, versions, job)?))
        })?;
        let mut all = SourceChanges::default();
        found.into_iter().for_each(|found| all.extend(found));
        Ok(all)
    }

    fn resume(
        &self,
        units: (&[Unit], &[Block]),
        journal: &Journal<'_>,
    ) -> Result<Resume, ConvertError> {
        Ok(resume_units(
            self.plan,
            units,
            self.reference,
            journal,
            Some(self.source),
            self.place.store(),
            self.options.jobs,
        )?)
    }
}
