//! What people type for options and commands that have another name here.

use clap::error::{ContextKind, ContextValue, ErrorKind};

/// Says which option does what a mistyped one means elsewhere. What replaces something, or
/// skips a check, is only named: no other name does it.
fn advice(typed: &str) -> Option<&'static str> {
    Some(match typed {
        "-f" | "--force" | "-y" | "--yes" => {
            "--overwrite replaces a dataset, --retry-bad converts its bad images again, \
             --ignore-space begins although the disk seems too small, --allow-missing converts \
             although images are missing"
        }
        "--resume" | "--continue" => "the same command continues an interrupted run",
        "--output" | "--out" | "-o" => "OUTPUT is the last argument, without an option",
        "--input" | "-i" => "INPUT is an argument without an option",
        "--zarr-format" | "--zarr-version" => "the array is Zarr 3",
        "--compression-level" | "--level" => "a codec has no levels: --codec chooses one",
        _ => return None,
    })
}

/// Adds to an error of clap what the mistyped argument is called here, and the variables that
/// gave options their values.
pub(super) fn with_advice(error: clap::Error, variables: &[String]) -> clap::Error {
    if !error.use_stderr() {
        return error;
    }
    let typed = match error.get(ContextKind::InvalidArg) {
        Some(ContextValue::String(typed)) if error.kind() == ErrorKind::UnknownArgument => {
            advice(typed).map(|advice| (typed, advice))
        }
        _ => None,
    };
    let rendered = match typed {
        Some((typed, advice)) => format!(
            "unexpected argument '{typed}' found\n\n  tip: {advice}\n\n\
             For more information, try '--help'.\n"
        ),
        None if variables.is_empty() => return error,
        None => {
            let text = error.render().to_string();
            text.strip_prefix("error: ").unwrap_or(&text).to_owned()
        }
    };
    let note = match variables {
        [] => String::new(),
        variables => format!("\nset by the environment: {}\n", variables.join(", ")),
    };
    clap::Error::raw(error.kind(), rendered + &note)
}
