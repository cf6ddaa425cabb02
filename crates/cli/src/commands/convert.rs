//! `rxrx2zarr convert`.

use std::io::Write;
use std::sync::atomic::Ordering;

use rxrx_writer::{
    Codec, ConvertError, ConvertOptions, Description, Existing, Location, MadeWith, PlanOptions,
    PlannedInput, plan_options,
};

use crate::arguments::ConvertArguments;
use crate::exit_status::ExitStatus;
use crate::failure::{Stopped, StoppedEarly};
use crate::jobs::jobs_or_cores;
use crate::outcome::Outcome;
use crate::report::{self, Console};
use crate::session::Session;
use crate::signals::StopSignal;
use crate::with_progress;

pub(crate) fn run(arguments: &ConvertArguments, session: &Session<'_>) -> anyhow::Result<Outcome> {
    if arguments.dry_run {
        return super::plan::dry_run(arguments, session);
    }
    let console = session.console;
    let output = arguments.output()?;
    let planned = plan(arguments, &output, console)?;
    let stop = session.stop()?;
    if stop.requested().load(Ordering::Relaxed) {
        return Err(StoppedEarly.into());
    }
    let options = ConvertOptions::default()
        .codec(planned.codec)
        .jobs(jobs_or_cores(arguments.jobs)?)
        .allow_missing(arguments.allow_missing)
        .strict(arguments.strict)
        .existing(existing(arguments))
        .recheck(arguments.recheck)
        .memory(arguments.memory.bound())
        .lock(arguments.lock())
        .ignore_space(arguments.ignore_space)
        .stop(stop.requested())
        .grace(arguments.grace())
        .description(planned.description);
    let prepared = &planned.prepared;
    let converted = with_progress::convert(prepared, &output, &options, console);
    let (converted, seconds) = converted.map_err(|error| stopped(error, &stop))?;
    report::problems(prepared.plan.problems(), console);
    report::warn_described_otherwise(&converted.described_otherwise, console);
    let status = ExitStatus::of_planes(converted.planes);
    let fields = report::fields(&converted, [("seconds", seconds.into())])?;
    let done = Some(format!("{output} is sealed and complete"));
    let text = move |out: &mut dyn Write| report::converted(out, &converted, &output, seconds);
    Ok(Outcome {
        done,
        ..Outcome::new(status, fields, text)
    })
}

/// Returns what happens to a dataset at OUTPUT.
fn existing(arguments: &ConvertArguments) -> Existing {
    if arguments.overwrite {
        Existing::Replace
    } else if arguments.retry_bad {
        Existing::RetryBad
    } else {
        Existing::Continue
    }
}

/// The input of a conversion, and the options that depend on OUTPUT.
struct Planned {
    prepared: PlannedInput,
    codec: Codec,
    description: Description,
}

/// Plans a conversion by the options of the command line; with `--retry-bad`, by
/// the settings of the dataset at `output`.
fn plan(
    arguments: &ConvertArguments,
    output: &Location,
    console: Console<'_>,
) -> anyhow::Result<Planned> {
    let given = PlanOptions {
        jobs: arguments.jobs,
        ..arguments.input.plan_options()?
    };
    let inputs = arguments.inputs(&given)?;
    if !arguments.retry_bad {
        let prepared = with_progress::plan(&inputs, given, console)?;
        let description = arguments.input.description.description(&prepared);
        report::warn_unsettled(&prepared.recognised, &description, console);
        return Ok(Planned {
            description,
            codec: arguments.input.codec,
            prepared,
        });
    }
    let MadeWith {
        settings,
        description,
    } = MadeWith::at(output)?;
    let options = PlanOptions {
        jobs: given.jobs,
        profile: given.profile,
        ..plan_options(&settings, given.tables)
    };
    Ok(Planned {
        prepared: with_progress::plan(&inputs, options, console)?,
        codec: settings.codec,
        description,
    })
}

/// Adds the number of the signal to the error of a conversion that it stopped.
fn stopped(error: ConvertError, stop: &StopSignal) -> anyhow::Error {
    match (&error, stop.number()) {
        (ConvertError::Interrupted { .. }, Some(signal)) => Stopped { signal, error }.into(),
        _ => error.into(),
    }
}
