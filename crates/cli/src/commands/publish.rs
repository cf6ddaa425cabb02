//! `rxrx2zarr publish`.

use std::io::Write;

use crate::arguments::PublishArguments;
use crate::exit_status::ExitStatus;
use crate::outcome::Outcome;
use crate::report;
use crate::session::Session;
use crate::with_progress;

pub(crate) fn run(arguments: &PublishArguments, session: &Session<'_>) -> anyhow::Result<Outcome> {
    let (dataset, url) = (arguments.dataset()?, arguments.url()?);
    let options = arguments.options();
    let (published, seconds) = with_progress::publish(&dataset, &url, options, session.console)?;
    let fields = report::fields(&published, [("seconds", seconds.into())])?;
    let done = (!options.dry_run).then(|| format!("{url} is published and complete"));
    let text = move |out: &mut dyn Write| {
        if options.dry_run {
            return report::to_publish(out, &published, &url);
        }
        report::published(out, &published, &url, seconds)?;
        report::how_to_open(out, &url, true)
    };
    Ok(Outcome {
        done,
        ..Outcome::new(ExitStatus::Complete, fields, text)
    })
}
