//! Runs that are interrupted, stopped, started twice, and continued.
#![cfg(unix)]

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use rand::RngExt;

use super::dataset::{Dataset, files_below};
use super::input::{Input, Spec};
use super::run::{PROGRAM, Run, SIGNALS, convert, info, program};
use super::tally::Tally;
use super::torture::{random, rounds};

/// Sites, each a shard of its own: long enough to be caught at work.
const SITES: usize = 150;

fn long_input() -> Input {
    Input::new(Spec {
        sites: SITES,
        channels: vec![1, 2],
        ..Spec::default()
    })
}

const OPTIONS: &str = "--shard-sites 1 --jobs 2";

/// What an uninterrupted run writes.
fn uninterrupted(input: &Input) -> BTreeMap<String, Vec<u8>> {
    let whole = input.beside("whole");
    convert(&input.root(), &whole, OPTIONS).exits_with(0);
    files_below(&whole)
}

/// A conversion in the background.
struct Running(Child);

impl Running {
    fn start(input: &Input, options: &str) -> Self {
        let mut command = program();
        command.arg("convert").arg(input.root()).arg(input.output());
        command.args(options.split_whitespace());
        let pipes = command.stdout(Stdio::piped()).stderr(Stdio::piped());
        Self(pipes.spawn().unwrap())
    }

    /// Sends a signal by name.
    fn signal(&self, name: &str) {
        let pid = self.0.id().to_string();
        let sent = Command::new("kill").args(["-s", name, &pid]).status();
        assert!(sent.unwrap().success());
    }

    fn ends(self) -> Run {
        Run::from(self.0.wait_with_output().unwrap())
    }
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

/// Demands that OUTPUT is what an uninterrupted run writes, and nothing is left
/// beside it.
#[track_caller]
fn is_whole(input: &Input, whole: &BTreeMap<String, Vec<u8>>) {
    assert!(files_below(&input.output()) == *whole, "other bytes");
    assert!(!input.beside("out.rxrx2zarr").exists());
}

#[test]
fn a_signal_finishes_the_shards_in_hand_and_the_same_command_continues() {
    let input = long_input();
    let whole = uninterrupted(&input);
    for (signal, code) in SIGNALS {
        let running = Running::start(&input, OPTIONS);
        wait_for_units(&input, 3);
        running.signal(signal);
        running.ends().exits_with(code).reports_each(&[
            "stopped after",
            "of 150 shards",
            "the same command continues",
        ]);
        assert!(!Dataset::at(input.output()).is_sealed());
        let work = files_below(&input.beside("out.rxrx2zarr"));
        assert!(work.keys().all(|name| !name.ends_with(".tmp")));

        let told = info(&input.output(), "").exits_with(1);
        assert!(told.stdout.contains("of 150 shards"), "{told:#?}");
        let told = info(&input.output(), "--json").exits_with(1).json();
        assert_eq!(
            (&told["sealed"], &told["units"]),
            (&false.into(), &150.into())
        );
        assert!(told["running"].is_null());
        let done = told["units_done"].as_u64().unwrap();
        let shards = files_below(&input.output().join("images.zarr/images/c"));
        assert_eq!(done, shards.len() as u64, "what was begun is finished");

        convert(&input.root(), &input.output(), OPTIONS)
            .exits_with(0)
            .reports_each(&[&format!("continuing: {done} of 150 shards are done")]);
        is_whole(&input, &whole);
        fs::remove_dir_all(input.output()).unwrap();
    }
}

/// `nohup` ignores the signal of a closed terminal, and the program must go on.
#[test]
fn a_signal_that_was_ignored_at_the_start_stays_ignored() {
    let input = long_input();
    let whole = uninterrupted(&input);
    let mut command = Command::new("sh");
    command.args(["-c", "trap '' HUP; exec \"$0\" \"$@\"", PROGRAM, "convert"]);
    command.arg(input.root()).arg(input.output());
    command.args(OPTIONS.split_whitespace());
    let pipes = command.stdout(Stdio::piped()).stderr(Stdio::piped());
    let running = Running(pipes.spawn().unwrap());
    wait_for_units(&input, 3);
    running.signal("HUP");
    running.ends().exits_with(0);
    is_whole(&input, &whole);
}

#[test]
fn a_second_signal_stops_at_once() {
    // Units that take long to finish.
    let input = Input::new(Spec {
        sites: 72,
        channels: vec![1, 2],
        height: 700,
        width: 700,
        ..Spec::default()
    });
    let running = Running::start(&input, "--codec zstd --jobs 1 --shard-sites 24");
    // The next unit is begun before one is written, and so is in hand: what a
    // first signal would wait for.
    wait_for_units(&input, 1);
    // Two at the same moment may count as one.
    for _ in 0..3 {
        running.signal("TERM");
        std::thread::sleep(Duration::from_millis(20));
    }
    let ended = running.ends().exits_with(143);
    assert!(!ended.stderr.contains("stopped after"), "{ended:#?}");
    assert!(!Dataset::at(input.output()).is_sealed());
    convert(
        &input.root(),
        &input.output(),
        "--codec zstd --shard-sites 24",
    )
    .exits_with(0)
    .reports_each(&["continuing: "]);
    Dataset::at(input.output()).has_pixels_of(&input);
}

#[test]
fn killed_at_any_moment_it_ends_with_the_same_bytes() {
    let input = long_input();
    let whole = uninterrupted(&input);
    let mut tally = Tally::new("SIGKILL at a random moment");
    let mut random = random();
    let start = Instant::now();
    convert(&input.root(), &input.beside("timed"), OPTIONS).exits_with(0);
    let takes = start.elapsed();
    for _ in 0..rounds(6) {
        // Until a run gets through: each time it gets a little further.
        for life in 1.. {
            let longest = takes.mul_f64(0.4 * f64::from(life));
            let running = Running::start(&input, OPTIONS);
            let lifetime = random.random_range(0.0..1.0);
            std::thread::sleep(longest.mul_f64(lifetime));
            let mut child = running.0;
            if let Some(status) = child.try_wait().unwrap() {
                assert_eq!(status.code(), Some(0));
                break;
            }
            child.kill().unwrap();
            child.wait().unwrap();
            tally.faults(1);
            if Dataset::at(input.output()).is_sealed() {
                tally.lost_unless(files_below(&input.output()) == whole);
            }
        }
        tally.lost_unless(files_below(&input.output()) == whole);
        tally.round();
        convert(&input.root(), &input.output(), OPTIONS).exits_with(0);
        is_whole(&input, &whole);
        fs::remove_dir_all(input.output()).unwrap();
    }
    tally.report();
}

#[test]
fn two_runs_on_one_output_are_kept_apart() {
    let input = long_input();
    let running = Running::start(&input, OPTIONS);
    wait_for_units(&input, 1);
    // Lest it be done before it is asked about.
    running.signal("STOP");
    let holder = format!("process {} on ", running.0.id());
    for options in [OPTIONS, "--shard-sites 1 --overwrite", "--retry-bad"] {
        convert(&input.root(), &input.output(), options)
            .exits_with(1)
            .reports_each(&["is being written by", &holder]);
    }
    let told = info(&input.output(), "--json").exits_with(1).json();
    assert!(told["running"].as_str().unwrap().starts_with(&holder));
    // The first one does not mind, and when it is dead its lock is, too.
    running.signal("KILL");
    running.ends();
    convert(&input.root(), &input.output(), OPTIONS).exits_with(0);
    Dataset::at(input.output()).has_pixels_of(&input);
}

#[test]
fn two_names_of_one_output_have_one_lock() {
    let input = long_input();
    let link = input.beside("link");
    fs::create_dir(input.output()).unwrap();
    std::os::unix::fs::symlink(input.output(), &link).unwrap();
    let running = Running::start(&input, OPTIONS);
    wait_for_units(&input, 1);
    running.signal("STOP");
    let holder = format!("process {} on ", running.0.id());
    for options in [OPTIONS, "--shard-sites 1 --overwrite", "--retry-bad"] {
        convert(&input.root(), &link, options)
            .exits_with(1)
            .reports_each(&["is being written by", &holder]);
    }
    let told = info(&link, "--json").exits_with(1).json();
    assert!(told["running"].as_str().unwrap().starts_with(&holder));
    running.signal("KILL");
    running.ends();
    convert(&input.root(), &link, OPTIONS)
        .exits_with(0)
        .reports_each(&["continuing"]);
    Dataset::at(input.output()).has_pixels_of(&input);
    assert!(!input.beside("out.rxrx2zarr").exists());
    assert!(!input.beside("link.rxrx2zarr").exists());
}

/// Cuts a run off: an image is bad, and the run is strict.
fn cut_off(input: &Input, options: &str) {
    let image = input.image(input.sites() - 1, 1);
    let png = fs::read(&image).unwrap();
    fs::write(&image, &png[..50]).unwrap();
    convert(
        &input.root(),
        &input.output(),
        &format!("{options} --strict"),
    )
    .exits_with(1)
    .reports_each(&["the same command continues"]);
    fs::write(&image, png).unwrap();
}

#[test]
fn another_conversion_is_not_continued_and_the_difference_is_named() {
    let input = Input::of_sites(40);
    let options = "--shard-sites 2 --jobs 1";
    cut_off(&input, options);
    let before = files_below(&input.output());
    for (other, said) in [
        ("--shard-sites 4", "shard_sites was 2 and is 4"),
        ("--shard-sites 2 --codec zstd", "codec was \"blosc-zstd\""),
        ("--shard-sites 2 --include HUVEC-01", "metadata table"),
    ] {
        convert(&input.root(), &input.output(), other)
            .exits_with(1)
            .reports_each(&["unfinished work of another conversion", said, "--overwrite"]);
    }
    let table = fs::read_to_string(input.table_path()).unwrap();
    fs::write(input.table_path(), table.replace("treatment", "Treatment")).unwrap();
    convert(&input.root(), &input.output(), options)
        .exits_with(1)
        .reports_each(&["the metadata table has other rows or values"]);
    fs::write(input.table_path(), &table).unwrap();
    assert_eq!(files_below(&input.output()), before);

    // What a dataset calls itself may change: nothing of it is written yet.
    convert(
        &input.root(),
        &input.output(),
        &format!("{options} --dataset-name Mine"),
    )
    .exits_with(0)
    .reports_each(&["continuing"]);
    convert(&input.root(), &input.output(), "--shard-sites 4")
        .exits_with(1)
        .reports_each(&[
            "complete dataset of another conversion",
            "shard_sites was 2",
        ]);
}

#[test]
fn changed_and_added_images_are_converted_again() {
    let input = Input::of_sites(40);
    let added = fs::read(input.image(1, 1)).unwrap();
    fs::remove_file(input.image(1, 1)).unwrap();
    let options = "--shard-sites 2 --jobs 1 --allow-missing";
    cut_off(&input, options);
    input.write_image(4, 2, 12, 20);
    fs::write(input.image(1, 1), added).unwrap();
    convert(&input.root(), &input.output(), options)
        .exits_with(0)
        .reports_each(&[
            "1 images changed since",
            &input.image_name(4, 2),
            "1 images were added",
            &input.image_name(1, 1),
        ]);
    Dataset::at(input.output()).has_pixels_of(&input);
    convert(&input.root(), &input.beside("fresh"), options).exits_with(0);
    is_whole(&input, &files_below(&input.beside("fresh")));
}

#[test]
fn removed_images_are_an_error_and_nothing_is_lost() {
    let input = Input::of_sites(40);
    let options = "--shard-sites 2 --jobs 1";
    cut_off(&input, options);
    let image = fs::read(input.image(2, 3)).unwrap();
    fs::remove_file(input.image(2, 3)).unwrap();
    let before = files_below(&input.beside("out.rxrx2zarr"));
    convert(&input.root(), &input.output(), options).exits_with(1);
    convert(
        &input.root(),
        &input.output(),
        &format!("{options} --allow-missing"),
    )
    .exits_with(1)
    .reports_each(&["no longer in the input: 1", &input.site_id(2)]);
    let without_lock = |mut files: BTreeMap<String, Vec<u8>>| {
        files.remove("lock");
        files
    };
    let after = files_below(&input.beside("out.rxrx2zarr"));
    assert_eq!(without_lock(after), without_lock(before));
    fs::write(input.image(2, 3), image).unwrap();
    convert(&input.root(), &input.output(), options).exits_with(0);
    Dataset::at(input.output()).has_pixels_of(&input);
}

#[test]
fn damage_to_unfinished_work_is_repaired() {
    let input = Input::of_sites(40);
    let options = "--shard-sites 2 --jobs 1";
    convert(&input.root(), &input.beside("whole"), options).exits_with(0);
    let whole = files_below(&input.beside("whole"));
    let shard = |number: usize| {
        input
            .output()
            .join(format!("images.zarr/images/c/{number}/0/0/0"))
    };
    let record = |number: usize| input.beside(&format!("out.rxrx2zarr/units/{number}.json"));
    let change = |path: &Path, change: fn(&mut Vec<u8>)| {
        let mut bytes = fs::read(path).unwrap();
        change(&mut bytes);
        fs::write(path, bytes).unwrap();
    };
    cut_off(&input, options);
    change(&record(0), |bytes| bytes.truncate(bytes.len() / 2));
    change(&record(1), |bytes| bytes[20] ^= 1);
    fs::remove_file(record(2)).unwrap();
    change(&shard(3), |bytes| bytes.truncate(100));
    fs::remove_file(shard(4)).unwrap();
    change(&shard(5), |bytes| bytes[5] ^= 1);
    convert(
        &input.root(),
        &input.output(),
        &format!("{options} --recheck"),
    )
    .exits_with(0)
    .reports_each(&[
        "2 records are damaged",
        "3 shards are missing or damaged",
        "units/0.json",
        "images.zarr/images/c/5/0/0/0",
    ]);
    is_whole(&input, &whole);

    fs::remove_dir_all(input.output()).unwrap();
    cut_off(&input, options);
    change(&input.beside("out.rxrx2zarr/state.json"), |bytes| {
        bytes[9] ^= 1
    });
    convert(&input.root(), &input.output(), options)
        .exits_with(1)
        .reports_each(&["state.json", "is damaged", "--overwrite"]);
    convert(
        &input.root(),
        &input.output(),
        &format!("{options} --overwrite"),
    )
    .exits_with(0);
    is_whole(&input, &whole);
}

#[test]
fn a_repeated_run_finds_the_dataset_complete() {
    let input = Input::of_sites(5);
    fs::write(input.image(3, 2), "no PNG").unwrap();
    let first = convert(&input.root(), &input.output(), "--json")
        .exits_with(3)
        .json();
    let before = files_below(&input.output());
    let mut again = convert(&input.root(), &input.output(), "--json")
        .exits_with(3)
        .reports_each(&["complete already"])
        .json();
    assert_eq!(again["sites_before"], 5);
    for field in ["sites_before", "seconds"] {
        again[field] = first[field].clone();
    }
    // The table knows the error, not the word for its kind.
    again["refused"][0]["cause"] = first["refused"][0]["cause"].clone();
    assert_eq!(again, first);
    is_whole(&input, &before);
}

#[test]
fn an_output_that_is_removed_during_the_run_is_not_sealed() {
    let input = long_input();
    let running = Running::start(&input, OPTIONS);
    wait_for_units(&input, 2);
    running.signal("STOP");
    fs::remove_dir_all(input.output()).unwrap();
    running.signal("CONT");
    running.ends().exits_with(1).reports_each(&["removed"]);
    assert!(!Dataset::at(input.output()).is_sealed());
    convert(&input.root(), &input.output(), OPTIONS).exits_with(0);
    Dataset::at(input.output()).has_pixels_of(&input);
}
