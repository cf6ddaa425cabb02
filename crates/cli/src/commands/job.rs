//! `rxrx2zarr job`: a conversion in parts.

use std::time::Instant;

use rxrx_writer::{
    ConvertError, ConvertOptions, JobError, PartRun, PlanOptions, init_job, job_status,
    plan_inputs, run_part, seal_job,
};

use crate::arguments::{
    JobArguments, JobInitArguments, JobRunArguments, JobSealArguments, JobStatusArguments, JobStep,
    PartList,
};
use crate::exit_status::ExitStatus;
use crate::failure::Stopped;
use crate::jobs::jobs_or_cores;
use crate::progress::SiteProgress;
use crate::report;
use crate::signals::StopSignal;
use crate::verbosity::Verbosity;

pub(crate) fn run(arguments: &JobArguments, verbosity: Verbosity) -> anyhow::Result<ExitStatus> {
    match &arguments.step {
        JobStep::Init(arguments) => init(arguments, verbosity),
        JobStep::Run(arguments) => run_parts(arguments, verbosity),
        JobStep::Status(arguments) => status(arguments),
        JobStep::Seal(arguments) => seal(arguments, verbosity),
    }
}

fn init(arguments: &JobInitArguments, verbosity: Verbosity) -> anyhow::Result<ExitStatus> {
    let output = arguments.output()?;
    let given = PlanOptions {
        jobs: arguments.jobs,
        ..arguments.input.plan_options()?
    };
    let prepared = plan_inputs(&arguments.inputs(&given)?, given)?;
    let description = arguments.input.description.description(&prepared);
    report::warn_unsettled(&prepared.recognised, &description, verbosity);
    let options = ConvertOptions::default()
        .codec(arguments.input.codec)
        .allow_missing(arguments.allow_missing)
        .ignore_space(arguments.ignore_space)
        .description(description);
    let progress = SiteProgress::new(verbosity);
    let started = init_job(&prepared, &output, &options, arguments.parts, &progress);
    progress.finish();
    let started = started?;
    report::problems(prepared.plan.problems(), verbosity);
    report::warn_described_otherwise(&started.described_otherwise);
    if arguments.json {
        report::json(&started)?;
    } else {
        report::print(|out| report::job_started(out, &started, &output))?;
    }
    Ok(ExitStatus::Complete)
}

fn run_parts(arguments: &JobRunArguments, verbosity: Verbosity) -> anyhow::Result<ExitStatus> {
    let output = arguments.output()?;
    let input = arguments.job_input()?;
    let parts = match &arguments.parts {
        Some(parts) => parts.clone(),
        None => {
            let (parts, variable) = PartList::of_task()?;
            if verbosity > Verbosity::Quiet {
                let numbers: Vec<String> = parts.0.iter().map(usize::to_string).collect();
                report::line(format!("part {}, by {variable}", numbers.join(",")));
            }
            parts
        }
    };
    let stop = StopSignal::install()?;
    let options = ConvertOptions::default()
        .jobs(jobs_or_cores(arguments.jobs)?)
        .strict(arguments.strict)
        .memory(arguments.memory.bound())
        .stop(stop.requested())
        .grace(arguments.grace());
    let start = Instant::now();
    let progress = SiteProgress::new(verbosity);
    let runs: Result<Vec<PartRun>, JobError> = parts
        .0
        .iter()
        .map(|part| run_part(&output, *part, &input, &options, &progress))
        .collect();
    progress.finish();
    let runs = runs.map_err(|error| stopped(error, &stop))?;
    let seconds = start.elapsed().as_secs_f64();
    if arguments.json {
        let parts = serde_json::to_value(&runs)?;
        report::json_with(
            &serde_json::json!({}),
            [("parts", parts), ("seconds", seconds.into())],
        )?;
    } else {
        report::print(|out| report::parts_run(out, &runs, &output, seconds))?;
    }
    Ok(ExitStatus::Complete)
}

/// Adds the number of the signal to the error of a worker that it stopped.
fn stopped(error: JobError, stop: &StopSignal) -> anyhow::Error {
    match (error, stop.number()) {
        (JobError::Convert(error @ ConvertError::Interrupted { .. }), Some(signal)) => {
            Stopped { signal, error }.into()
        }
        (error, _) => error.into(),
    }
}

fn status(arguments: &JobStatusArguments) -> anyhow::Result<ExitStatus> {
    let output = arguments.output()?;
    let status = job_status(&output, jobs_or_cores(None)?)?;
    if arguments.json {
        report::json(&status)?;
    } else if arguments.missing {
        report::print(|out| match status.missing_parts.as_str() {
            "" => Ok(()),
            parts => writeln!(out, "{parts}"),
        })?;
    } else {
        report::print(|out| report::job_status(out, &status, &output))?;
    }
    Ok(ExitStatus::Complete)
}

fn seal(arguments: &JobSealArguments, verbosity: Verbosity) -> anyhow::Result<ExitStatus> {
    let output = arguments.output()?;
    let options = ConvertOptions::default().jobs(jobs_or_cores(arguments.jobs)?);
    let start = Instant::now();
    let progress = SiteProgress::new(verbosity);
    let sealed = seal_job(&output, &options, &progress);
    progress.finish();
    let (sealed, seconds) = (sealed?, start.elapsed().as_secs_f64());
    let printed = if arguments.json {
        report::json_with(&sealed, [("seconds", seconds.into())])
    } else {
        report::print(|out| report::job_sealed(out, &sealed, &output, seconds)).map_err(Into::into)
    };
    report::warn_unless_printed(printed, &format!("{output} is sealed and complete"));
    Ok(ExitStatus::of_planes(sealed.converted.planes))
}
