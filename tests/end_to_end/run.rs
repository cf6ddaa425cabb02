//! One run of the program.

use std::path::Path;
use std::process::{Command, Output};

use serde_json::Value;

/// The program under test.
pub(super) const PROGRAM: &str = env!("CARGO_BIN_EXE_rxrx2zarr");

/// The signals that stop a conversion, with its exit codes.
#[cfg(target_os = "linux")]
pub(super) const SIGNALS: [(&str, i32); 4] =
    [("INT", 130), ("TERM", 143), ("USR1", 138), ("HUP", 129)];
#[cfg(not(target_os = "linux"))]
pub(super) const SIGNALS: [(&str, i32); 3] = [("INT", 130), ("TERM", 143), ("HUP", 129)];

/// The program, which heeds SIGHUP even if these tests were started with `nohup`.
pub(super) fn program() -> Command {
    if cfg!(target_os = "linux") {
        let mut command = Command::new("env");
        command.args(["--default-signal=HUP", PROGRAM]);
        command
    } else {
        Command::new(PROGRAM)
    }
}

/// The result of a run.
#[derive(Debug)]
pub(super) struct Run {
    pub(super) code: Option<i32>,
    pub(super) stdout: String,
    pub(super) stderr: String,
}

/// Runs the program with `arguments`, which must hold no spaces.
pub(super) fn run<'a>(arguments: impl IntoIterator<Item = &'a str>) -> Run {
    Run::of(Command::new(PROGRAM).args(arguments))
}

/// Runs `convert input output` with `options`, which are split at spaces.
pub(super) fn convert(input: &Path, output: &Path, options: &str) -> Run {
    let command = &mut Command::new(PROGRAM);
    command.arg("convert").arg(input).arg(output);
    Run::of(command.args(options.split_whitespace()))
}

/// Runs `plan input` with `options`, which are split at spaces.
pub(super) fn plan(input: &Path, options: &str) -> Run {
    let command = &mut Command::new(PROGRAM);
    Run::of(
        command
            .arg("plan")
            .arg(input)
            .args(options.split_whitespace()),
    )
}

/// Runs `info dataset` with `options`, which are split at spaces.
pub(super) fn info(dataset: &Path, options: &str) -> Run {
    let command = &mut Command::new(PROGRAM);
    Run::of(
        command
            .arg("info")
            .arg(dataset)
            .args(options.split_whitespace()),
    )
}

/// Runs `verify dataset` with `options`, which are split at spaces.
pub(super) fn verify(dataset: &Path, options: &str) -> Run {
    let command = &mut Command::new(PROGRAM);
    Run::of(
        command
            .arg("verify")
            .arg(dataset)
            .args(options.split_whitespace()),
    )
}

impl Run {
    pub(super) fn of(command: &mut Command) -> Self {
        Self::from(command.output().unwrap())
    }

    /// Demands an exit code.
    #[track_caller]
    pub(super) fn exits_with(self, code: i32) -> Self {
        assert_eq!(self.code, Some(code), "{self:#?}");
        self
    }

    /// Demands that standard error says each of `texts`.
    #[track_caller]
    pub(super) fn reports_each(self, texts: &[&str]) -> Self {
        for text in texts {
            assert!(self.stderr.contains(text), "no {text:?} in {self:#?}");
        }
        self
    }

    /// Demands that standard output says `text`.
    #[track_caller]
    pub(super) fn prints(self, text: &str) -> Self {
        assert!(self.stdout.contains(text), "no {text:?} in {self:#?}");
        self
    }

    /// Standard output as JSON.
    #[track_caller]
    pub(super) fn json(&self) -> Value {
        serde_json::from_str(&self.stdout).unwrap_or_else(|error| panic!("{error}: {self:#?}"))
    }
}

impl From<Output> for Run {
    fn from(output: Output) -> Self {
        Self {
            code: output.status.code(),
            stdout: String::from_utf8(output.stdout).unwrap(),
            stderr: String::from_utf8(output.stderr).unwrap(),
        }
    }
}
