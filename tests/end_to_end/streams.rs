//! What goes to standard output, what to standard error, and in what form.

use std::process::Command;

use super::dataset::{Dataset, files_below};
use super::input::Input;
use super::run::{PROGRAM, Run, convert, plan, run};

#[test]
fn a_plan_writes_nothing_and_says_what_would_be_done() {
    let input = Input::of_sites(10);
    std::fs::remove_file(input.image(3, 3)).unwrap();
    let before = files_below(&input.beside(""));
    let run = plan(&input.root(), "--shard-sites 4").exits_with(0);
    for text in [
        "10 x 6 x 12 x 20 uint8",
        "w1 w2 w3 w4 w5 w6",
        "59 present, 1 missing",
        "--allow-missing",
    ] {
        assert!(run.stdout.contains(text), "{run:#?}");
    }
    assert!(
        run.stdout.contains(&format!("{}: no w3", input.site_id(3))),
        "{run:#?}"
    );

    let told = plan(
        &input.root(),
        "--shard-sites 4 --chunk-channels 4 --json --codec zstd",
    )
    .exits_with(0)
    .json();
    assert_eq!(told["shape"], serde_json::json!([10, 6, 12, 20]));
    assert_eq!(told["chunk_shape"], serde_json::json!([1, 4, 12, 20]));
    assert_eq!(told["shard_shape"], serde_json::json!([4, 8, 12, 20]));
    assert_eq!(told["data_type"], "uint8");
    assert_eq!(told["codec"], "zstd");
    assert_eq!(
        told["channels"],
        serde_json::json!(["w1", "w2", "w3", "w4", "w5", "w6"])
    );
    assert_eq!(told["units"], 3);
    assert_eq!(
        told["planes"],
        serde_json::json!({"present": 59, "missing": 1})
    );
    assert_eq!(told["projection"]["raw_bytes"], 10 * 6 * 12 * 20);
    let images: usize = before
        .iter()
        .filter(|(key, _)| key.ends_with(".png"))
        .map(|(_, png)| png.len())
        .sum();
    let read = told["projection"]["source_bytes"].as_u64().unwrap();
    assert!(read.abs_diff(images as u64) <= 1, "{read} {images}");
    assert_eq!(told["problems"][0]["kind"], "incomplete_sites");
    assert_eq!(told["problems"][0]["missing_planes"], 1);
    assert_eq!(files_below(&input.beside("")), before);
}

#[test]
fn the_printed_result_of_a_conversion_is_right() {
    let input = Input::of_sites(5);
    let told = convert(&input.root(), &input.output(), "--json --shard-sites 2")
        .exits_with(0)
        .json();
    assert_eq!(told["sites"], 5);
    assert_eq!(told["shards"], 3);
    assert_eq!(
        told["planes"],
        serde_json::json!({"ok": 30, "missing": 0, "unreadable": 0, "corrupt": 0})
    );
    assert_eq!(told["refused"], serde_json::json!([]));
    assert!(told["seconds"].as_f64().unwrap() > 0.0);
    let size = |files: std::collections::BTreeMap<String, Vec<u8>>, part: &str| -> usize {
        files
            .iter()
            .filter(|(key, _)| key.contains(part))
            .map(|(_, bytes)| bytes.len())
            .sum()
    };
    assert_eq!(
        told["source_bytes"],
        size(files_below(&input.root()), ".png")
    );
    assert_eq!(
        told["stored_bytes"],
        size(files_below(&input.output()), "images/c/")
    );
}

#[test]
fn quiet_prints_nothing_about_bad_images() {
    let input = Input::of_sites(3);
    std::fs::remove_file(input.image(0, 1)).unwrap();
    std::fs::write(input.image(1, 1), "no PNG").unwrap();
    let run = convert(&input.root(), &input.output(), "-q --allow-missing").exits_with(3);
    assert_eq!(run.stderr, "");
    let run = convert(&input.root(), &input.output(), "-q").exits_with(1);
    // An error is not progress: it is told.
    let run = run.reports_each(&["error: planes without an image: 1", "no w1"]);
    assert_eq!(run.stdout, "");
}

#[test]
fn verbose_names_each_stored_object() {
    let input = Input::of_sites(3);
    convert(&input.root(), &input.output(), "-v --shard-sites 2")
        .exits_with(0)
        .reports_each(&[
            "images.zarr/images/c/0/0/0/0",
            "images.zarr/images/c/1/0/0/0",
        ]);
}

#[test]
fn no_escape_codes_without_a_terminal() {
    let input = Input::of_sites(3);
    std::fs::write(input.image(1, 1), "no PNG").unwrap();
    for variable in [None, Some("NO_COLOR")] {
        let mut command = Command::new(PROGRAM);
        command
            .arg("convert")
            .args([input.root(), input.output()])
            .args(["--overwrite", "-v"]);
        command.envs(variable.map(|name| (name, "1")));
        let run = Run::of(&mut command).exits_with(3);
        assert!(
            !run.stdout.contains('\u{1b}') && !run.stderr.contains('\u{1b}'),
            "{run:#?}"
        );
        // A line is not drawn over either.
        assert!(!run.stderr.contains('\r'), "{run:#?}");
    }
}

#[test]
fn help_shows_examples_and_exit_codes() {
    let help = run(["--help"]).exits_with(0).stdout;
    assert!(help.contains("\nExamples:\n"), "{help}");
    for subcommand in ["convert", "plan", "info", "sample", "demo"] {
        let help = run([subcommand, "--help"]).exits_with(0).stdout;
        assert!(help.contains("\nExamples:\n"), "{subcommand}: {help}");
        assert!(!help.starts_with("Examples:"), "{subcommand}: {help}");
        let short = run([subcommand, "-h"]).exits_with(0).stdout;
        assert!(!short.contains("Examples:"), "{subcommand}: {short}");
        assert!(short.contains("--help also shows examples"), "{short}");
        assert!(
            help.contains(&format!("rxrx2zarr {subcommand}")),
            "{subcommand}: {help}"
        );
        assert!(help.contains("Exit codes:"), "{subcommand}: {help}");
    }
}

#[test]
fn wrong_usage_ends_with_2() {
    for arguments in [
        &[][..],
        &["konvert"],
        &["convert", "in"],
        &["convert", "a", "b", "--fast"],
        &["-q", "-v", "plan", "x"],
    ] {
        run(arguments.iter().copied()).exits_with(2);
    }
}

/// `head` goes away before the program has said all.
#[cfg(unix)]
#[test]
fn a_closed_pipe_is_no_failure() {
    let input = Input::of_sites(1);
    let script = format!(
        r#"{PROGRAM} plan {} --json | true; exit "${{PIPESTATUS[0]}}""#,
        input.root().display()
    );
    let run = Run::of(Command::new("bash").args(["-c", &script]));
    assert_eq!((run.code, run.stderr.as_str()), (Some(0), ""));
}

/// Runs a shell script, in which `$0` is the program, `$1` INPUT and `$2` OUTPUT.
#[cfg(target_os = "linux")]
fn script(input: &Input, script: &str) -> Run {
    let mut command = Command::new("bash");
    command.args(["-c", script, PROGRAM]);
    Run::of(command.arg(input.root()).arg(input.output()))
}

/// The log is on a full disk, or goes to a pipe that is closed.
#[cfg(target_os = "linux")]
#[test]
fn standard_error_that_cannot_be_written_changes_nothing() {
    let good = Input::of_sites(3);
    let bad = Input::of_sites(3);
    std::fs::write(bad.image(1, 1), "no PNG").unwrap();
    let missing = Input::of_sites(3);
    std::fs::remove_file(missing.image(0, 1)).unwrap();
    for (input, arguments, code) in [
        (&good, r#"convert "$1" "$2" -v --overwrite"#, 0),
        (&good, r#"convert "$1" "$2" -v"#, 0),
        (&bad, r#"convert "$1" "$2" -v --overwrite"#, 3),
        (&missing, r#"convert "$1" "$2""#, 1),
        (&missing, r#"verify "$2""#, 1),
        (&missing, r#"convert "$1""#, 2),
    ] {
        let full = script(input, &format!(r#""$0" {arguments} 2> /dev/full"#));
        full.exits_with(code);
        let closed = format!(r#""$0" {arguments} 2>&1 >&- | true; exit "${{PIPESTATUS[0]}}""#);
        script(input, &closed).exits_with(code);
    }
    assert!(Dataset::at(bad.output()).is_sealed());
    script(&bad, r#""$0" verify "$2" --source "$1" 2> /dev/full"#).exits_with(0);
}

/// Names and texts of data cannot command a terminal.
#[cfg(target_os = "linux")]
#[test]
fn control_characters_of_data_are_escaped_wherever_they_are_printed() {
    use std::fs;
    const ESCAPE: &str = "\u{1b}]0;title\u{7}\u{9b}2J";
    #[track_caller]
    fn is_plain(run: Run) -> Run {
        for text in [&run.stdout, &run.stderr] {
            let is_odd = |c: char| c.is_control() && c != '\n';
            assert!(!text.contains(is_odd), "{run:#?}");
        }
        run
    }
    let input = Input::of_sites(3);
    let description = r#"{"name": "MARK", "license": "MARK", "citation": "MARK"}"#;
    fs::write(input.root().join("rxrx2zarr.json"), description).unwrap();
    let output = input.output();
    convert(&input.root(), &output, "").exits_with(0);

    // A root that somebody else wrote, with escapes in each text of it that is shown.
    let root = output.join("images.zarr/zarr.json");
    let mut text = fs::read_to_string(&root).unwrap();
    text = text.replace("\"MARK\"", "\"a\\u001b]0;title\\u0007\\u009b2J\\nb\"");
    let channels = Dataset::at(&output).attributes()["channels"].take();
    let stain = channels[0]["stain"].as_str().unwrap();
    text = text.replace(&format!("\\\"{stain}\\\""), "\\\"a\\\\u001b[31m\\\"");
    fs::write(&root, text).unwrap();
    let told = is_plain(run(["info", output.to_str().unwrap()]).exits_with(0));
    assert!(
        told.stdout.contains("a\\u{1b}]0;title\\u{7}\\u{9b}2J\\nb"),
        "{told:#?}"
    );
    assert!(told.stdout.contains("a\\u{1b}[31m"), "{told:#?}");
    let told = run(["info", output.to_str().unwrap(), "--json"]).json();
    let name = told["attributes"]["description"]["name"].as_str();
    let name = name.or_else(|| told["attributes"]["name"].as_str());
    assert!(
        name.is_none_or(|name| name.starts_with("a\u{1b}]0;")),
        "{told}"
    );

    // Names of objects.
    fs::write(output.join(format!("images.zarr/{ESCAPE}\n")), "").unwrap();
    let told = is_plain(super::run::verify(&output, "").exits_with(1));
    assert!(
        told.stdout.contains("images.zarr/\\u{1b}]0;title"),
        "{told:#?}"
    );

    // Names of images and folders, and arguments.
    fs::write(input.root().join(format!("images/{ESCAPE}.png")), "").unwrap();
    fs::write(input.image(1, 1), "no PNG").unwrap();
    let odd = input.beside(&format!("out{ESCAPE}"));
    is_plain(plan(&input.root(), "-v").exits_with(0));
    is_plain(convert(&input.root(), &odd, "-v").exits_with(3));
    is_plain(run(["info", odd.to_str().unwrap()]).exits_with(0));
    is_plain(run(["plan", &format!("none{ESCAPE}")]).exits_with(1));
    is_plain(run(["plan", &format!("--{ESCAPE}")]).exits_with(2));

    // The holder of the lock of an unfinished run.
    let unfinished = Input::of_sites(3);
    fs::write(unfinished.image(1, 1), "no PNG").unwrap();
    let options = "--strict --shard-sites 1 --jobs 1";
    is_plain(convert(&unfinished.root(), &unfinished.output(), options).exits_with(1));
    is_plain(super::run::info(&unfinished.output(), "").exits_with(1));
}

#[test]
fn a_demo_runs_and_runs_again() {
    let place = tempfile::tempdir().unwrap();
    let dest = place.path().join("demo");
    let demo = || run(["demo", dest.to_str().unwrap(), "--sites", "1"]).exits_with(0);
    let first = demo();
    let dataset = Dataset::at(dest.join("dataset"));
    assert!(dataset.is_sealed());
    let objects = dataset.objects();
    for run in [first, demo()] {
        let zarr = dest.join("dataset/images.zarr");
        for line in [
            format!("xr.open_zarr(\"{}\", chunks=None)", zarr.display()),
            format!("FROM '{}'", dest.join("dataset/planes.parquet").display()),
        ] {
            assert!(run.stdout.contains(&line), "{run:#?}");
        }
        assert!(
            run.stdout.trim_end().ends_with(';'),
            "ends with lines to paste: {run:#?}"
        );
    }
    assert_eq!(dataset.objects(), objects);
    let root = dataset.json("images.zarr/zarr.json");
    assert_eq!(root["attributes"]["license"], "CC0-1.0");
}
