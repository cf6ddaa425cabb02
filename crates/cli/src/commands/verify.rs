//! `rxrx2zarr verify`.

use std::process::ExitCode;
use std::time::Instant;

use anyhow::Context;
use rxrx_reader::DatasetInfo;
use rxrx_writer::{Location, PlannedInput, Store, VerifyOptions, open_store, plan_options, verify};

use super::convert::jobs;
use crate::arguments::{Verbosity, VerifyArguments};
use crate::progress::Progress;
use crate::report;

pub(crate) fn run(arguments: &VerifyArguments, verbosity: Verbosity) -> anyhow::Result<ExitCode> {
    let location = arguments.dataset()?;
    let store = open_store(&location)?;
    let store = store.as_ref();
    let dataset = location.to_string();
    let source = arguments.source()?;
    let source = source
        .as_ref()
        .map(|input| prepare(arguments, store, &dataset, input));
    let source = source.transpose()?;
    let options = VerifyOptions {
        jobs: jobs(arguments.jobs)?,
    };
    let start = Instant::now();
    let progress = Progress::new(verbosity);
    let verified = verify(store, &dataset, source.as_ref(), &options, &progress);
    progress.finish();
    let (verified, seconds) = (verified?, start.elapsed().as_secs_f64());
    if arguments.json {
        let clean = verified.is_clean();
        report::json(
            &verified,
            [("clean", clean.into()), ("seconds", seconds.into())],
        )?;
    } else {
        report::verified(&verified, &location, seconds, verbosity)?;
    }
    Ok(if verified.is_clean() {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

/// Plans the source as the dataset was planned.
fn prepare(
    arguments: &VerifyArguments,
    store: &dyn Store,
    dataset: &str,
    input: &Location,
) -> anyhow::Result<PlannedInput> {
    let settings = DatasetInfo::read(store, dataset)?.attributes.settings;
    let options = plan_options(&settings, arguments.metadata()?);
    // Not an error of usage: the settings are the dataset's own.
    let prepared = PlannedInput::open(input, options)
        .map_err(|error| anyhow::Error::msg(format!("{:#}", anyhow::Error::from(error))));
    prepared.with_context(|| format!("cannot compare with {} by the settings of {dataset}", input))
}
