//! `rxrx2zarr demo`: the whole way on data that it makes itself.

use std::io::{Write, stdout};
use std::process::ExitCode;
use std::sync::Arc;

use rxrx_writer::{Codec, ConvertOptions, PlanOptions, Prepared};

use super::convert::{convert_with_progress, exit_code, jobs};
use super::sample::sample_with_progress;
use crate::arguments::{DemoArguments, Verbosity};
use crate::report;
use crate::report::how_to_open::how_to_open;
use crate::sample::SampleSpec;

pub(crate) fn run(arguments: &DemoArguments, verbosity: Verbosity) -> anyhow::Result<ExitCode> {
    let input = arguments.dest.join("sample");
    let output = arguments.dest.join("dataset").into();
    let mut out = stdout();
    let jobs = jobs(arguments.jobs)?;
    // The table is written last: where it is, the sample is whole.
    if input.join("metadata.csv").is_file() {
        writeln!(out, "1. Sample: the one in {}", input.display())?;
    } else {
        let spec = SampleSpec {
            sites: arguments.sites.get(),
            ..SampleSpec::default()
        };
        let summary = sample_with_progress(&input, &spec, jobs, verbosity)?;
        writeln!(
            out,
            "1. Sample: {} images of synthetic cells in {}",
            summary.files,
            input.display()
        )?;
    }

    let prepared = Prepared::open(&input.as_path().into(), PlanOptions::default())?;
    let options = ConvertOptions {
        codec: Codec::default(),
        jobs,
        allow_missing: false,
        strict: true,
        overwrite: true,
        retry_bad: false,
        recheck: false,
        stop: Arc::default(),
        description: prepared.description()?,
    };
    let (converted, seconds) = convert_with_progress(&prepared, &output, &options, verbosity)?;
    write!(out, "2. ")?;
    report::converted(&converted, &output, seconds)?;
    writeln!(out, "3. Open it.")?;
    how_to_open(&output)?;
    Ok(exit_code(&converted))
}
