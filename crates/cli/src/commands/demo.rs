//! `rxrx2zarr demo`: makes a sample, converts it, and shows how to open it.

use rxrx_writer::{ConvertOptions, Existing, PlanOptions, describe, plan_input};

use crate::arguments::DemoArguments;
use crate::exit_status::ExitStatus;
use crate::jobs::jobs_or_cores;
use crate::report::{self, Console};
use crate::with_progress;
use rxrx_sample::SampleSpec;

pub(crate) fn run(arguments: &DemoArguments, console: Console<'_>) -> anyhow::Result<ExitStatus> {
    let jobs = jobs_or_cores(arguments.jobs)?;
    let input = arguments.dest.join("sample");
    let output = arguments.dest.join("dataset").into();
    // The table is written last: if it exists, the sample is complete.
    let made = if input.join("metadata.csv").is_file() {
        format!("the existing images in {}", input.display())
    } else {
        let spec = SampleSpec {
            sites: arguments.sites.get(),
            ..SampleSpec::default()
        };
        let summary = with_progress::sample(&input, &spec, jobs, console)?;
        format!(
            "{} images of synthetic cells in {}",
            summary.files,
            input.display()
        )
    };
    report::print(|out| writeln!(out, "1. Sample: {made}"))?;

    let planning = PlanOptions {
        jobs: Some(jobs),
        ..PlanOptions::default()
    };
    let prepared = plan_input(&input.as_path().into(), planning)?;
    let options = ConvertOptions::default()
        .jobs(jobs)
        .strict(true)
        .existing(Existing::Replace)
        .description(describe(&prepared));
    let (converted, seconds) = with_progress::convert(&prepared, &output, &options, console)?;
    let printed = report::print(|out| {
        write!(out, "2. Dataset: ")?;
        report::converted(out, &converted, &output, seconds)?;
        writeln!(out, "3. Open it:")?;
        report::how_to_open(out, &output, true)
    });
    if let Err(error) = printed {
        report::warn_not_printed(&format!("{output} is sealed and complete"), error);
    }
    Ok(ExitStatus::of_planes(converted.planes))
}
