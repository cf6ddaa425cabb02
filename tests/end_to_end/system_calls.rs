//! System calls of the program that are recorded, or that fail: `system_calls.c` is
//! compiled and preloaded.
#![cfg(all(target_os = "linux", target_env = "gnu"))]

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use tempfile::TempDir;

use super::run::Run;

/// The compiled library.
pub(super) struct SystemCalls {
    folder: TempDir,
}

/// A call that succeeded, or that was made to fail. Paths are relative to the folder of which calls are recorded.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Call {
    /// A file was made.
    Create(String),
    /// A folder was made.
    Mkdir(String),
    /// A name of a file or a folder was removed.
    Unlink(String),
    /// A name was replaced by another one.
    Rename(String, String),
    /// A file got a second name.
    Link(String, String),
    /// Bytes were written at an offset.
    Write(String, usize, Vec<u8>),
    /// A file was cut or lengthened.
    Length(String, usize),
    /// The bytes of a file or the names of a folder were flushed.
    Flush(String),
    /// A call on this file or folder was made to fail.
    Fail(String),
}

impl SystemCalls {
    pub(super) fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let source =
            Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/end_to_end/system_calls.c");
        let mut compiler = Command::new(std::env::var_os("CC").unwrap_or_else(|| "cc".into()));
        compiler.args(["-O1", "-shared", "-fPIC", "-o"]);
        compiler
            .arg(folder.path().join("system_calls.so"))
            .arg(source);
        assert!(
            compiler
                .args(["-ldl", "-lpthread"])
                .status()
                .unwrap()
                .success()
        );
        Self { folder }
    }

    /// Lets calls of `command` fail that concern files below `under`: `faults` are
    /// settings of `system_calls.c`.
    pub(super) fn fail(&self, command: &mut Command, under: &Path, faults: &[(&str, &str)]) {
        command.env("LD_PRELOAD", self.folder.path().join("system_calls.so"));
        command.env("RECORD_UNDER", fs::canonicalize(under).unwrap());
        command.envs(faults.iter().copied());
    }

    /// Runs `command` with `faults`. Returns the result and what was made to fail below
    /// `under`.
    pub(super) fn run_with(
        &self,
        command: &mut Command,
        under: &Path,
        faults: &[(&str, &str)],
    ) -> (Run, Vec<String>) {
        let log = self.folder.path().join("log");
        self.fail(command, under, faults);
        let run = Run::of(command.env("RECORD_TO", &log));
        let calls = parse(&fs::read(&log).unwrap()).into_iter();
        fs::remove_file(log).unwrap();
        let failed = calls.filter_map(|call| match call {
            Call::Fail(path) => Some(path),
            _ => None,
        });
        (run, failed.collect())
    }

    /// Runs `command`, which must end with `code`, and returns its calls that concern
    /// files below `under`.
    #[track_caller]
    pub(super) fn record(&self, command: &mut Command, under: &Path, code: i32) -> Vec<Call> {
        let log: PathBuf = self.folder.path().join("log");
        self.fail(command, under, &[]);
        let ended = command.env("RECORD_TO", &log).output().unwrap();
        assert_eq!(ended.status.code(), Some(code), "{ended:?}");
        let calls = parse(&fs::read(&log).unwrap());
        fs::remove_file(log).unwrap();
        calls
    }
}

fn parse(mut log: &[u8]) -> Vec<Call> {
    let mut calls = Vec::new();
    while !log.is_empty() {
        let end = log.iter().position(|byte| *byte == b'\n').unwrap();
        let line = std::str::from_utf8(&log[..end]).unwrap();
        log = &log[end + 1..];
        let (call, rest) = line.split_once(' ').unwrap();
        let number_and = |text: &str| {
            let (number, rest) = text.split_once(' ').unwrap();
            (number.parse::<usize>().unwrap(), rest.to_owned())
        };
        calls.push(match call {
            "create" => Call::Create(rest.to_owned()),
            "mkdir" => Call::Mkdir(rest.to_owned()),
            "unlink" => Call::Unlink(rest.to_owned()),
            "flush" => Call::Flush(rest.to_owned()),
            "fail" => Call::Fail(rest.to_owned()),
            "rename" | "link" => {
                let (old, new) = rest.split_once('\t').unwrap();
                let (old, new) = (old.to_owned(), new.to_owned());
                match call {
                    "rename" => Call::Rename(old, new),
                    _ => Call::Link(old, new),
                }
            }
            "length" => {
                let (length, path) = number_and(rest);
                Call::Length(path, length)
            }
            "write" => {
                let (offset, rest) = number_and(rest);
                let (length, path) = number_and(&rest);
                let (bytes, after) = log.split_at(length);
                log = after;
                Call::Write(path, offset, bytes.to_vec())
            }
            other => panic!("unknown call {other}"),
        });
    }
    calls
}
