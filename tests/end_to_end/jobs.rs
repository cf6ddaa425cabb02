//! Conversions in parts: workers in any order, killed, at once, and against each other.
#![cfg(unix)]

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
    let mut command = command(input, "run", options);
    let pipes = command.stdout(Stdio::piped()).stderr(Stdio::piped());
    pipes.spawn().unwrap()
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
    is_whole(&input, &whole);
}

#[test]
fn killed_workers_run_again_and_the_bytes_are_those_of_one_conversion() {
    const OPTIONS: &str = "--shard-sites 1";
    let input = long_input();
    let whole = converted(&input, OPTIONS, 0);
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
            let workers = left
                .iter()
                .take(2)
                .map(|part| start(&input, &format!("{part} --jobs 1")));
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
    let worker = told(start(&input, "0 --jobs 1"), 1);
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
fn a_conversion_of_one_process_finishes_a_job_and_is_none() {
    const OPTIONS: &str = "--shard-sites 2";
    let input = Input::of_sites(12);
    let whole = converted(&input, OPTIONS, 0);
    job(&input, "init", &format!("{OPTIONS} --parts 3")).exits_with(0);
    job(&input, "run", "1").exits_with(0);
    convert(&input.root(), &input.output(), OPTIONS)
        .exits_with(0)
        .reports_each(&["continuing: 2 of 6 shards are done"]);
    is_whole(&input, &whole);
    fs::remove_dir_all(input.output()).unwrap();

    // An unfinished run of one process is none.
    let png = fs::read(input.image(11, 1)).unwrap();
    fs::write(input.image(11, 1), b"no image").unwrap();
    convert(
        &input.root(),
        &input.output(),
        &format!("{OPTIONS} --strict"),
    )
    .exits_with(1);
    fs::write(input.image(11, 1), png).unwrap();
    for (step, options) in [("run", "0"), ("seal", ""), ("status", "")] {
        job(&input, step, options)
            .exits_with(1)
            .reports_each(&["there is no job at", "rxrx2zarr convert"]);
    }
    job(&input, "init", &format!("{OPTIONS} --parts 3"))
        .exits_with(1)
        .reports_each(&["unfinished work of `rxrx2zarr convert`"]);
    convert(&input.root(), &input.output(), OPTIONS).exits_with(0);
    is_whole(&input, &whole);

    // A job that is given up leaves nothing.
    fs::remove_dir_all(input.output()).unwrap();
    job(&input, "init", &format!("{OPTIONS} --parts 3")).exits_with(0);
    job(&input, "run", "1").exits_with(0);
    Run::of(program().arg("clean").arg(input.output()).arg("--abandon")).exits_with(0);
    assert!(!input.output().exists() && !input.beside("out.rxrx2zarr").exists());
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
fn a_wrong_input_is_refused_before_anything_is_stored() {
    let input = Input::of_sites(8);
    let whole = converted(&input, "--shard-sites 2", 0);
    job(&input, "init", "--shard-sites 2 --parts 2").exits_with(0);
    let moved = input.beside("moved");
    fs::rename(input.root(), &moved).unwrap();
    fs::create_dir(input.root()).unwrap();
    let none = input.beside("none").display().to_string();
    for (options, said) in [
        ("0".to_owned(), "--input"),
        (format!("0 --input {none}"), none.as_str()),
    ] {
        job(&input, "run", &options)
            .exits_with(1)
            .reports_each(&[said]);
    }
    assert!(!input.output().exists());
    job(&input, "run", &format!("0-1 --input {}", moved.display())).exits_with(0);
    // The seal needs no INPUT.
    fs::remove_dir_all(&moved).unwrap();
    job(&input, "seal", "").exits_with(0);
    is_whole(&input, &whole);
}

#[test]
fn a_shard_that_is_another_file_is_read_before_it_is_sealed() {
    let input = Input::of_sites(8);
    let whole = converted(&input, "--shard-sites 2", 0);
    job(&input, "init", "--shard-sites 2 --parts 4").exits_with(0);
    job(&input, "run", "0-3").exits_with(0);
    let shard = |number: usize| {
        input
            .output()
            .join(format!("images.zarr/images/c/{number}/0/0/0"))
    };
    let damaged = || {
        let mut bytes = fs::read(shard(2)).unwrap();
        bytes[9] ^= 1;
        bytes
    };
    // The same bytes in another file, damaged ones, none.
    let same = fs::read(shard(1)).unwrap();
    fs::remove_file(shard(1)).unwrap();
    fs::write(shard(1), same).unwrap();
    fs::write(shard(2), damaged()).unwrap();
    fs::remove_file(shard(3)).unwrap();
    job(&input, "seal", "")
        .exits_with(1)
        .reports_each(&["2 of 4 shards are missing", "parts again: 2-3"]);
    job(&input, "run", "2-3").exits_with(0).prints("1 shard");
    job(&input, "seal", "").exits_with(0);
    is_whole(&input, &whole);
}

#[test]
fn a_damaged_plan_is_named_and_another_program_is_refused() {
    let input = Input::of_sites(8);
    let plan = input.beside("out.rxrx2zarr/plan");
    let init = || {
        for folder in [input.output(), input.beside("out.rxrx2zarr")] {
            let _ = fs::remove_dir_all(folder);
        }
        job(&input, "init", "--shard-sites 2 --parts 2").exits_with(0);
    };
    for name in ["head.json", "part-1.json.zst"] {
        init();
        let whole = fs::read(plan.join(name)).unwrap();
        let mut damaged = whole.clone();
        damaged[10] ^= 1;
        fs::write(plan.join(name), damaged).unwrap();
        let problem = [name, "is another one than was stored", "rxrx2zarr convert"];
        job(&input, "run", "1").exits_with(1).reports_each(&problem);
        fs::remove_file(plan.join(name)).unwrap();
        job(&input, "run", "1")
            .exits_with(1)
            .reports_each(&[name, "is gone"]);
        fs::write(plan.join(name), whole).unwrap();
        job(&input, "run", "1").exits_with(0);
    }
    init();
    let state = input.beside("out.rxrx2zarr/state.json");
    let text = fs::read_to_string(&state).unwrap();
    let line = text.lines().next().unwrap();
    let begins = line.find("\"encoder_revision\":").unwrap() + "\"encoder_revision\":".len();
    let ends = begins + line[begins..].find(',').unwrap();
    let line = format!("{}999{}", &line[..begins], &line[ends..]);
    let sum = crc32c::crc32c(line.as_bytes());
    fs::write(&state, format!("{line}\n{sum:08x}\n")).unwrap();
    job(&input, "run", "0")
        .exits_with(1)
        .reports_each(&["encoder revision", "was planned with 999"]);
    assert!(!input.output().exists());
}

#[test]
fn archives_and_stacks_are_found_again() {
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

#[test]
fn what_cannot_be_a_job_is_refused() {
    let input = Input::of_sites(4);
    for (step, options) in [("run", "0"), ("status", ""), ("seal", "")] {
        job(&input, step, options)
            .exits_with(1)
            .reports_each(&["there is no job at", "job init"]);
    }
    for (step, options, said) in [
        ("init", "", "--parts"),
        ("init", "--parts 0", "--parts"),
        ("run", "", "which part?"),
        ("run", "1-0", "is no range"),
        ("run", "x", "expected a part"),
        ("status", "--missing --json", "--missing"),
    ] {
        job(&input, step, options)
            .exits_with(2)
            .reports_each(&[said]);
    }
    // A complete dataset of other settings stays.
    convert(&input.root(), &input.output(), "").exits_with(0);
    let before = files_below(&input.output());
    job(&input, "init", "--codec zstd --parts 2")
        .exits_with(1)
        .reports_each(&["complete dataset of another conversion"]);
    assert!(files_below(&input.output()) == before);
    assert!(!input.beside("out.rxrx2zarr").exists());
}

#[test]
fn an_unfinished_replacement_of_a_complete_dataset_is_not_given_up_by_a_seal() {
    let input = long_input();
    convert(&input.root(), &input.output(), "").exits_with(0);
    let mut command = program();
    command.arg("convert").arg(input.root()).arg(input.output());
    command.args(["--overwrite", "--shard-sites", "1", "--jobs", "1"]);
    let pipes = command.stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut running = pipes.spawn().unwrap();
    let work = input.beside("out.rxrx2zarr");
    // Other files come and go.
    let records = || -> usize {
        let folders = fs::read_dir(&work).into_iter().flatten().flatten();
        let units = folders.map(|folder| fs::read_dir(folder.path().join("units")));
        units
            .map(|records| records.map_or(0, Iterator::count))
            .sum()
    };
    let start = Instant::now();
    while records() < 3 {
        assert!(start.elapsed() < Duration::from_secs(60), "nothing is done");
        std::thread::sleep(Duration::from_millis(1));
    }
    running.kill().unwrap();
    running.wait().unwrap();
    let before = records();
    job(&input, "seal", "")
        .exits_with(0)
        .prints("complete already");
    assert_eq!(records(), before);
    let options = "--overwrite --shard-sites 1";
    convert(&input.root(), &input.output(), options)
        .exits_with(0)
        .reports_each(&["continuing"]);
}

/// A conversion of one process goes on with a job by the images that it finds; a worker and the
/// seal go by the stored plan.
#[test]
fn what_a_conversion_of_other_images_has_stored_is_not_sealed() {
    for added in [true, false] {
        let input = Input::of_sites(8);
        let options = "--shard-sites 4 --allow-missing";
        let (image, last) = (input.image(0, 1), input.image(7, 1));
        let (png, good) = (fs::read(&image).unwrap(), fs::read(&last).unwrap());
        let absent = |is_absent: bool| match is_absent {
            true => fs::remove_file(&image).unwrap(),
            false => fs::write(&image, &png).unwrap(),
        };
        if added {
            absent(true);
        }
        job(&input, "init", &format!("{options} --parts 2")).exits_with(0);
        absent(!added);
        fs::write(&last, b"no image").unwrap();
        let strict = format!("{options} --strict --jobs 1");
        convert(&input.root(), &input.output(), &strict).exits_with(1);
        fs::write(&last, good).unwrap();
        if !added {
            absent(false);
        }
        assert_eq!(status(&input)["units_done"], 1);
        job(&input, "run", "1").exits_with(0);
        job(&input, "seal", "")
            .exits_with(1)
            .reports_each(&["parts again: 0"]);
        job(&input, "run", "0").exits_with(0);
        job(&input, "seal", "").exits_with(if added { 3 } else { 0 });
        verify(&input.output(), "").exits_with(0);
    }
}

#[test]
fn records_of_another_job_are_none() {
    let input = Input::of_sites(8);
    job(&input, "init", "--shard-sites 4 --parts 2").exits_with(0);
    job(&input, "run", "0-1").exits_with(0);
    // As an old worker stores them in a new job.
    let (units, shards) = (input.beside("out.rxrx2zarr/units"), input.output());
    let kept = [&units, &shards].map(|folder| files_below(folder));
    for folder in [&input.output(), &input.beside("out.rxrx2zarr")] {
        fs::remove_dir_all(folder).unwrap();
    }
    job(&input, "init", "--shard-sites 4 --parts 2 --codec zstd").exits_with(0);
    for (folder, files) in [&units, &shards].into_iter().zip(kept) {
        for (key, bytes) in files {
            let path = folder.join(key);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, bytes).unwrap();
        }
    }
    assert_eq!(status(&input)["units_done"], 0);
    job(&input, "seal", "")
        .exits_with(1)
        .reports_each(&["parts again: 0-1"]);
    job(&input, "run", "0-1").exits_with(0);
    job(&input, "seal", "").exits_with(0);
    verify(&input.output(), "").exits_with(0);
}

#[test]
fn a_job_is_begun_once_more_only_by_the_same_input() {
    let input = Input::of_sites(8);
    let image = input.image(2, 1);
    let png = fs::read(&image).unwrap();
    fs::remove_file(&image).unwrap();
    let options = "--shard-sites 4 --parts 2 --allow-missing";
    job(&input, "init", &format!("{options} --dataset-name One")).exits_with(0);
    fs::write(&image, png).unwrap();
    job(&input, "init", options)
        .exits_with(1)
        .reports_each(&["images were added to INPUT"]);
    fs::remove_file(&image).unwrap();
    let moved = input.beside("moved");
    fs::rename(input.root(), &moved).unwrap();
    let mut other = Command::new(PROGRAM);
    other.args(["job", "init"]).arg(&moved).arg(input.output());
    Run::of(other.args(options.split_whitespace()))
        .exits_with(1)
        .reports_each(&["planned for another INPUT"]);
    fs::rename(&moved, input.root()).unwrap();
    // The dataset gets the name that was given last.
    job(&input, "init", &format!("{options} --dataset-name Two")).exits_with(0);
    job(&input, "run", "0-1").exits_with(0);
    job(&input, "seal", "").exits_with(3);
    assert_eq!(Dataset::at(input.output()).attributes()["title"], "Two");
    job(&input, "init", &format!("{options} --dataset-name Three"))
        .exits_with(0)
        .reports_each(&["Three"]);
}

#[test]
fn a_part_whose_shard_is_gone_is_missing() {
    let input = Input::of_sites(8);
    job(&input, "init", "--shard-sites 2 --parts 4").exits_with(0);
    job(&input, "run", "0-3").exits_with(0);
    fs::remove_dir_all(input.output().join("images.zarr/images/c/2")).unwrap();
    assert_eq!(status(&input)["missing_parts"], "2");
    job(&input, "run", "2").exits_with(0).reports_each(&["1 "]);
    job(&input, "seal", "").exits_with(0);
}

#[test]
fn an_input_that_is_not_whole_is_refused() {
    let input = Input::of_sites(16);
    job(&input, "init", "--shard-sites 4 --parts 1").exits_with(0);
    fs::remove_dir_all(input.root().join("images/HUVEC-02")).unwrap();
    job(&input, "run", "0")
        .exits_with(1)
        .reports_each(&["has no images/HUVEC-02", "--input"]);
    assert!(!input.output().exists());
}

#[test]
fn stacks_are_refused() {
    let images = concat!(env!("CARGO_MANIFEST_DIR"), "/../decoder/tests/images");
    let folder = tempfile::tempdir().unwrap();
    let input = folder.path().join("screen");
    fs::create_dir(&input).unwrap();
    for z in [1, 2] {
        let image = format!("B02_f1_z{z}_DNA.jp2");
        fs::copy(format!("{images}/lossy-0{z}.jp2"), input.join(image)).unwrap();
    }
    let mut init = Command::new(PROGRAM);
    init.args(["job", "init"])
        .arg(&input)
        .arg(folder.path().join("out"));
    init.args([
        "--parts",
        "1",
        "--pattern",
        "{well}_f{site}_z{z}_{channel}.jp2",
    ]);
    init.args([
        "--channels",
        "DNA",
        "--z",
        "max",
        "--experiment",
        "screen-1",
    ]);
    init.arg("--only-present");
    Run::of(&mut init)
        .exits_with(1)
        .reports_each(&["stacks of several depths", "one process"]);
}
