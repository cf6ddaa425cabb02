//! `rxrx2zarr clean`.

use rxrx_writer::clean;

use crate::arguments::CleanArguments;
use crate::exit_status::ExitStatus;
use crate::progress::ObjectProgress;
use crate::report;
use crate::verbosity::Verbosity;

pub(crate) fn run(arguments: &CleanArguments, verbosity: Verbosity) -> anyhow::Result<ExitStatus> {
    let (output, options) = (arguments.output()?, arguments.options());
    let progress = ObjectProgress::new(verbosity);
    let cleaned = clean(&output, options, &progress);
    progress.finish();
    let cleaned = cleaned?;
    if arguments.json {
        report::json(&cleaned)?;
    } else {
        report::print(|out| report::cleaned(out, &cleaned, &output, options.dry_run))?;
    }
    Ok(ExitStatus::Complete)
}
