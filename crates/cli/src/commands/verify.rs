//! `rxrx2zarr verify`.

use std::io::Write;
use std::time::Instant;

use rxrx_reader::{Dataset, read_root};
use rxrx_writer::{
    Location, PlanOptions, PlannedInput, Store, VerifyError, VerifyOptions, input_names,
    open_store, plan_options, verify_by_store,
};

use crate::arguments::VerifyArguments;
use crate::exit_status::ExitStatus;
use crate::failure::{CompareError, no_dataset};
use crate::jobs::jobs_or_cores;
use crate::outcome::Outcome;
use crate::report::{self, Console};
use crate::session::Session;
use crate::verbosity::Verbosity;
use crate::with_progress;

pub(crate) fn run(arguments: &VerifyArguments, session: &Session<'_>) -> anyhow::Result<Outcome> {
    let console = session.console;
    let verbosity = console.verbosity();
    let dataset = arguments.dataset()?;
    if arguments.no_download {
        return by_store(dataset, verbosity);
    }
    let store = open_store(&dataset)?;
    let store = store.as_ref();
    let source = match arguments.sources()? {
        inputs if inputs.is_empty() => None,
        inputs => Some(plan_source(arguments, store, &dataset, &inputs, console)?),
    };
    let options = VerifyOptions {
        jobs: jobs_or_cores(arguments.jobs)?,
        memory: arguments.memory.bound(),
        independent: arguments.independent,
    };
    let name = dataset.to_string();
    let verified = with_progress::verify(store, &name, source.as_ref(), &options, console);
    let (verified, seconds) = verified.map_err(|error| match error {
        VerifyError::Dataset(error) => no_dataset(&dataset, error),
        error => error.into(),
    })?;
    let clean = verified.is_clean();
    let more = [("clean", clean.into()), ("seconds", seconds.into())];
    let fields = report::fields(&verified, more)?;
    let text =
        move |out: &mut dyn Write| report::verified(out, &verified, &dataset, seconds, verbosity);
    Ok(Outcome::new(ExitStatus::of(clean), fields, text))
}

/// Verifies by the checksums that the store has.
fn by_store(dataset: Location, verbosity: Verbosity) -> anyhow::Result<Outcome> {
    let start = Instant::now();
    let report = verify_by_store(&Dataset::open(&dataset)?)?;
    let seconds = start.elapsed().as_secs_f64();
    let clean = report.is_clean();
    let more = [("clean", clean.into()), ("seconds", seconds.into())];
    let fields = report::fields(&report, more)?;
    let text =
        move |out: &mut dyn Write| report::verified_by_store(out, &report, &dataset, verbosity);
    Ok(Outcome::new(ExitStatus::of(clean), fields, text))
}

/// Plans the source with the settings of the dataset.
fn plan_source(
    arguments: &VerifyArguments,
    store: &dyn Store,
    dataset: &Location,
    inputs: &[Location],
    console: Console<'_>,
) -> anyhow::Result<PlannedInput> {
    let root = read_root(store, &dataset.to_string())?;
    let options = PlanOptions {
        jobs: arguments.jobs,
        profile: arguments.profile.clone().unwrap_or_default(),
        ..plan_options(&root.attributes.settings, arguments.tables()?)
    };
    let prepared = with_progress::plan(inputs, options, console);
    Ok(prepared.map_err(|source| CompareError {
        input: input_names(inputs),
        dataset: dataset.clone(),
        source,
    })?)
}
