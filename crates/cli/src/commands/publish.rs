//! `rxrx2zarr publish`.

use crate::arguments::PublishArguments;
use crate::exit_status::ExitStatus;
use crate::report;
use crate::verbosity::Verbosity;
use crate::with_progress;

pub(crate) fn run(
    arguments: &PublishArguments,
    verbosity: Verbosity,
) -> anyhow::Result<ExitStatus> {
    let (dataset, url) = (arguments.dataset()?, arguments.url()?);
    let options = arguments.options();
    let (published, seconds) = with_progress::publish(&dataset, &url, options, verbosity)?;
    let printed = if arguments.json {
        report::json_with(&published, [("seconds", seconds.into())])
    } else {
        report::print(|out| {
            if options.dry_run {
                return report::to_publish(out, &published, &url);
            }
            report::published(out, &published, &url, seconds)?;
            report::how_to_open(out, &url, true)
        })
        .map_err(Into::into)
    };
    if options.dry_run {
        printed?;
    } else {
        report::warn_unless_printed(printed, &format!("{url} is published and complete"));
    }
    Ok(ExitStatus::Complete)
}
