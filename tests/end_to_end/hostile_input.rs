//! Tables, names and places that are made to do harm, and those that merely
//! look it.

use std::fs::{self, File};
use std::io::Write;
use std::path::Path;
use std::process::Command;

use serde_json::Value;

use super::dataset::{Dataset, files_below};
use super::input::Input;
use super::run::{PROGRAM, Run, convert, plan, run};

/// `plan`, which reads all of the table, with 4 GB of address space.
#[cfg(target_os = "linux")]
fn plan_in_little_memory(input: &Path) -> Run {
    let script = r#"ulimit -v 4000000; exec "$0" plan "$1""#;
    let mut command = Command::new("bash");
    Run::of(command.args(["-c", script, PROGRAM]).arg(input))
}

#[cfg(target_os = "linux")]
#[test]
fn a_cell_of_two_gigabytes_takes_little_memory() {
    let input = Input::of_sites(1);
    fs::remove_file(input.table_path()).unwrap();
    let member = |content: &[u8]| {
        let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        gzip.write_all(content).unwrap();
        gzip.finish().unwrap()
    };
    let mut packed = File::create(input.root().join("metadata.csv.gz")).unwrap();
    let head = "experiment,plate,well,site,note\nHUVEC-01,1,B02,1,\nHUVEC-01,1,B02,2,\"";
    packed.write_all(&member(head.as_bytes())).unwrap();
    // Members of a gzip file are one text.
    let part = member(&vec![b'x'; 1 << 20]).repeat(64);
    for _ in 0..32 {
        packed.write_all(&part).unwrap();
    }
    plan_in_little_memory(&input.root())
        .exits_with(1)
        .reports_each(&["metadata.csv.gz line 3", "longer than 1048576 bytes"]);
}

#[cfg(target_os = "linux")]
#[test]
fn ten_million_columns_are_refused() {
    let input = Input::of_sites(1);
    let table = format!("experiment,plate,well,site{}\n", ",c".repeat(10_000_000));
    fs::write(input.table_path(), table).unwrap();
    plan_in_little_memory(&input.root())
        .exits_with(1)
        .reports_each(&["metadata.csv line 1", "longer than 1048576 bytes"]);
    let table = format!("experiment,plate,well,site{}\n", ",c".repeat(10_000));
    fs::write(input.table_path(), table).unwrap();
    plan_in_little_memory(&input.root())
        .exits_with(1)
        .reports_each(&["metadata.csv line 1", "10004 columns", "at most 10000"]);
}

#[test]
fn experiments_with_path_separators_are_only_names() {
    let input = Input::of_sites(1);
    let long = "x".repeat(3_000);
    let names = [
        "../../etc",
        "/etc/passwd",
        "..\\..\\etc",
        "C:\\Windows",
        "a\0b",
        "\u{1b}[2J",
        &long,
    ];
    let mut table = "experiment,plate,well,site,../x,c\nHUVEC-01,1,B02,1,y,1\n".to_owned();
    for name in names {
        table += &format!("{name},1,B02,1,../../y,2\n");
    }
    fs::write(input.table_path(), table).unwrap();
    let run = convert(&input.root(), &input.output(), "--allow-missing").exits_with(3);
    assert!(
        !run.stderr.contains('\u{1b}') && run.stderr.len() < 2_000,
        "{run:#?}"
    );

    let dataset = Dataset::at(input.output());
    let mut found = dataset.label::<String>("experiment");
    let mut expected: Vec<&str> = ["HUVEC-01"].into_iter().chain(names).collect();
    expected.sort_unstable();
    found.sort_unstable();
    assert_eq!(found, expected);
    assert_eq!(dataset.label::<i32>("c").len(), 8);
    assert!(dataset.path("images.zarr/.._x/zarr.json").is_file());
    let beside: Vec<_> = fs::read_dir(input.beside("")).unwrap().collect();
    assert_eq!(beside.len(), 2, "in and out: {beside:?}");
}

#[test]
fn infinite_and_undefined_numbers_give_valid_json() {
    let input = Input::of_sites(4);
    let rows = ["1,NaN,NaN", "1,inf,1", "2,-inf,", "2,1.5,3"];
    let mut table = "experiment,plate,well,site,dose,count\n".to_owned();
    for (index, row) in rows.iter().enumerate() {
        let (well, rest) = (["B02", "B10"][index / 2], row.split_once(',').unwrap().1);
        table += &format!("HUVEC-01,1,{well},{},{rest}\n", 1 + index % 2);
    }
    fs::write(input.table_path(), table).unwrap();
    plan(&input.root(), "--json").exits_with(0).json();
    convert(&input.root(), &input.output(), "--json")
        .exits_with(0)
        .json();
    let dataset = Dataset::at(input.output());
    let documents = files_below(&input.output());
    for (key, document) in documents.iter().filter(|(key, _)| key.ends_with(".json")) {
        // serde_json takes no NaN and no Infinity.
        serde_json::from_slice::<Value>(document).unwrap_or_else(|e| panic!("{key}: {e}"));
    }
    for name in ["dose", "count"] {
        let array = dataset.json(&format!("images.zarr/{name}/zarr.json"));
        assert_eq!(array["data_type"], "float64");
        assert_eq!(array["fill_value"], "NaN");
    }
    let doses = dataset.label::<f64>("dose");
    assert!(doses[0].is_nan());
    assert_eq!(doses[1..], [f64::INFINITY, f64::NEG_INFINITY, 1.5]);
    let table = dataset.sites_table();
    let doses = table.floats("dose");
    assert!(doses[0].unwrap().is_nan());
    assert_eq!(doses[2], Some(f64::NEG_INFINITY));
    assert_eq!(table.floats("count")[2], None);
}

#[cfg(unix)]
#[test]
fn paths_may_be_no_utf_8() {
    use std::os::unix::ffi::OsStrExt;
    let input = Input::of_sites(1);
    let odd = |name: &[u8]| input.beside("").join(std::ffi::OsStr::from_bytes(name));
    if fs::rename(input.root(), odd(b"in\xff")).is_err() {
        println!("skipped: this file system takes UTF-8 names only");
        return;
    }
    let told = plan(&odd(b"in\xff"), "--json").exits_with(0).json();
    assert!(told["input"].as_str().unwrap().ends_with("in\u{fffd}"));
    convert(&odd(b"in\xff"), &odd(b"out\xff"), "").exits_with(0);
    assert!(Dataset::at(odd(b"out\xff")).is_sealed());
    super::run::info(&odd(b"out\xff"), "--json").exits_with(0);
    super::run::info(&odd(b"out\xff"), "").exits_with(0);

    // Inside the input, such a name can be no image's.
    let plate = odd(b"in\xff").join("images/HUVEC-01/Plate1");
    fs::write(plate.join(std::ffi::OsStr::from_bytes(b"\xff.png")), "").unwrap();
    fs::write(plate.join("\u{1b}[2J.png"), "").unwrap();
    let run = convert(&odd(b"in\xff"), &input.output(), "")
        .exits_with(0)
        .reports_each(&[
            "whose name is not UTF-8: 1",
            "\u{fffd}.png",
            "\\u{1b}[2J.png",
        ]);
    assert!(!run.stderr.contains('\u{1b}'), "{run:#?}");
}

#[cfg(unix)]
#[test]
fn unusable_locations_are_named() {
    use std::os::unix::fs::symlink;
    let input = Input::of_sites(1);
    let round = input.beside("round");
    symlink("round", &round).unwrap();
    convert(&round, &input.output(), "")
        .exits_with(1)
        .reports_each(&["round", "symbolic links"]);
    convert(&input.root(), &round, "")
        .exits_with(1)
        .reports_each(&["round"]);
    let file = input.beside("file");
    fs::write(&file, "a file").unwrap();
    convert(&input.root(), &file.join("out"), "")
        .exits_with(1)
        .reports_each(&["file"]);
    assert_eq!(fs::read_to_string(&file).unwrap(), "a file");
    #[cfg(target_os = "linux")]
    convert(&input.root(), Path::new("/proc/out"), "")
        .exits_with(1)
        .reports_each(&["cannot create /proc/out"]);
}

#[test]
fn more_threads_than_there_can_be_are_wrong_usage() {
    for jobs in ["0", "1025", "1000000", "99999999999999999999", "-1"] {
        run(["convert", "in", "out", &format!("--jobs={jobs}")])
            .exits_with(2)
            .reports_each(&["--jobs"]);
    }
}

/// Somebody removes OUTPUT while it is being written.
#[test]
fn an_output_that_is_removed_is_not_created_again() {
    let input = Input::of_sites(48);
    let mut command = Command::new(PROGRAM);
    command.arg("convert").arg(input.root()).arg(input.output());
    command.args(["--shard-sites", "1", "--json"]);
    let remover = std::thread::spawn({
        let output = input.output();
        move || {
            let third = output.join("images.zarr/images/c/2");
            while !third.exists() {
                std::thread::yield_now();
            }
            // What is written meanwhile may keep a folder from being empty.
            while output.exists() && fs::remove_dir_all(&output).is_err() {}
        }
    });
    let run = Run::of(&mut command);
    remover.join().unwrap();
    // Either what was written is missed, or it goes while its folder is made.
    let run = run
        .exits_with(1)
        .reports_each(&["unfinished and not sealed", "error: cannot "]);
    assert!(!run.stderr.contains("panicked"), "{run:#?}");
    assert!(!Dataset::at(input.output()).is_sealed());
}
