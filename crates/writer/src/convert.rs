//! The whole conversion: check, claim OUTPUT, run the units, seal.

use std::num::NonZeroUsize;
use std::path::Path;

use rxrx_metadata::{Problem, Severity};

use crate::codec::{ChunkEncoder, Codec, CodecError};
use crate::description::Description;
use crate::events::{Event, Observer};
use crate::hierarchy::{DatasetAttributes, Settings};
use crate::output::Output;
use crate::pipeline::{Pipeline, PipelineError};
use crate::prepare::Prepared;
use crate::record::{PlaneCounts, PlaneRecord, UnitRecord};
use crate::seal::{SealError, seal};
use crate::target::{Target, TargetError};

/// How to convert.
#[derive(Clone, Debug)]
pub struct ConvertOptions {
    /// The codec of the image chunks.
    pub codec: Codec,
    /// Threads that decode and encode.
    pub jobs: NonZeroUsize,
    /// Convert although images are missing.
    pub allow_missing: bool,
    /// Stop at the first image that cannot be used.
    pub strict: bool,
    /// Replace a dataset, or the remains of one, at OUTPUT.
    pub overwrite: bool,
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
    /// Sites converted.
    pub sites: usize,
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

/// Images that could not be used for one cause.
#[derive(Clone, Debug, serde::Serialize)]
pub struct RefusedImages {
    /// The cause, machine-readable.
    pub cause: &'static str,
    /// How many images.
    pub count: usize,
    /// The first few: path inside INPUT and what is wrong.
    pub examples: Vec<String>,
}

/// Converts what `prepared` plans into a dataset at the folder `output`.
///
/// # Errors
/// [`ConvertError`]; `output` then has no root metadata and no reader takes it
/// for a dataset. An image that cannot be used is no error (unless `strict`):
/// it is recorded, and counted in [`Converted::planes`].
pub fn convert(
    prepared: &Prepared,
    output: &Path,
    options: &ConvertOptions,
    observer: &dyn Observer,
) -> Result<Converted, ConvertError> {
    let plan = &prepared.plan;
    refuse_problems(prepared, options.allow_missing)?;
    let geometry = plan.geometry();
    let encoder = ChunkEncoder::new(options.codec, geometry)?;
    let target = Target::claim(output, &prepared.input, options.overwrite)?;
    let store = target.store();
    let output = Output::new(&store);

    observer.notice(Event::Started {
        sites: geometry.sites,
        units: plan.units().count(),
    });
    let pipeline = Pipeline {
        plan,
        source: prepared.source.as_ref(),
        encoder: &encoder,
        output: &output,
        observer,
        jobs: options.jobs,
        strict: options.strict,
    };
    let units = pipeline.run()?;

    observer.notice(Event::Sealing);
    let settings = Settings {
        codec: options.codec,
        chunk_sites: geometry.chunk_sites,
        chunk_channels: geometry.chunk_channels,
        shard_sites: geometry.shard_sites,
        include: prepared.options.include.clone(),
        exclude: prepared.options.exclude.clone(),
    };
    let planes = PlaneCounts::of(&units);
    let attributes = DatasetAttributes::new(options.description.clone(), plan, settings, planes);
    seal(plan, &units, &attributes, &output)?;
    target.release();
    Ok(Converted {
        sites: geometry.sites,
        shards: units.len(),
        planes,
        source_bytes: units
            .iter()
            .flat_map(|unit| &unit.planes)
            .map(source_bytes)
            .sum(),
        stored_bytes: units.iter().map(|unit| unit.bytes).sum(),
        refused: refused_images(prepared, &units),
    })
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

fn source_bytes(plane: &PlaneRecord) -> u64 {
    match plane {
        PlaneRecord::Ok { source_bytes, .. } => *source_bytes,
        PlaneRecord::Corrupt { source_bytes, .. } => source_bytes.unwrap_or(0),
        PlaneRecord::Missing => 0,
    }
}

/// Counts the corrupt planes by cause, in array order.
fn refused_images(prepared: &Prepared, units: &[UnitRecord]) -> Vec<RefusedImages> {
    const EXAMPLES: usize = 5;
    let channels = prepared.plan.geometry().channels;
    let mut by_cause: Vec<RefusedImages> = Vec::new();
    for (position, plane) in units.iter().flat_map(|unit| &unit.planes).enumerate() {
        let PlaneRecord::Corrupt { error, cause, .. } = plane else {
            continue;
        };
        let site = rxrx_metadata::SiteIndex(position / channels);
        let path = prepared
            .plan
            .source(site, position % channels)
            .unwrap_or_default();
        let example = format!("{path}: {error}");
        match by_cause.iter_mut().find(|refused| refused.cause == *cause) {
            Some(refused) => {
                refused.count += 1;
                if refused.examples.len() < EXAMPLES {
                    refused.examples.push(example);
                }
            }
            None => by_cause.push(RefusedImages {
                cause,
                count: 1,
                examples: vec![example],
            }),
        }
    }
    by_cause
}
