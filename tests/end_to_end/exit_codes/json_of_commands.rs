//! Each field of the `--json` output of each command against `docs/json.md`.

use std::fs;

use serde_json::Value;

use super::fields::holds;
use super::s3::Server;
use super::{GAPS, converted_with_gaps, publish, running, served, unfinished, with_gaps};
use crate::end_to_end::input::Input;
use crate::end_to_end::run::{convert, info, plan, run, verify};

/// The option that names a profile in which every field has a value. The input gets a
/// description with those fields that a profile does not have.
fn whole_profile(input: &Input) -> String {
    let profile = r#"
        name = "trial"
        title = "Trial"
        license = "A licence of its own"
        license_text = "Ask first."
        citation = "Nobody"
        bibtex = "@misc{trial}"
        url = "https://example.org/trial"
        creator = "A laboratory"
        about = "Cells."
        intended_use = "Trials."
        [images]
        pixel_size = 0.65
        [[channels]]
        name = "w1"
        stain = "DAPI"
        excitation_nm = 358
        emission_nm = 461.5
        structure_ids = ["GO:0005634"]
        [columns.dose]
        long_name = "dose"
        description = "Dose of the drug, in µM"
        units = "µM"
        ids = { "1.5" = "X:1" }
        [negative_controls]
        about = "wells without a dose"
        rows = ["dose="]
        [[splits]]
        name = "train"
        rows = ["dataset=train"]
    "#;
    let said = r#"{"version": "1.0.0", "date_published": "2026-11-28"}"#;
    fs::write(input.root().join("rxrx2zarr.json"), said).unwrap();
    let path = input.beside("trial.toml");
    fs::write(&path, profile).unwrap();
    format!("--profile {}", path.display())
}

#[test]
fn the_json_of_plan_is_documented() {
    let input = with_gaps();
    let told = plan(&input.root(), "--json").exits_with(0).json();
    let output = format!("--json --output {}", input.output().display());
    let with_output = plan(&input.root(), &output).exits_with(0).json();
    let whole = plan(&input.root(), &format!("--json {}", whole_profile(&input)));
    let whole = whole.exits_with(0).json();
    fs::remove_file(input.root().join("rxrx2zarr.json")).unwrap();
    let unknown = plan(&input.root(), "--json").exits_with(0).json();
    assert!(unknown["profile"]["name"].is_null());
    holds("### plan", &[told, with_output, whole, unknown]);
}

#[test]
fn the_json_of_convert_is_documented() {
    let (input, told) = converted_with_gaps();
    let options = format!("{GAPS} --json --license MIT");
    let other = convert(&input.root(), &input.output(), &options);
    holds("### convert", &[told, other.exits_with(3).json()]);
}

#[test]
fn the_json_of_jobs_is_documented() {
    let input = with_gaps();
    let output = input.output();
    let output = output.to_str().unwrap();
    let root = input.root();
    let options = format!("{GAPS} --parts 2 --json");
    let init = || {
        let words = ["job", "init", root.to_str().unwrap(), output];
        let told = run(words.into_iter().chain(options.split_whitespace()));
        told.exits_with(0).json()
    };
    let job = |words: &[&str], code: i32| {
        let words = ["job", words[0], output]
            .into_iter()
            .chain(words[1..].iter().copied());
        run(words.chain(["--json"])).exits_with(code).json()
    };
    let begun = init();
    let first = job(&["run", "1"], 0);
    job(&["run", "0", "--input", "/nowhere"], 1);
    let (worker, alone) = super::super::jobs::told_of_running();
    let half = job(&["status"], 0);
    let rest = job(&["run", "0-2"], 0);
    let sealed = job(&["seal"], 3);
    holds("### job seal", &[sealed, job(&["seal"], 3)]);
    holds("### job run", &[first, rest, job(&["run", "0"], 0)]);
    holds(
        "### job status",
        &[half, worker, alone, job(&["status"], 0)],
    );
    let otherwise = run([
        "job",
        "init",
        root.to_str().unwrap(),
        output,
        "--parts",
        "2",
        "--json",
        "--license",
        "MIT",
    ]
    .into_iter()
    .chain(GAPS.split_whitespace()));
    let otherwise = otherwise.exits_with(0).json();
    holds("### job init", &[begun, init(), otherwise]);
}

#[test]
fn the_json_of_verify_is_documented() {
    let (input, _) = converted_with_gaps();
    let clean = verify(&input.output(), "--json").exits_with(0).json();
    let shard = input.output().join("images.zarr/images/c/1/0/0/0");
    let mut bytes = fs::read(&shard).unwrap();
    bytes[10] ^= 1;
    fs::write(shard, bytes).unwrap();
    input.write_image(0, 1, 12, 20);
    let pixels = fs::read(input.image(4, 1)).unwrap();
    fs::write(input.image(0, 1), pixels).unwrap();
    let options = format!("--json --source {}", input.root().display());
    let damaged = verify(&input.output(), &options).exits_with(1).json();
    holds("### verify", &[clean, damaged]);
}

#[test]
fn the_json_of_info_is_documented() {
    let input = Input::of_sites(3);
    let embeddings = input.beside("embeddings.csv");
    let row = format!("site_id,feature_0\n{},1.5\n", input.site_id(0));
    fs::write(&embeddings, row).unwrap();
    let options = format!(
        "--tile 8 --embeddings {} --include HUVEC-01 --exclude well=B10 --controls sirna= {}",
        embeddings.display(),
        whole_profile(&input)
    );
    convert(&input.root(), &input.output(), &options).exits_with(0);
    let full = info(&input.output(), "--json").exits_with(0).json();
    let (gaps, _) = converted_with_gaps();
    let whole = info(&gaps.output(), "--json").exits_with(0).json();
    let shard = |number: usize| {
        let key = format!("images.zarr/images/c/{number}/0/0/0");
        gaps.output().join(key)
    };
    fs::remove_file(shard(0)).unwrap();
    fs::write(shard(1), b"cut").unwrap();
    let lost = info(&gaps.output(), "--json").exits_with(1).json();
    let named = [of_other_names(), of_path_columns()];
    holds(
        "### info",
        &[[full, whole, lost].as_slice(), &named].concat(),
    );
}

/// The JSON of `info` for JPEG 2000 images whose names are read by a pattern.
fn of_other_names() -> Value {
    let images = concat!(env!("CARGO_MANIFEST_DIR"), "/../decoder/tests/images");
    let folder = tempfile::tempdir().unwrap();
    let (input, output) = (folder.path().join("screen"), folder.path().join("out"));
    fs::create_dir(&input).unwrap();
    for z in [1, 2] {
        let image = format!("B02_f1_z{z}_t1_DNA.jp2");
        fs::copy(format!("{images}/lossy-0{z}.jp2"), input.join(image)).unwrap();
    }
    let options = "--pattern {well}_f{site}_z{z}_t{t}_{channel}.jp2 --channels DNA --z 2 --t 1 \
                   --experiment screen-1 --only-present";
    convert(&input, &output, options).exits_with(0);
    info(&output, "--json").exits_with(0).json()
}

/// The JSON of `info` for images whose paths are in columns of the table.
fn of_path_columns() -> Value {
    let input = Input::of_sites(1);
    let path = input.image(0, 1);
    let path = path.strip_prefix(input.root()).unwrap();
    let table = format!("plate,well,Path\n1,B02,{}\n", path.display());
    fs::write(input.root().join("metadata.csv"), table).unwrap();
    let options = "--path-column DNA=Path --experiment screen-1";
    convert(&input.root(), &input.output(), options).exits_with(0);
    info(&input.output(), "--json").exits_with(0).json()
}

#[test]
fn the_json_of_info_about_an_unfinished_dataset_is_documented() {
    let input = unfinished();
    let stopped = info(&input.output(), "--json").exits_with(1).json();
    assert!(stopped["running"].is_null());
    // A stopped process still holds the lock.
    let (ended, busy) = running(|input, signal| {
        signal("STOP");
        let told = info(&input.output(), "--json");
        signal("CONT");
        told
    });
    ended.exits_with(0);
    let input = with_gaps();
    let (root, output) = (input.root(), input.output());
    let output = output.to_str().unwrap();
    let words = [
        "job",
        "init",
        root.to_str().unwrap(),
        output,
        "--parts",
        "2",
    ];
    run(words.into_iter().chain(GAPS.split_whitespace())).exits_with(0);
    let of_job = info(&input.output(), "--json").exits_with(1).json();
    assert_eq!(of_job["parts"], 2);
    holds(
        "### info of an unfinished dataset",
        &[stopped, busy.exits_with(1).json(), of_job],
    );
}

#[test]
fn the_json_of_report_is_documented() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    let sample = path("flawed");
    let make = [
        "sample", &sample, "--flaws", "--sites", "48", "--size", "64",
    ];
    run(make).exits_with(0);
    let (input, output) = (folder.path().join("flawed"), folder.path().join("out"));
    convert(&input, &output, "--allow-missing").exits_with(3);
    let flawed = run(["report", &path("out"), "--json"]).exits_with(0).json();
    for kind in ["missing", "saturated", "empty", "edge", "equal", "vignette"] {
        assert!(
            flawed["counts"][kind].is_u64(),
            "{kind}: {}",
            flawed["counts"]
        );
    }
    let (gaps, _) = converted_with_gaps();
    let dataset = gaps.output();
    let few = run([
        "report",
        dataset.to_str().unwrap(),
        "--json",
        "--fail-on-flags",
    ]);
    holds("### report", &[flawed, few.exits_with(4).json()]);
}

#[test]
fn the_json_of_montage_and_serve_is_documented() {
    let input = Input::of_sites(3);
    convert(&input.root(), &input.output(), "").exits_with(0);
    let (dataset, picture) = (input.output(), input.beside("site.png"));
    let words = [
        "montage",
        dataset.to_str().unwrap(),
        "--include",
        "well=B02",
    ];
    let words = words.into_iter().chain(["--json", "--output"]);
    let drawn = run(words.chain([picture.to_str().unwrap()]));
    holds("### montage", &[drawn.exits_with(0).json()]);
    let (_, told) = served(&dataset, "TERM");
    holds("### serve", &[told]);
}

#[test]
fn the_json_of_publish_is_documented() {
    let (input, _) = converted_with_gaps();
    let server = Server::start();
    let url = server.url("dataset");
    let options = "--store-option region=us-east-1 --json";
    let planned = publish(&input.output(), &url, &format!("{options} --dry-run"));
    let planned = planned.exits_with(0).json();
    assert_eq!(server.keys("dataset"), [""; 0]);
    let done = publish(&input.output(), &url, &format!("{options} --verify"));
    let done = done.exits_with(0).json();
    // One more has the checksums of the store.
    assert_eq!(server.keys("dataset").len() as u64 - 1, done["objects"]);
    holds("### publish", &[planned, done]);
}

#[test]
fn the_json_of_clean_is_documented() {
    let (input, _) = converted_with_gaps();
    let output = input.output();
    let clean = |options: &[&str]| {
        let arguments = ["clean", output.to_str().unwrap(), "--json"];
        run(arguments.into_iter().chain(options.iter().copied()))
    };
    let done = clean(&["--dry-run", "--abandon"]).exits_with(0).json();
    assert_eq!(done["unfinished"], false);
    holds("### clean", &[done, clean(&[]).exits_with(0).json()]);
}

#[test]
fn the_json_of_verify_without_a_download_is_documented() {
    let (input, _) = converted_with_gaps();
    let server = Server::start();
    let url = server.url("dataset");
    let options = "--store-option region=us-east-1";
    publish(&input.output(), &url, options).exits_with(0);
    let by_store = || {
        run([
            "verify",
            &url,
            "--no-download",
            "--store-option",
            "region=us-east-1",
            "--json",
        ])
    };
    let whole = by_store().exits_with(0).json();
    server.change("dataset", "images.zarr/images/c/0/0/0/0", Some(b"other"));
    server.change("dataset", "planes.parquet", None);
    server.change("dataset", "notes.txt", Some(b"mine"));
    let changed = by_store().exits_with(1).json();
    server.change("dataset", "store-checksums.json", None);
    let unproven = by_store().exits_with(1).json();
    holds("### verify --no-download", &[whole, changed, unproven]);
}

#[test]
fn a_plan_that_would_be_refused_is_printed_whole() {
    let input = Input::of_sites(2);
    for site in 0..2 {
        for channel in [1, 2] {
            input.write_image(site, channel, 30, 30);
        }
    }
    let profile = whole_profile(&input);
    let output = format!("--json {profile} --output {}", input.output().display());
    let told = plan(&input.root(), &output).exits_with(1).json();
    assert_eq!(told["problems"][0]["kind"], "mixed_shapes");
    fs::remove_file(input.root().join("rxrx2zarr.json")).unwrap();
    let unknown = plan(&input.root(), "--json").exits_with(1).json();
    holds("### plan", &[told, unknown]);
}
