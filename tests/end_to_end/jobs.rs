//! Conversions in parts: workers in any order, killed, at once, and against each other.
#![cfg(unix)]

mod one_process;
mod refused;
mod seal;
mod worker;

use std::collections::BTreeMap;
use std::fs;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use rand::RngExt;
use rand::seq::SliceRandom;
use serde_json::Value;

use super::dataset::{Dataset, files_below};
use super::input::{Input, Spec};
use super::run::{PROGRAM, Run, SIGNALS, convert, info, program, verify};
use super::tally::Tally;
use super::torture::{random, rounds};

/// Runs `job STEP` at the output of `input`, with the words of `options`.
fn job(input: &Input, step: &str, options: &str) -> Run {
    Run::of(&mut command(input, step, options))
}

fn command(input: &Input, step: &str, options: &str) -> Command {
    let mut command = program();
    command.args(["job", step]);
    if step == "init" {
        command.arg(input.root());
    }
    command.arg(input.output());
    command.args(options.split_whitespace());
    for variable in ["SLURM_ARRAY_TASK_ID", "SGE_TASK_ID", "LSB_JOBINDEX"] {
        command.env_remove(variable);
    }
    command
}

/// Starts a worker in the background.
fn start(input: &Input, options: &str) -> Child {
    start_at(input, options, "")
}

/// Starts a worker that is held to a level of instructions; the empty one stands for all.
fn start_at(input: &Input, options: &str, level: &str) -> Child {
    let mut command = command(input, "run", options);
    command.env("RXRX2ZARR_CPU", level);
    let pipes = command.stdout(Stdio::piped()).stderr(Stdio::piped());
    pipes.spawn().unwrap()
}

/// The levels of instructions that the processor has.
fn levels() -> Vec<&'static str> {
    let levels = ["baseline", "avx2", "avx512"].into_iter();
    let is_there = |level: &&str| {
        let mut command = program();
        command
            .args(["info", "/nowhere"])
            .env("RXRX2ZARR_CPU", level);
        Run::of(&mut command).code == Some(1)
    };
    levels.filter(is_there).collect()
}

fn signal(child: &Child, name: &str) {
    let pid = child.id().to_string();
    let sent = Command::new("kill").args(["-s", name, &pid]).status();
    assert!(sent.unwrap().success());
}

fn ends(child: Child) -> Run {
    Run::from(child.wait_with_output().unwrap())
}

/// Waits until there are `count` records of units.
#[track_caller]
fn wait_for_units(input: &Input, count: usize) {
    let units = input.beside("out.rxrx2zarr/units");
    let start = Instant::now();
    while fs::read_dir(&units).map_or(0, Iterator::count) < count {
        assert!(start.elapsed() < Duration::from_secs(60), "nothing is done");
        std::thread::sleep(Duration::from_millis(1));
    }
}

/// What `convert` writes.
fn converted(input: &Input, options: &str, code: i32) -> BTreeMap<String, Vec<u8>> {
    let whole = input.beside("whole");
    convert(&input.root(), &whole, options).exits_with(code);
    files_below(&whole)
}

/// Demands that OUTPUT is what `convert` writes, and that nothing is left beside it.
#[track_caller]
fn is_whole(input: &Input, whole: &BTreeMap<String, Vec<u8>>) {
    assert!(files_below(&input.output()) == *whole, "other bytes");
    assert!(!input.beside("out.rxrx2zarr").exists());
}

fn status(input: &Input) -> Value {
    job(input, "status", "--json").exits_with(0).json()
}

/// Many sites, each a shard of its own.
fn long_input() -> Input {
    Input::new(Spec {
        sites: 120,
        channels: vec![1, 2],
        // So large that a level of instructions makes a difference.
        height: 40,
        width: 70,
        ..Spec::default()
    })
}

#[test]
fn parts_in_any_order_give_the_bytes_of_one_conversion() {
    let input = Input::of_sites(21);
    fs::remove_file(input.image(1, 3)).unwrap();
    fs::write(input.image(3, 6), b"no image").unwrap();
    let embeddings = input.beside("embeddings.csv");
    let rows: Vec<String> = (2..21)
        .map(|site| format!("{},{site}.5", input.site_id(site)))
        .collect();
    fs::write(
        &embeddings,
        format!("site_id,feature_0\n{}\n", rows.join("\n")),
    )
    .unwrap();
    let options = format!(
        "--allow-missing --shard-sites 2 --embeddings {} --license MIT --pixel-size 0.65",
        embeddings.display()
    );
    let whole = converted(&input, &options, 3);
    // Without leave to do so, nothing is begun.
    job(&input, "init", "--parts 4")
        .exits_with(1)
        .reports_each(&["--allow-missing"]);
    job(&input, "run", "0")
        .exits_with(1)
        .reports_each(&["there is no job at", "job init"]);
    assert!(!input.beside("out.rxrx2zarr").exists());

    let init = format!("{options} --parts 4");
    let told = job(&input, "init", &format!("{init} --json"))
        .exits_with(0)
        .json();
    let parts = told["parts"].as_array().unwrap();
    let units: Vec<&Value> = parts.iter().map(|part| &part["units"]).collect();
    assert_eq!(units, [3, 3, 3, 2]);
    assert_eq!(
        parts
            .iter()
            .map(|part| part["sites"].as_u64().unwrap())
            .sum::<u64>(),
        21
    );
    assert_eq!(
        parts
            .iter()
            .map(|part| part["images"].as_u64().unwrap())
            .sum::<u64>(),
        125
    );

    job(&input, "run", "2,0").exits_with(0);
    let told = status(&input);
    assert_eq!(
        (&told["units_done"], &told["missing_parts"]),
        (&6.into(), &"1,3".into())
    );
    assert_eq!(told["planes"]["missing"], 1);
    job(&input, "seal", "")
        .exits_with(1)
        .reports_each(&["5 of 11 shards are missing", "run these parts again: 1,3"]);
    let missing = job(&input, "status", "--missing").exits_with(0).stdout;
    assert_eq!(missing, "1,3\n");
    // The same plan again keeps what is done.
    let again = job(&input, "init", &init).exits_with(0);
    assert!(again.stdout.contains("4 parts, as before"), "{again:#?}");
    job(&input, "init", &format!("{options} --parts 5"))
        .exits_with(1)
        .reports_each(&["has 4 parts"]);
    job(&input, "init", "--allow-missing --parts 4")
        .exits_with(1)
        .reports_each(&["is another one", "shard_sites was 2", "clean --abandon"]);
    let task = Run::of(command(&input, "run", "--json").env("SGE_TASK_ID", "2"));
    let told = task.exits_with(0).json();
    assert_eq!(
        (&told["parts"][0]["part"], &told["parts"][0]["units"]),
        (&1.into(), &3.into())
    );
    let told = info(&input.output(), "--json").exits_with(1).json();
    assert_eq!(
        (&told["parts"], &told["units_done"]),
        (&4.into(), &9.into())
    );
    // Twice, and beyond the last one.
    for before in [0, 2] {
        let told = job(&input, "run", "3-4 --json").exits_with(0).json();
        let (last, beyond) = (&told["parts"][0], &told["parts"][1]);
        assert_eq!(
            (&last["units_before"], &beyond["units"]),
            (&before.into(), &0.into())
        );
    }
    assert_eq!(status(&input)["missing_parts"], "");
    let sealed = job(&input, "seal", "--json").exits_with(3).json();
    assert_eq!(
        (&sealed["existed"], &sealed["planes"]["ok"]),
        (&false.into(), &124.into())
    );
    assert_eq!(sealed["refused"][0]["count"], 1);
    is_whole(&input, &whole);

    // Whatever is run afterwards finds it complete and changes nothing.
    job(&input, "run", "0")
        .exits_with(0)
        .prints("is complete already");
    job(&input, "seal", "")
        .exits_with(3)
        .prints("complete already");
    job(&input, "init", &init)
        .exits_with(0)
        .prints("complete already");
    assert_eq!(status(&input)["sealed"], true);
    // Another dataset is not built beside it.
    job(&input, "init", "--allow-missing --parts 4")
        .exits_with(1)
        .reports_each(&["workers cannot build beside one", "convert --overwrite"]);
    is_whole(&input, &whole);
}

#[test]
fn killed_workers_run_again_and_the_bytes_are_those_of_one_conversion() {
    const OPTIONS: &str = "--shard-sites 1";
    let input = long_input();
    let whole = converted(&input, OPTIONS, 0);
    let levels = levels();
    let mut tally = Tally::new("SIGKILL of workers at random moments");
    let mut random = random();
    for _ in 0..rounds(5) {
        job(&input, "init", &format!("{OPTIONS} --parts 6")).exits_with(0);
        let takes = Instant::now();
        job(&input, "run", "0 --jobs 1").exits_with(0);
        let takes = takes.elapsed();
        for life in 1.. {
            let told = status(&input);
            let done = |part: &&Value| part["units_done"] == part["units"];
            let parts = told["parts"].as_array().unwrap();
            let mut left: Vec<u64> = parts
                .iter()
                .filter(|part| !done(part))
                .map(|part| part["part"].as_u64().unwrap())
                .collect();
            if left.is_empty() {
                break;
            }
            left.shuffle(&mut random);
            // Two at once, sometimes of the same part.
            left.insert(0, left[random.random_range(0..left.len())]);
            let workers = left.iter().take(2).map(|part| {
                let level = levels[random.random_range(0..levels.len())];
                start_at(&input, &format!("{part} --jobs 1"), level)
            });
            let workers: Vec<Child> = workers.collect();
            let longest = takes.mul_f64(f64::from(life) * 0.6);
            for mut worker in workers {
                std::thread::sleep(longest.mul_f64(random.random_range(0.0..1.0)));
                if worker.try_wait().unwrap().is_none() {
                    worker.kill().unwrap();
                    tally.faults(1);
                }
                worker.wait().unwrap();
            }
            if random.random_range(0..3) == 0 {
                let sealed = job(&input, "seal", "");
                tally.undetected_unless(sealed.code == Some(1) || status(&input)["sealed"] == true);
                if sealed.code == Some(0) {
                    break;
                }
            }
        }
        job(&input, "seal", "").exits_with(0);
        tally.lost_unless(files_below(&input.output()) == whole);
        tally.round();
        is_whole(&input, &whole);
        fs::remove_dir_all(input.output()).unwrap();
    }
    tally.report();
}

#[test]
fn who_needs_the_output_alone_waits_for_no_worker_and_names_it() {
    const OPTIONS: &str = "--shard-sites 1";
    let input = long_input();
    let whole = converted(&input, OPTIONS, 0);
    job(&input, "init", &format!("{OPTIONS} --parts 2")).exits_with(0);
    let worker = start(&input, "1 --jobs 1");
    wait_for_units(&input, 1);
    // Lest it be done before it is asked about.
    signal(&worker, "STOP");
    let process = format!("process {} on ", worker.id());
    let named = [&process[..], "(part 1)"];
    job(&input, "seal", "").exits_with(1).reports_each(&named);
    job(&input, "init", &format!("{OPTIONS} --parts 2"))
        .exits_with(1)
        .reports_each(&named);
    for options in [OPTIONS, "--shard-sites 1 --overwrite"] {
        convert(&input.root(), &input.output(), options)
            .exits_with(1)
            .reports_each(&named);
    }
    Run::of(program().arg("clean").arg(input.output()).arg("--abandon"))
        .exits_with(1)
        .reports_each(&named);
    let told = status(&input);
    let running = &told["workers"][0];
    assert!(
        running["process"].as_str().unwrap().starts_with(&process),
        "{told}"
    );
    assert_eq!(running["work"], "part 1");
    let told = info(&input.output(), "--json").exits_with(1).json();
    assert!(told["running"].as_str().unwrap().starts_with(&process));
    // Others of its kind do not mind, not even of the same part.
    job(&input, "run", "0-1").exits_with(0);
    job(&input, "seal", "").exits_with(1).reports_each(&named);
    // When it goes on, it stores the same once more.
    signal(&worker, "CONT");
    ends(worker).exits_with(0);
    job(&input, "seal", "").exits_with(0);
    is_whole(&input, &whole);
}

/// A worker that a signal stopped.
pub(super) fn stopped_worker(name: &str) -> Run {
    let input = long_input();
    job(&input, "init", "--shard-sites 1 --parts 1").exits_with(0);
    let worker = start(&input, "0 --jobs 1");
    wait_for_units(&input, 2);
    signal(&worker, name);
    ends(worker)
}

/// What the status says while a worker runs, and while a process converts alone.
pub(super) fn told_of_running() -> (Value, Value) {
    let input = long_input();
    job(&input, "init", "--shard-sites 1 --parts 1").exits_with(0);
    let mut alone = program();
    alone.arg("convert").arg(input.root()).arg(input.output());
    alone.args(["--shard-sites", "1", "--jobs", "1"]);
    let told = |mut child: Child, units: usize| {
        wait_for_units(&input, units);
        signal(&child, "STOP");
        let told = status(&input);
        child.kill().unwrap();
        child.wait().unwrap();
        told
    };
    let worker = start(&input, "0 --jobs 1");
    wait_for_units(&input, 1);
    // Units that are stored in another second tell the rate.
    signal(&worker, "STOP");
    std::thread::sleep(Duration::from_millis(1100));
    let stored = fs::read_dir(input.beside("out.rxrx2zarr/units")).unwrap();
    let more = stored.count() + 1;
    signal(&worker, "CONT");
    let worker = told(worker, more);
    let pipes = alone.stdout(Stdio::piped()).stderr(Stdio::piped());
    let done = usize::try_from(worker["units_done"].as_u64().unwrap()).unwrap();
    (worker, told(pipes.spawn().unwrap(), done + 1))
}

#[test]
fn a_signal_stops_a_worker_and_the_same_command_continues() {
    let input = long_input();
    for (name, code) in SIGNALS {
        job(&input, "init", "--shard-sites 1 --parts 1").exits_with(0);
        let worker = start(&input, "0 --jobs 1");
        wait_for_units(&input, 2);
        signal(&worker, name);
        ends(worker)
            .exits_with(code)
            .reports_each(&["stopped after", "of 120 shards"]);
        job(&input, "run", "0")
            .exits_with(0)
            .reports_each(&["continuing"]);
        job(&input, "seal", "").exits_with(0);
        fs::remove_dir_all(input.output()).unwrap();
    }
}

#[test]
fn a_source_repaired_between_two_runs_of_a_part_is_converted_again() {
    let input = Input::of_sites(8);
    let png = fs::read(input.image(5, 2)).unwrap();
    fs::write(input.image(5, 2), b"no image").unwrap();
    job(&input, "init", "--shard-sites 2 --parts 2").exits_with(0);
    // Whatever images are bad, the part is stored; a strict worker stops.
    job(&input, "run", "1 --strict")
        .exits_with(1)
        .reports_each(&["cannot decode image"]);
    job(&input, "run", "0-1").exits_with(0).prints("1 corrupt");
    fs::write(input.image(5, 2), png).unwrap();
    job(&input, "run", "1")
        .exits_with(0)
        .reports_each(&["1 images changed since"]);
    job(&input, "seal", "").exits_with(0);
    let source = format!("--source {}", input.root().display());
    verify(&input.output(), &source).exits_with(0);
    Dataset::at(input.output()).has_pixels_of(&input);
}

#[test]
fn archives_are_found_again() {
    let input = Input::of_sites(8);
    let whole = converted(&input, "--shard-sites 2", 0);
    let tar = input.beside("in.tar");
    let parent = input.root().parent().unwrap().to_owned();
    let made = Command::new("tar")
        .arg("-cf")
        .arg(&tar)
        .arg("-C")
        .arg(&parent)
        .arg("in")
        .status();
    assert!(made.unwrap().success());
    let mut init = Command::new(PROGRAM);
    init.args(["job", "init"]).arg(&tar).arg(input.output());
    init.args(["--shard-sites", "2", "--parts", "3"]);
    Run::of(&mut init).exits_with(0);
    job(&input, "run", "0-2").exits_with(0);
    job(&input, "seal", "").exits_with(0);
    let shards = |files: &BTreeMap<String, Vec<u8>>| -> Vec<Vec<u8>> {
        let shards = files.iter().filter(|(key, _)| key.contains("/images/c/"));
        shards.map(|(_, bytes)| bytes.clone()).collect()
    };
    assert!(shards(&files_below(&input.output())) == shards(&whole));
}
