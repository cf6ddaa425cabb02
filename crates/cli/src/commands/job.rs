//! `rxrx2zarr job`: a conversion in parts.

use std::io::Write;
use std::time::Instant;

use rxrx_writer::{
    ConvertError, ConvertOptions, JobError, PartRun, PlanOptions, init_job, job_status, run_part,
    seal_job,
};

use crate::arguments::{
    JobArguments, JobInitArguments, JobRunArguments, JobSealArguments, JobStatusArguments, JobStep,
    PartList,
};
use crate::exit_status::ExitStatus;
use crate::failure::Stopped;
use crate::jobs::jobs_or_cores;
use crate::outcome::Outcome;
use crate::progress::SiteProgress;
use crate::report;
use crate::session::Session;
use crate::signals::StopSignal;
use crate::verbosity::Verbosity;
use crate::with_progress;

pub(crate) fn run(arguments: &JobArguments, session: &Session<'_>) -> anyhow::Result<Outcome> {
    match &arguments.step {
        JobStep::Init(arguments) => init(arguments, session),
        JobStep::Run(arguments) => run_parts(arguments, session),
        JobStep::Status(arguments) => status(arguments),
        JobStep::Seal(arguments) => seal(arguments, session),
    }
}

fn init(arguments: &JobInitArguments, session: &Session<'_>) -> anyhow::Result<Outcome> {
    let console = session.console;
    let output = arguments.output()?;
    let given = PlanOptions {
        jobs: arguments.jobs,
        ..arguments.input.plan_options()?
    };
    let prepared = with_progress::plan(&arguments.inputs(&given)?, given, console)?;
    let description = arguments.input.description.description(&prepared);
    report::warn_unsettled(&prepared.recognised, &description, console);
    let options = ConvertOptions::default()
        .codec(arguments.input.codec)
        .allow_missing(arguments.allow_missing)
        .ignore_space(arguments.ignore_space)
        .description(description);
    let progress = SiteProgress::new(session.console, "planning");
    let started = init_job(&prepared, &output, &options, arguments.parts, &progress);
    progress.finish();
    let started = started?;
    report::problems(prepared.plan.problems(), console);
    report::warn_described_otherwise(&started.described_otherwise, console);
    let fields = report::fields(&started, [])?;
    let text = move |out: &mut dyn Write| report::job_started(out, &started, &output);
    Ok(Outcome::new(ExitStatus::Complete, fields, text))
}

fn run_parts(arguments: &JobRunArguments, session: &Session<'_>) -> anyhow::Result<Outcome> {
    let output = arguments.output()?;
    let input = arguments.job_input()?;
    let parts = match &arguments.parts {
        Some(parts) => parts.clone(),
        None => {
            let (parts, variable) = PartList::of_task()?;
            if session.console.verbosity() > Verbosity::Quiet {
                let numbers: Vec<String> = parts.0.iter().map(usize::to_string).collect();
                let text = format!("part {}, by {variable}", numbers.join(","));
                session.console.line(text);
            }
            parts
        }
    };
    let stop = session.stop()?;
    let options = ConvertOptions::default()
        .jobs(jobs_or_cores(arguments.jobs)?)
        .strict(arguments.strict)
        .scratch(arguments.scratch.clone())
        .memory(arguments.memory.bound())
        .stop(stop.requested())
        .grace(arguments.grace());
    let start = Instant::now();
    let progress = SiteProgress::new(session.console, "converting");
    let runs: Result<Vec<PartRun>, JobError> = parts
        .0
        .iter()
        .map(|part| run_part(&output, *part, &input, &options, &progress))
        .collect();
    progress.finish();
    let runs = runs.map_err(|error| stopped(error, &stop))?;
    let seconds = start.elapsed().as_secs_f64();
    let fields = serde_json::json!({"parts": runs, "seconds": seconds});
    let text = move |out: &mut dyn Write| report::parts_run(out, &runs, &output, seconds);
    Ok(Outcome::new(ExitStatus::Complete, fields, text))
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

fn status(arguments: &JobStatusArguments) -> anyhow::Result<Outcome> {
    let output = arguments.output()?;
    let status = job_status(&output, jobs_or_cores(None)?)?;
    let fields = report::fields(&status, [])?;
    let only_missing = arguments.missing;
    let text = move |out: &mut dyn Write| match status.missing_parts.as_str() {
        "" if only_missing => Ok(()),
        parts if only_missing => writeln!(out, "{parts}"),
        _ => report::job_status(out, &status, &output),
    };
    Ok(Outcome::new(ExitStatus::Complete, fields, text))
}

fn seal(arguments: &JobSealArguments, session: &Session<'_>) -> anyhow::Result<Outcome> {
    let output = arguments.output()?;
    let options = ConvertOptions::default().jobs(jobs_or_cores(arguments.jobs)?);
    let start = Instant::now();
    let progress = SiteProgress::new(session.console, "sealing");
    let sealed = seal_job(&output, &options, &progress);
    progress.finish();
    let (sealed, seconds) = (sealed?, start.elapsed().as_secs_f64());
    let status = ExitStatus::of_planes(sealed.converted.planes);
    let fields = report::fields(&sealed, [("seconds", seconds.into())])?;
    let done = Some(format!("{output} is sealed and complete"));
    let text = move |out: &mut dyn Write| report::job_sealed(out, &sealed, &output, seconds);
    Ok(Outcome {
        done,
        ..Outcome::new(status, fields, text)
    })
}
