//! A conversion of one process, and a job at the same output.

use std::fs;
use std::process::Stdio;
use std::time::{Duration, Instant};

use super::super::input::Input;
use super::super::run::{Run, convert, program, verify};
use super::{converted, is_whole, job, long_input, status};

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
