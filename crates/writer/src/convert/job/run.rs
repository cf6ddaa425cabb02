//! A worker: it runs the units of a part that are not done.

use std::collections::BTreeMap;
use std::sync::Arc;

use rxrx_decoder::ImageFormat;
use rxrx_format::{ENCODER_REVISION, GroupEncoder, OverviewEncoder, PlaneCounts};
use rxrx_input::{ReadError, Source, StoredInput, input_names};
use rxrx_metadata::{Plan, SiteIndex, Unit};
use rxrx_storage::{Location, StoreOption};
use serde::Serialize;

use super::super::builder::capacity;
use super::super::error::ConvertError;
use super::super::options::ConvertOptions;
use super::error::JobError;
use super::found::{Found, find, is_sealed};
use crate::events::{Event, Observer};
use crate::journal::{
    JobPlan, JobReference, Journal, Resume, Resumed, Run, StoredUnit, format_difference,
    resume_units,
};
use crate::output::{ChecksummedStore, OutputError, OutputLocation};
use crate::pipeline::Pipeline;

/// Images that are looked for before the first one is converted.
const LOOKED_FOR: usize = 16;

/// Where a worker finds the images.
#[derive(Clone, Debug, Default)]
pub struct JobInput {
    /// INPUT, where it has another name here than for the one who planned; empty for the names
    /// in the plan.
    pub locations: Vec<Location>,
    /// The options of the stores of INPUT.
    pub store_options: Arc<[StoreOption]>,
}

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
    let place = OutputLocation::new(output)?;
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
    demand_same_program(place, &run)?;
    let job = JobPlan::read(place.work_store(), &reference)?;
    let units = job.units(part);
    if units.is_empty() {
        return Ok(PartRun {
            part,
            parts: job.parts(),
            ..PartRun::default()
        });
    }
    let plan = job.part(part, place.work_store())?;
    let source = open(job.input(), input, &plan, &units)?;
    let worker = Worker {
        place,
        run: &run,
        job: &job,
        reference: &reference,
        plan: &plan,
        source: source.as_ref(),
        options,
        observer,
    };
    let (before, stored) = worker.run(&units)?;
    lock.check().map_err(OutputError::from)?;
    Ok(PartRun {
        part,
        parts: job.parts(),
        sealed: false,
        units: units.len(),
        units_before: before,
        sites: units.iter().map(|unit| unit.sites.len()).sum(),
        planes: stored.iter().map(|unit| unit.planes).sum(),
        source_bytes: stored.iter().map(|unit| unit.source_bytes).sum(),
        stored_bytes: stored.iter().map(|unit| unit.bytes).sum(),
    })
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

/// Opens INPUT and looks for some images of the part: with a wrong INPUT, or one that is not whole,
/// planes would be missing.
fn open(
    stored: &StoredInput,
    input: &JobInput,
    plan: &Plan,
    units: &[Unit],
) -> Result<Box<dyn Source>, JobError> {
    let locations = match input.locations.as_slice() {
        [] => stored.locations(&input.store_options)?,
        given => given.to_vec(),
    };
    let source = stored.open(&locations)?;
    let sites = units.iter().flat_map(|unit| unit.sites.clone());
    let channels = 0..plan.geometry().channels;
    let mut paths: Vec<String> = sites
        .flat_map(|site| {
            channels
                .clone()
                .map(move |channel| (SiteIndex(site), channel))
        })
        .filter_map(|(site, channel)| plan.source(site, channel))
        .collect();
    let step = paths.len().div_ceil(LOOKED_FOR).max(1);
    let mut position = 0;
    paths.retain(|_| {
        position += 1;
        (position - 1) % step == 0
    });
    for image in paths {
        match source.stamp(&image) {
            Ok(_) => {}
            Err(ReadError::Unreachable(source)) => {
                return Err(JobError::Unreachable {
                    input: input_names(&locations),
                    image,
                    source,
                });
            }
            Err(_) => {
                return Err(JobError::LacksImage {
                    input: input_names(&locations),
                    image,
                });
            }
        }
    }
    Ok(source)
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
    /// Runs the units that are not done. Returns how many were done before, and all of them.
    fn run(&self, units: &[Unit]) -> Result<(usize, Vec<StoredUnit>), ConvertError> {
        let journal = self.place.journal();
        let Resume {
            mut done,
            todo,
            found,
        } = self.resume(units, &journal)?;
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
        Ok((before, done))
    }

    fn resume(&self, units: &[Unit], journal: &Journal<'_>) -> Result<Resume, ConvertError> {
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
