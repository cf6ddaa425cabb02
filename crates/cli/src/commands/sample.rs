//! `rxrx2zarr sample`.

use std::fs;
use std::io::{Write, stdout};
use std::num::NonZeroUsize;
use std::path::Path;
use std::process::ExitCode;

use anyhow::Context;
use rxrx_writer::Description;

use super::convert::jobs;
use crate::arguments::{SampleArguments, Verbosity};
use crate::progress::FileProgress;
use crate::report::bytes;
use crate::sample::{SampleSpec, SampleSummary, write_sample};

pub(crate) fn run(arguments: &SampleArguments, verbosity: Verbosity) -> anyhow::Result<ExitCode> {
    let spec = SampleSpec {
        sites: arguments.sites.get(),
        seed: arguments.seed,
        size: arguments.size,
    };
    let dest = &arguments.dest;
    let summary = sample_with_progress(dest, &spec, jobs(arguments.jobs)?, verbosity)?;
    let mut out = stdout();
    writeln!(
        out,
        "{}: {} sites of {}, {} images, {}",
        dest.display(),
        summary.sites,
        summary.experiments.join(", "),
        summary.files,
        bytes(summary.bytes)
    )?;
    writeln!(
        out,
        "Convert it:  rxrx2zarr convert {0} {0}-zarr",
        dest.display()
    )?;
    Ok(ExitCode::SUCCESS)
}

/// Writes a sample, which says itself that it is one, while drawing progress.
pub(crate) fn sample_with_progress(
    dest: &Path,
    spec: &SampleSpec,
    jobs: NonZeroUsize,
    verbosity: Verbosity,
) -> anyhow::Result<SampleSummary> {
    let progress = FileProgress::new("making images", verbosity);
    let summary = write_sample(dest, spec, jobs, &|done, of| progress.set(done, of));
    progress.finish();
    let summary = summary?;
    let path = dest.join(Description::FILE);
    let description = serde_json::to_string_pretty(&Description::look_alike())?;
    fs::write(&path, description + "\n")
        .with_context(|| format!("cannot write {}", path.display()))?;
    Ok(summary)
}
