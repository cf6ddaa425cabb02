//! What a job refuses: a wrong input, a damaged plan, another program.

use std::fs;
use std::process::Command;

use super::super::dataset::{Dataset, files_below};
use super::super::input::Input;
use super::super::run::{PROGRAM, Run, convert};
use super::{converted, is_whole, job};

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
fn an_input_that_is_not_whole_is_refused() {
    let input = Input::of_sites(16);
    job(&input, "init", "--shard-sites 4 --parts 1").exits_with(0);
    fs::remove_dir_all(input.root().join("images/HUVEC-02")).unwrap();
    job(&input, "run", "0")
        .exits_with(1)
        .reports_each(&["has no images/HUVEC-02", "--input"]);
    assert!(!input.output().exists());
}
