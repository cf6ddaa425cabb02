//! `rxrx2zarr publish`.

use std::process::ExitCode;
use std::time::Instant;

use rxrx_writer::publish;

use crate::arguments::{PublishArguments, Verbosity};
use crate::progress::ObjectProgress;
use crate::report;
use crate::report::how_to_open::how_to_open;

pub(crate) fn run(arguments: &PublishArguments, verbosity: Verbosity) -> anyhow::Result<ExitCode> {
    let (dataset, url) = (arguments.dataset()?, arguments.url()?);
    let options = arguments.options();
    let start = Instant::now();
    let progress = ObjectProgress::new(verbosity);
    let published = publish(&dataset, &url, options, &progress);
    progress.finish();
    let (published, seconds) = (published?, start.elapsed().as_secs_f64());
    if arguments.json {
        report::json(&published, [("seconds", seconds.into())])?;
    } else {
        report::published(&published, &url, options.dry_run, seconds)?;
        if !options.dry_run {
            how_to_open(&url)?;
        }
    }
    Ok(ExitCode::SUCCESS)
}
