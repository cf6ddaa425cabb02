//! `rxrx2zarr convert`.

use std::num::NonZeroUsize;
use std::process::ExitCode;
use std::thread::available_parallelism;
use std::time::Instant;

use anyhow::Context;
use rxrx_writer::{
    ConvertError, ConvertOptions, Converted, Location, MadeWith, PlanOptions, Prepared, convert,
};

use crate::arguments::{ConvertArguments, Verbosity};
use crate::progress::Progress;
use crate::report;
use crate::signals::Stop;

/// Sealed, but not every image could be used.
const INCOMPLETE: u8 = 3;

pub(crate) fn run(arguments: &ConvertArguments, verbosity: Verbosity) -> anyhow::Result<ExitCode> {
    let input = &arguments.input;
    let output = arguments.output()?;
    let made_with = if arguments.retry_bad {
        Some(MadeWith::at(&output)?)
    } else {
        None
    };
    let plan_options = match &made_with {
        Some(made) => {
            let given = input.plan_options()?;
            PlanOptions {
                embeddings: given.embeddings,
                ..made.settings.plan_options(given.metadata)
            }
        }
        None => input.plan_options()?,
    };
    let prepared = Prepared::open(&input.input()?, plan_options)?;
    let (codec, description) = match made_with {
        Some(made) => (made.settings.codec, made.description),
        None => (input.codec, arguments.description(&prepared)?),
    };
    // From here on there is work in hand.
    let stop = Stop::on_signals().context("cannot listen to signals")?;
    let options = ConvertOptions {
        codec,
        jobs: jobs(arguments.jobs)?,
        allow_missing: arguments.allow_missing,
        strict: arguments.strict,
        overwrite: arguments.overwrite,
        retry_bad: arguments.retry_bad,
        recheck: arguments.recheck,
        stop: stop.asked(),
        description,
    };
    let outcome = convert_with_progress(&prepared, &output, &options, verbosity);
    if let Err(error) = &outcome
        && let Some(ConvertError::Interrupted { .. }) = error.downcast_ref()
    {
        report::warning(&format!("{error}; {CONTINUE}"));
        return Ok(ExitCode::from(stop.exit_code()));
    }
    let (converted, seconds) = outcome.inspect_err(explain)?;
    report::problems(prepared.plan.problems(), verbosity);
    if arguments.json {
        report::json(&converted, [("seconds", seconds.into())])?;
    } else {
        report::converted(&converted, &output, seconds)?;
    }
    Ok(exit_code(&converted))
}

/// How to go on after a stop.
const CONTINUE: &str = "nothing is lost: the same command continues";

/// What the error itself leaves out: which images are missing or do not fit,
/// and what is left of work that was begun.
fn explain(error: &anyhow::Error) {
    match error.downcast_ref() {
        Some(ConvertError::Missing { problems, .. } | ConvertError::Refused { problems }) => {
            report::refusal(problems);
        }
        Some(ConvertError::Pipeline(_) | ConvertError::Seal(_)) => {
            report::warning(&format!(
                "the output is unfinished and not sealed; {CONTINUE} once the cause is removed"
            ));
        }
        _ => {}
    }
}

/// Converts while drawing progress; also returns the seconds that it took.
pub(crate) fn convert_with_progress(
    prepared: &Prepared,
    output: &Location,
    options: &ConvertOptions,
    verbosity: Verbosity,
) -> anyhow::Result<(Converted, f64)> {
    let start = Instant::now();
    let progress = Progress::new(verbosity);
    let converted = convert(prepared, output, options, &progress);
    progress.finish();
    Ok((converted?, start.elapsed().as_secs_f64()))
}

pub(crate) fn exit_code(converted: &Converted) -> ExitCode {
    if converted.planes.is_complete() {
        ExitCode::SUCCESS
    } else {
        ExitCode::from(INCOMPLETE)
    }
}

/// The number of worker threads: as told, or all cores.
pub(crate) fn jobs(told: Option<NonZeroUsize>) -> anyhow::Result<NonZeroUsize> {
    told.map_or_else(
        || {
            available_parallelism()
                .context("cannot tell how many cores there are: say so with --jobs")
        },
        Ok,
    )
}
