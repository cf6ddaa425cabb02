//! `rxrx2zarr plan`.

use std::io::Write;

use rxrx_writer::metadata::Severity;
use rxrx_writer::{
    Description, ObjectNumbers, OutputSpace, PlannedInput, Projection, anonymous_memory,
    data_type_name, release_free_memory,
};
use serde_json::{Value, json};

use crate::arguments::PlanArguments;
use crate::exit_status::ExitStatus;
use crate::outcome::Outcome;
use crate::report::{self, DescribedInput, PlanEstimates, PlanMemory};
use crate::session::Session;
use crate::with_progress;

pub(crate) fn run(arguments: &PlanArguments, session: &Session<'_>) -> anyhow::Result<Outcome> {
    let console = session.console;
    let options = arguments.input.plan_options()?;
    let prepared = with_progress::plan(&arguments.inputs(&options)?, options, console)?;
    let codec = arguments.input.codec;
    let plan = &prepared.plan;
    let description = arguments.input.description.description(&prepared);
    let projection = Projection::of(&prepared, codec);
    let output = arguments.output()?;
    let space = output.map(|output| OutputSpace::at(&prepared, &projection, &output));
    let space = space.transpose()?;
    // A plan that convert would refuse is a failure, so that scripts notice it.
    let is_refused = plan.problems().severity() == Some(Severity::Fatal);
    let fits = space.as_ref().is_none_or(OutputSpace::fits);
    let estimates = PlanEstimates {
        codec,
        projection,
        objects: ObjectNumbers::of(&prepared),
        memory: PlanMemory {
            limit: arguments.memory.bound(),
            table: table_bytes(),
        },
        space,
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
    let status = ExitStatus::of(!is_refused && fits);
    Ok(Outcome::new(status, fields, text))
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
        "problems": plan.problems(),
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
