//! `rxrx2zarr clean`.

use std::io::Write;

use rxrx_writer::clean;

use crate::arguments::CleanArguments;
use crate::exit_status::ExitStatus;
use crate::outcome::Outcome;
use crate::progress::ObjectProgress;
use crate::report;
use crate::session::Session;

pub(crate) fn run(arguments: &CleanArguments, session: &Session<'_>) -> anyhow::Result<Outcome> {
    let (output, options) = (arguments.output()?, arguments.options());
    let progress = ObjectProgress::new(session.console);
    let cleaned = clean(&output, options, &progress);
    progress.finish();
    let cleaned = cleaned?;
    let fields = report::fields(&cleaned, [])?;
    let text = move |out: &mut dyn Write| report::cleaned(out, &cleaned, &output, options.dry_run);
    Ok(Outcome::new(ExitStatus::Complete, fields, text))
}
