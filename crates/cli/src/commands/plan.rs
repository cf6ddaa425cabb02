//! `rxrx2zarr plan`.

use std::io::Write;
use std::num::NonZeroUsize;

use rxrx_writer::{
    Description, Location, ObjectNumbers, OutputSpace, PlanOptions, PlannedInput, Projection,
    anonymous_memory, data_type_name, release_free_memory,
};
use serde_json::{Value, json};

use crate::arguments::{ConvertArguments, InputArguments, MemoryArguments, PlanArguments};
use crate::exit_status::ExitStatus;
use crate::jobs::jobs_or_cores;
use crate::outcome::Outcome;
use crate::report::{self, DescribedInput, ExpectedTime, PlanEstimates, PlanMemory};
use crate::session::Session;
use crate::verdict::{Verdict, expected_seconds};
use crate::with_progress;

pub(crate) fn run(arguments: &PlanArguments, session: &Session<'_>) -> anyhow::Result<Outcome> {
    let options = arguments.input.plan_options()?;
    let planned = Planned {
        inputs: &arguments.inputs(&options)?,
        output: arguments.output()?,
        input: &arguments.input,
        memory: &arguments.memory,
        jobs: None,
    };
    show(planned, options, session)
}

/// What `convert --dry-run` would do.
pub(super) fn dry_run(
    arguments: &ConvertArguments,
    session: &Session<'_>,
) -> anyhow::Result<Outcome> {
    let options = arguments.input.plan_options()?;
    let planned = Planned {
        inputs: &arguments.inputs(&options)?,
        output: Some(arguments.output()?),
        input: &arguments.input,
        memory: &arguments.memory,
        jobs: arguments.jobs,
    };
    show(planned, options, session)
}

/// A conversion that is only planned.
struct Planned<'a> {
    inputs: &'a [Location],
    output: Option<Location>,
    input: &'a InputArguments,
    memory: &'a MemoryArguments,
    jobs: Option<NonZeroUsize>,
}

fn show(
    planned: Planned<'_>,
    options: PlanOptions,
    session: &Session<'_>,
) -> anyhow::Result<Outcome> {
    let prepared = with_progress::plan(planned.inputs, options, session.console)?;
    let codec = planned.input.codec;
    let plan = &prepared.plan;
    let description = planned.input.description.description(&prepared);
    let projection = Projection::of(&prepared, codec);
    let output = planned.output.as_ref();
    let space = output.map(|output| OutputSpace::at(&prepared, &projection, output));
    let space = space.transpose()?;
    let jobs = jobs_or_cores(planned.jobs)?.get();
    // A plan that convert would refuse is a failure, so that scripts notice it.
    let verdict = Verdict::of(plan.problems(), space.as_ref());
    let sample_bytes = plan.geometry().data_type.bytes();
    let estimates = PlanEstimates {
        codec,
        time: ExpectedTime {
            seconds: expected_seconds(&projection, sample_bytes, jobs),
            jobs,
        },
        projection,
        objects: ObjectNumbers::of(&prepared),
        memory: PlanMemory {
            limit: planned.memory.bound(),
            table: table_bytes(),
        },
        space,
        verdict,
    };
    let fields = plan_fields(&prepared, &description, &estimates);
    let verbosity = session.console.verbosity();
    let text = move |out: &mut dyn Write| {
        let input = DescribedInput {
            prepared: &prepared,
            description: &description,
        };
        report::plan(out, input, &estimates, verbosity)
    };
    Ok(Outcome::new(
        ExitStatus::of(verdict.is_possible()),
        fields,
        text,
    ))
}

/// Returns a plan as JSON.
fn plan_fields(
    prepared: &PlannedInput,
    description: &Description,
    estimates: &PlanEstimates,
) -> Value {
    let plan = &prepared.plan;
    let geometry = plan.geometry();
    let tables = prepared.metadata.iter().map(ToString::to_string);
    let tables: Vec<String> = tables.collect();
    let memory = &estimates.memory;
    json!({
        // Displayed, because a path need not be UTF-8 and JSON is.
        "input": prepared.input_name(),
        "metadata": tables.first(),
        "tables": tables,
        "shape": geometry.shape(),
        "chunk_shape": geometry.chunk_shape(),
        "shard_shape": geometry.shard_shape(),
        "data_type": data_type_name(geometry.data_type),
        "codec": estimates.codec,
        "channels": plan.channel_names(),
        "units": plan.units().count(),
        "planes": {"present": plan.present_planes(), "missing": plan.missing_planes()},
        "profile": report::profile_fields(&prepared.recognised),
        "description": description,
        "projection": estimates.projection,
        "objects": estimates.objects,
        "memory": {"limit_bytes": memory.limit.bytes, "table_bytes": memory.table},
        "space": estimates.space.as_ref().map(space_fields),
        "expected_seconds": estimates.time.seconds.round(),
        "problems": plan.problems(),
        "verdict": estimates.verdict,
    })
}

/// Returns the memory that the plan takes, with the lists of images and the table: the
/// process holds nothing else.
fn table_bytes() -> Option<u64> {
    release_free_memory();
    anonymous_memory()
}

/// Returns the room at OUTPUT as JSON.
fn space_fields(space: &OutputSpace) -> Value {
    json!({
        "needed_bytes": space.needed.bytes,
        "needed_files": space.needed.files,
        "free_bytes": space.free.map(|free| free.bytes),
        "free_files": space.free.and_then(|free| free.files),
        "fits": space.fits(),
    })
}
