//! What may not be read or written. Nothing is forbidden to root, so the program
//! is run as somebody else where the tests are run by root.
#![cfg(unix)]

use std::fs::{self, Permissions};
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::Command;

use super::dataset::Dataset;
use super::input::Input;
use super::run::{PROGRAM, Run};

/// The user and group that own nothing.
const NOBODY: u32 = 65_534;

fn allow(path: &Path, mode: u32) {
    fs::set_permissions(path, Permissions::from_mode(mode)).unwrap();
}

/// `convert input output`, by somebody to whom permissions matter.
fn convert(input: &Input, output: &Path, options: &str) -> Run {
    // What is built may lie where only its owner can go.
    let program = input.beside("program");
    if !program.exists() {
        fs::copy(PROGRAM, &program).unwrap();
        allow(&program, 0o755);
    }
    let mut command = Command::new(program);
    command.arg("convert").arg(input.root()).arg(output);
    command.args(options.split_whitespace()).current_dir("/");
    if fs::metadata(input.root()).unwrap().uid() == 0 {
        command.uid(NOBODY).gid(NOBODY);
    }
    Run::of(&mut command)
}

/// An input in a folder where anybody may make an output.
fn open_input(sites: usize) -> Input {
    let input = Input::of_sites(sites);
    allow(&input.beside(""), 0o777);
    input
}

#[test]
fn an_image_that_may_not_be_read_is_recorded() {
    let input = open_input(2);
    allow(&input.image(1, 4), 0o000);
    let told = convert(&input, &input.output(), "--json")
        .exits_with(3)
        .json();
    assert_eq!(told["planes"]["corrupt"], 1);
    assert_eq!(told["refused"][0]["cause"], "permission");
    let dataset = Dataset::at(input.output());
    let table = dataset.planes_table();
    let error = table.texts("error")[9].clone().unwrap();
    assert!(error.contains("Permission denied"), "{error}");
    assert_eq!(table.texts("status")[9].as_deref(), Some("corrupt"));
}

#[test]
fn folders_and_tables_that_may_not_be_read_are_named() {
    let input = open_input(2);
    let plate = input.image(0, 1).parent().unwrap().to_owned();
    for (path, complaint) in [
        (plate, "cannot list the folder"),
        (input.table_path(), "cannot read"),
        (input.root(), "cannot list the folder"),
    ] {
        let mode = fs::metadata(&path).unwrap().permissions();
        allow(&path, 0o000);
        let run = convert(&input, &input.output(), "--allow-missing");
        fs::set_permissions(&path, mode).unwrap();
        run.exits_with(1)
            .reports_each(&[complaint, path.to_str().unwrap(), "Permission denied"]);
        assert!(!input.output().exists());
    }
}

#[test]
fn an_output_that_may_not_be_written_is_named() {
    let input = open_input(1);
    let shut = input.beside("shut");
    fs::create_dir_all(shut.join("out")).unwrap();
    allow(&shut, 0o555);
    allow(&shut.join("out"), 0o555);
    for output in [shut.join("new"), shut.join("out"), shut.join("a/b/c")] {
        convert(&input, &output, "").exits_with(1).reports_each(&[
            "cannot create",
            "shut",
            "Permission denied",
        ]);
    }
    // The folder beside OUTPUT can be made, but nothing in OUTPUT.
    allow(&shut, 0o777);
    convert(&input, &shut.join("out"), "")
        .exits_with(1)
        .reports_each(&["shut/out", "Permission denied"]);
    assert!(fs::read_dir(shut.join("out")).unwrap().next().is_none());
}
