//! `rxrx2zarr plan`.

use std::io::{Write, stdout};
use std::process::ExitCode;

use rxrx_writer::metadata::Severity;
use rxrx_writer::{PlannedInput, Projection, data_type_name};
use serde_json::json;

use crate::arguments::{PlanArguments, Verbosity};
use crate::report;

pub(crate) fn run(arguments: &PlanArguments, verbosity: Verbosity) -> anyhow::Result<ExitCode> {
    let prepared = PlannedInput::open(&arguments.input.input()?, arguments.input.plan_options()?)?;
    let codec = arguments.input.codec;
    let plan = &prepared.plan;
    let geometry = plan.geometry();
    let projection = Projection::of(&prepared, codec);
    if arguments.json {
        let channels: Vec<String> = plan.channels().iter().map(ToString::to_string).collect();
        let result = json!({
            // JSON is text, which a path need not be.
            "input": prepared.input.to_string(),
            "metadata": prepared.metadata.to_string(),
            "shape": geometry.shape(),
            "chunk_shape": geometry.chunk_shape(),
            "shard_shape": geometry.shard_shape(),
            "data_type": data_type_name(geometry.data_type),
            "codec": codec,
            "channels": channels,
            "units": plan.units().count(),
            "planes": {"present": plan.present_planes(), "missing": plan.missing_planes()},
            "projection": projection,
            "problems": plan.problems(),
        });
        writeln!(stdout(), "{result:#}")?;
    } else {
        report::plan(&prepared, codec, projection, verbosity)?;
    }
    // A plan that convert would refuse is a failure a script can see.
    let refused = plan
        .problems()
        .iter()
        .any(|problem| problem.kind.severity() == Severity::Fatal);
    Ok(if refused {
        ExitCode::FAILURE
    } else {
        ExitCode::SUCCESS
    })
}
