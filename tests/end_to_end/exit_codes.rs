//! The program against `docs/json.md`: each exit code of each command, and each
//! field of each `--json` output.
#![cfg(unix)]

mod document;
mod fields;
mod json_of_commands;
mod s3;

use std::collections::BTreeSet;
use std::fs;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use serde_json::Value;

use super::input::{Input, Spec};
use super::run::{PROGRAM, Run, SIGNALS, convert, info, plan, program, run, verify};
use document::Section;
use fields::holds_failure;
use s3::Server;

/// Five sites in three shards, an image missing and another one corrupt.
fn with_gaps() -> Input {
    let input = Input::of_sites(5);
    fs::remove_file(input.image(1, 3)).unwrap();
    fs::write(input.image(3, 6), b"no image").unwrap();
    input
}

const GAPS: &str = "--allow-missing --shard-sites 2";

/// A conversion of [`with_gaps`], which has an exit code of its own.
fn converted_with_gaps() -> (Input, Value) {
    let input = with_gaps();
    let run = convert(&input.root(), &input.output(), &format!("{GAPS} --json"));
    let told = run.exits_with(3).json();
    (input, told)
}

fn publish(dataset: &Path, url: &str, options: &str) -> Run {
    let mut command = Command::new(PROGRAM);
    command.env("AWS_ACCESS_KEY_ID", "key");
    command.env("AWS_SECRET_ACCESS_KEY", "secret");
    command.arg("publish").arg(dataset).arg(url);
    Run::of(command.args(options.split_whitespace()))
}

/// A conversion that stops at the second of its three sites.
fn unfinished() -> Input {
    let input = Input::of_sites(5);
    fs::write(input.image(1, 1), b"no image").unwrap();
    let rows = "--include HUVEC-01 --exclude well=B10";
    let options = &format!("--strict --tile 8 --shard-sites 1 --jobs 1 {rows}");
    convert(&input.root(), &input.output(), options).exits_with(1);
    input
}

/// A conversion of many shards, which `then` may send signals.
fn running<T>(then: impl FnOnce(&Input, &dyn Fn(&str)) -> T) -> (Run, T) {
    let input = Input::new(Spec {
        sites: 150,
        channels: vec![1, 2],
        ..Spec::default()
    });
    let mut command = program();
    command.arg("convert").arg(input.root()).arg(input.output());
    command.args(["--json", "--shard-sites", "1", "--jobs", "1"]);
    let pipes = command.stdout(Stdio::piped()).stderr(Stdio::piped());
    let child = pipes.spawn().unwrap();
    let units = input.beside("out.rxrx2zarr/units");
    let start = Instant::now();
    while fs::read_dir(&units).map_or(0, Iterator::count) < 3 {
        assert!(start.elapsed() < Duration::from_secs(60), "nothing is done");
        thread::sleep(Duration::from_millis(1));
    }
    let pid = child.id().to_string();
    let told = then(&input, &|signal| {
        let sent = Command::new("kill").args(["-s", signal, &pid]).status();
        assert!(sent.unwrap().success());
    });
    (Run::from(child.wait_with_output().unwrap()), told)
}

/// A server of a dataset, which a signal ends as soon as it listens, and its first line.
fn served(dataset: &Path, signal: &str) -> (Run, Value) {
    let mut command = program();
    command.arg("serve").arg(dataset).arg("--json");
    let pipes = command.stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = pipes.spawn().unwrap();
    let mut line = String::new();
    let mut output = BufReader::new(child.stdout.take().unwrap());
    output.read_line(&mut line).unwrap();
    let pid = child.id().to_string();
    let sent = Command::new("kill").args(["-s", signal, &pid]).status();
    assert!(sent.unwrap().success());
    let ended = Run::from(child.wait_with_output().unwrap());
    (ended, serde_json::from_str(&line).unwrap())
}

/// Demands that a command failed with one documented JSON object on standard
/// output, and with the same text on standard error; returns the kind.
#[track_caller]
fn fails(run: Run, code: i32) -> String {
    let run = run.exits_with(code);
    let told = run.json();
    holds_failure(&told);
    assert_eq!(told["exit_code"], code, "{run:#?}");
    let error = &told["error"];
    let message = error["message"].as_str().unwrap();
    // Clap puts each missing argument on a line of its own.
    let stderr = run.stderr.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(stderr.contains(message), "{message} is not in {run:#?}");
    for cause in error["causes"].as_array().unwrap() {
        assert!(run.stderr.contains(cause.as_str().unwrap()), "{run:#?}");
    }
    error["kind"].as_str().unwrap().to_owned()
}

/// The commands that print JSON, each with paths that do not exist.
const WITH_JSON: [&[&str]; 9] = [
    &["convert", "no-input", "no-output"],
    &["plan", "no-input"],
    &["verify", "no-dataset"],
    &["info", "no-dataset"],
    &["report", "no-dataset"],
    &[
        "montage",
        "no-dataset",
        "--site",
        "x",
        "--output",
        "no-folder/x.png",
    ],
    &["serve", "no-dataset"],
    &["publish", "no-dataset", "s3://bucket/name"],
    &["clean", "no-dataset"],
];

/// The steps of a job, with paths that do not exist.
const JOB_STEPS: [&[&str]; 4] = [
    &["job", "init", "no-input", "no-output", "--parts", "2"],
    &["job", "run", "no-output", "0"],
    &["job", "status", "no-output"],
    &["job", "seal", "no-output"],
];

#[test]
fn wrong_usage_is_printed_as_json() {
    for arguments in JOB_STEPS {
        assert_eq!(
            fails(run([arguments[0], arguments[1], "--json"]), 2),
            "usage"
        );
    }
    assert_eq!(
        fails(run(["job", "run", "no-output", "--json"]), 2),
        "usage"
    );
    for arguments in WITH_JSON {
        // Without its arguments, and with an option that does not exist.
        assert_eq!(fails(run([arguments[0], "--json"]), 2), "usage");
        let unknown = arguments.iter().copied().chain(["--json", "--fast"]);
        assert_eq!(fails(run(unknown), 2), "usage");
    }
    // The program finds these out, not clap.
    for arguments in [
        &["plan", "ftp://host/name", "--json"][..],
        &["info", "s3://", "--json"],
        &["publish", "no-dataset", "folder", "--json"],
        &["verify", "no-dataset", "--store-option", "x", "--json"],
    ] {
        assert_eq!(fails(run(arguments.iter().copied()), 2), "usage");
    }
    let input = Input::of_sites(2);
    for options in [
        "--chunk-sites 3 --shard-sites 64 --json",
        "--include colour=red --json",
    ] {
        assert_eq!(fails(plan(&input.root(), options), 2), "usage");
    }
    // Behind `--`, it is not an option.
    let run = run(["info", "--", "a", "--json"]).exits_with(2);
    assert_eq!(run.stdout, "");
}

#[test]
fn failures_are_printed_as_json() {
    for arguments in WITH_JSON {
        let arguments = arguments.iter().copied().chain(["--json"]);
        assert_eq!(fails(run(arguments), 1), "input");
    }
    for (arguments, kind) in JOB_STEPS
        .into_iter()
        .zip(["input", "output", "output", "output"])
    {
        let arguments = arguments.iter().copied().chain(["--json"]);
        assert_eq!(fails(run(arguments), 1), kind);
    }
    let input = with_gaps();
    let output = input.output();
    assert_eq!(fails(convert(&input.root(), &output, "--json"), 1), "input");
    let options = "--allow-missing --strict --json";
    assert_eq!(fails(convert(&input.root(), &output, options), 1), "input");

    let foreign = input.beside("foreign");
    fs::create_dir(&foreign).unwrap();
    fs::write(foreign.join("notes.tex"), "text of a user").unwrap();
    let run = convert(&input.root(), &foreign, "--allow-missing --json");
    assert_eq!(fails(run, 1), "output");

    // A folder in place of the root metadata cannot be read.
    let unreadable = input.beside("unreadable");
    fs::create_dir_all(unreadable.join("images.zarr/zarr.json")).unwrap();
    assert_eq!(fails(verify(&unreadable, "--json"), 1), "store");

    for (signal, code) in SIGNALS {
        let (stopped, ()) = running(|_, send| send(signal));
        assert_eq!(fails(stopped, code), "interrupted");
    }
}

#[test]
fn a_source_without_the_rows_of_the_dataset_is_no_wrong_usage() {
    let input = Input::of_sites(9);
    convert(&input.root(), &input.output(), "--include HUVEC-02").exits_with(0);
    let other = Input::of_sites(3);
    let source = other.root();
    let options = format!("--json --source {}", source.display());
    let run = verify(&input.output(), &options);
    assert!(run.stderr.contains("by the settings of"), "{run:#?}");
    assert_eq!(fails(run, 1), "input");
    // An address on the command line is.
    assert_eq!(
        fails(verify(&input.output(), "--json --source ftp://a/b"), 2),
        "usage"
    );
}

#[test]
fn the_kinds_of_failures_are_documented() {
    let rows = Section::of("#### Kinds").rows();
    let kinds: Vec<&str> = rows.iter().map(|row| row[0]).collect();
    // The tests above provoke each of them but the last.
    assert_eq!(
        kinds,
        ["usage", "input", "output", "store", "interrupted", "defect"]
    );
    let section = Section::of("### Failure");
    for example in section.examples() {
        holds_failure(&example);
        assert!(kinds.contains(&example["error"]["kind"].as_str().unwrap()));
    }
}

/// Each step of a job with each of its exit codes.
fn job_steps() -> Vec<(&'static str, i32, Run)> {
    let names = ["job init", "job run", "job status", "job seal"];
    let mut steps = Vec::new();
    for (name, arguments) in names.into_iter().zip(JOB_STEPS) {
        steps.push((name, 1, run(arguments.iter().copied())));
        steps.push((
            name,
            2,
            run([arguments[0], arguments[1], "--no-such-option"]),
        ));
    }
    let (whole, gaps) = (Input::of_sites(3), with_gaps());
    for (input, options, sealed) in [(&whole, "", 0), (&gaps, GAPS, 3)] {
        let mut init = program();
        init.args(["job", "init"])
            .arg(input.root())
            .arg(input.output());
        init.args(options.split_whitespace()).args(["--parts", "2"]);
        steps.push((names[0], 0, Run::of(&mut init)));
        let output = input.output();
        let output = output.to_str().unwrap();
        steps.push((names[1], 0, run(["job", "run", output, "0-1"])));
        steps.push((names[2], 0, run(["job", "status", output])));
        steps.push((names[3], sealed, run(["job", "seal", output])));
    }
    for (signal, code) in SIGNALS {
        steps.push((names[1], code, super::jobs::stopped_worker(signal)));
    }
    steps
}

/// Each command with each exit code that the document gives it.
fn documented_exit_codes() -> BTreeSet<(String, i32)> {
    let rows = Section::of("### Exit codes of each command").rows();
    let rows = rows.into_iter().flat_map(|row| {
        let codes = row[1].split(", ");
        let code = |code: &str| (row[0].to_owned(), code.parse().unwrap());
        codes.map(code).collect::<Vec<_>>()
    });
    rows.collect()
}

#[test]
fn every_documented_exit_code_occurs() {
    let mut seen = BTreeSet::new();
    let mut occurs = |command: &str, code: i32, run: Run| {
        run.exits_with(code);
        seen.insert((command.to_owned(), code));
    };
    for command in [
        "convert", "plan", "verify", "info", "report", "montage", "serve", "publish", "clean",
        "sample", "demo",
    ] {
        occurs(command, 2, run([command, "--no-such-option"]));
    }
    for arguments in WITH_JSON {
        occurs(arguments[0], 1, run(arguments.iter().copied()));
    }
    let input = Input::of_sites(3);
    let output = input.output();
    occurs("plan", 0, plan(&input.root(), ""));
    occurs("convert", 0, convert(&input.root(), &output, ""));
    occurs("verify", 0, verify(&output, ""));
    occurs("info", 0, info(&output, ""));
    occurs("clean", 0, run(["clean", output.to_str().unwrap()]));
    let dataset = output.to_str().unwrap();
    let picture = input.beside("site.png");
    let site = input.site_id(0);
    occurs(
        "montage",
        0,
        run([
            "montage",
            dataset,
            "--site",
            &site,
            "--output",
            picture.to_str().unwrap(),
        ]),
    );
    occurs("report", 0, run(["report", dataset]));
    for (signal, code) in SIGNALS {
        occurs("serve", code, served(&output, signal).0);
    }
    let url = Server::start().url("dataset");
    occurs(
        "publish",
        0,
        publish(&output, &url, "--store-option region=us-east-1"),
    );
    let gaps = with_gaps();
    occurs("convert", 3, convert(&gaps.root(), &gaps.output(), GAPS));
    let told = run(["report", gaps.output().to_str().unwrap(), "--fail-on-flags"]);
    occurs("report", 4, told);
    for (signal, code) in SIGNALS {
        occurs("convert", code, running(|_, send| send(signal)).0);
    }
    for (name, code, run) in job_steps() {
        occurs(name, code, run);
    }
    for (name, word) in [("completions", "bash"), ("man", "convert")] {
        occurs(name, 0, run([name, word]));
        occurs(name, 2, run([name, "no-such-word"]));
        let mut full = Command::new("sh");
        let script = format!(r#"exec "$0" {name} {word} > /dev/full"#);
        occurs(name, 1, Run::of(full.args(["-c", &script, PROGRAM])));
    }

    let sample = input.beside("demo/sample");
    let sample = sample.to_str().unwrap();
    let demo = input.beside("demo");
    let demo = demo.to_str().unwrap();
    occurs(
        "sample",
        0,
        run(["sample", sample, "--sites", "1", "--size", "16"]),
    );
    occurs("sample", 1, run(["sample", sample]));
    occurs("demo", 0, run(["demo", demo]));
    fs::remove_file(input.beside("demo/sample/metadata.csv")).unwrap();
    occurs("demo", 1, run(["demo", demo]));

    assert_eq!(seen, documented_exit_codes());
    let rows = Section::of("## Exit codes").rows();
    let codes: BTreeSet<i32> = rows.iter().map(|row| row[0].parse().unwrap()).collect();
    assert_eq!(codes, seen.into_iter().map(|(_, code)| code).collect());
}

/// A full disk in place of standard output, when the dataset is sealed already.
#[cfg(target_os = "linux")]
#[test]
fn a_result_that_cannot_be_printed_does_not_undo_the_seal() {
    let whole = Input::of_sites(3);
    let gaps = with_gaps();
    for (input, options, code) in [(&whole, "", 0), (&gaps, GAPS, 3)] {
        for json in ["", "--json"] {
            let script = r#"exec "$0" convert "$1" "$2" --overwrite $3 > /dev/full"#;
            let mut command = Command::new("sh");
            command.args(["-c", script, PROGRAM]);
            command.arg(input.root()).arg(input.output());
            let run = Run::of(command.arg(format!("{options} {json}")));
            run.exits_with(code).reports_each(&[
                "is sealed and complete, but this cannot be printed",
                "No space left on device",
            ]);
            verify(&input.output(), "").exits_with(0);
        }
    }
    let script = r#"exec "$0" info "$1" > /dev/full"#;
    let mut command = Command::new("sh");
    command.args(["-c", script, PROGRAM]).arg(whole.output());
    Run::of(&mut command).exits_with(1);
    let mut help = Command::new("sh");
    help.args(["-c", r#"exec "$0" --help > /dev/full"#, PROGRAM]);
    Run::of(&mut help).exits_with(1);
}

/// `head` closes the pipe before the result is printed.
#[test]
fn a_closed_pipe_does_not_change_the_exit_code() {
    let input = with_gaps();
    let (root, output) = (input.root(), input.output());
    let script = format!(
        r#"{PROGRAM} convert {} {} {GAPS} --json | true; exit "${{PIPESTATUS[0]}}""#,
        root.display(),
        output.display()
    );
    Run::of(Command::new("bash").args(["-c", &script])).exits_with(3);
}

#[test]
fn the_example_of_the_crate_runs() {
    let readme = include_str!("../../crates/cli/README.md");
    let block = readme.split("```console\n").nth(1).unwrap();
    let block = block.split("```").next().unwrap();
    let folder = tempfile::tempdir().unwrap();
    let lines: Vec<&str> = block.lines().map(|line| &line["$ ".len()..]).collect();
    assert!(!lines.is_empty());
    for line in lines {
        let mut command = Command::new(PROGRAM);
        let words: Vec<&str> = line.split(' ').collect();
        assert_eq!(words[0], "rxrx2zarr", "{line}");
        Run::of(command.args(&words[1..]).current_dir(folder.path())).exits_with(0);
    }
    info(&folder.path().join("rxrx1-zarr"), "").exits_with(0);
}
