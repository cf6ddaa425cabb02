//! `rxrx2zarr verify`.

use std::time::Instant;

use rxrx_reader::{Dataset, read_root};
use rxrx_writer::{
    Location, PlanOptions, PlannedInput, Store, VerifyOptions, input_names, open_store,
    plan_inputs, plan_options, verify_by_store,
};

use crate::arguments::VerifyArguments;
use crate::exit_status::ExitStatus;
use crate::failure::CompareError;
use crate::jobs::jobs_or_cores;
use crate::report;
use crate::verbosity::Verbosity;
use crate::with_progress;

pub(crate) fn run(arguments: &VerifyArguments, verbosity: Verbosity) -> anyhow::Result<ExitStatus> {
    let dataset = arguments.dataset()?;
    if arguments.no_download {
        return by_store(arguments, &dataset, verbosity);
    }
    let store = open_store(&dataset)?;
    let store = store.as_ref();
    let source = match arguments.sources()? {
        inputs if inputs.is_empty() => None,
        inputs => Some(plan_source(arguments, store, &dataset, &inputs)?),
    };
    let options = VerifyOptions {
        jobs: jobs_or_cores(arguments.jobs)?,
        memory: arguments.memory.bound(),
    };
    let name = dataset.to_string();
    let (verified, seconds) =
        with_progress::verify(store, &name, source.as_ref(), &options, verbosity)?;
    let clean = verified.is_clean();
    if arguments.json {
        let more = [("clean", clean.into()), ("seconds", seconds.into())];
        report::json_with(&verified, more)?;
    } else {
        report::print(|out| report::verified(out, &verified, &dataset, seconds, verbosity))?;
    }
    Ok(ExitStatus::of(clean))
}

/// Verifies by the checksums that the store has.
fn by_store(
    arguments: &VerifyArguments,
    dataset: &Location,
    verbosity: Verbosity,
) -> anyhow::Result<ExitStatus> {
    let start = Instant::now();
    let report = verify_by_store(&Dataset::open(dataset)?)?;
    let seconds = start.elapsed().as_secs_f64();
    let clean = report.is_clean();
    if arguments.json {
        let more = [("clean", clean.into()), ("seconds", seconds.into())];
        report::json_with(&report, more)?;
    } else {
        report::print(|out| report::verified_by_store(out, &report, dataset, verbosity))?;
    }
    Ok(ExitStatus::of(clean))
}

/// Plans the source with the settings of the dataset.
fn plan_source(
    arguments: &VerifyArguments,
    store: &dyn Store,
    dataset: &Location,
    inputs: &[Location],
) -> anyhow::Result<PlannedInput> {
    let root = read_root(store, &dataset.to_string())?;
    let options = PlanOptions {
        jobs: arguments.jobs,
        profile: arguments.profile.clone().unwrap_or_default(),
        ..plan_options(&root.attributes.settings, arguments.tables()?)
    };
    let prepared = plan_inputs(inputs, options);
    Ok(prepared.map_err(|source| CompareError {
        input: input_names(inputs),
        dataset: dataset.clone(),
        source,
    })?)
}
