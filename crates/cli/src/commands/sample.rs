//! `rxrx2zarr sample`.

use crate::arguments::SampleArguments;
use crate::exit_status::ExitStatus;
use crate::jobs::jobs_or_cores;
use crate::report::{self, Console};
use crate::with_progress;
use rxrx_sample::SampleSpec;

pub(crate) fn run(arguments: &SampleArguments, console: Console<'_>) -> anyhow::Result<ExitStatus> {
    let spec = SampleSpec {
        sites: arguments.sites.get(),
        seed: arguments.seed,
        size: arguments.size,
        flaws: arguments.flaws,
    };
    let dest = &arguments.dest;
    let jobs = jobs_or_cores(arguments.jobs)?;
    let summary = with_progress::sample(dest, &spec, jobs, console)?;
    report::print(|out| report::sample(out, &summary, dest))?;
    Ok(ExitStatus::Complete)
}
