//! `verify`: what is whole passes, and whatever was done to a dataset is found
//! and found on the right object and site.

mod flips;
mod forged;
mod hostile;
mod source;

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::Value;
use sha2::{Digest, Sha256};

use super::dataset::{Dataset, files_below};
use super::input::Input;
use super::run::{Run, convert, verify};

const SUMS: &str = "SHA256SUMS";

/// Five sites in three shards, one image missing, one corrupt.
fn input_with_gaps() -> Input {
    let input = Input::of_sites(5);
    fs::remove_file(input.image(1, 3)).unwrap();
    fs::write(input.image(3, 6), b"no image").unwrap();
    convert(
        &input.root(),
        &input.output(),
        "--allow-missing --shard-sites 2",
    )
    .exits_with(3);
    input
}

fn shard(number: usize) -> String {
    format!("images.zarr/images/c/{number}/0/0/0")
}

/// Writes `SHA256SUMS` anew, as somebody would who wants to hide something.
fn repair_sums(dataset: &Path) {
    let objects = files_below(dataset).into_iter();
    let lines = objects.filter(|(key, _)| key != SUMS).map(|(key, bytes)| {
        let digest = Sha256::digest(bytes);
        let hex: String = digest.iter().map(|byte| format!("{byte:02x}")).collect();
        format!("{hex}  {key}\n")
    });
    fs::write(dataset.join(SUMS), lines.collect::<String>()).unwrap();
}

/// The findings of `verify` about a damaged dataset.
struct Findings(Value);

impl Findings {
    #[track_caller]
    fn of(dataset: &Path, options: &str) -> Self {
        let run: Run = verify(dataset, &format!("--json {options}")).exits_with(1);
        assert!(!run.stderr.contains("panicked"), "{run:#?}");
        let report = run.json();
        assert_eq!(report["clean"], false);
        Self(report)
    }

    fn objects(&self) -> Vec<&str> {
        let objects = self.0["by_object"].as_object().unwrap();
        objects.keys().map(String::as_str).collect()
    }

    fn sites_touched(&self) -> u64 {
        self.0["sites_touched"].as_u64().unwrap()
    }

    /// Findings of one object: kind, first site, channel, text.
    fn findings(&self, object: &str) -> Vec<[String; 4]> {
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let examples = self.0["by_object"][object]["examples"].as_array();
        let examples = examples.into_iter().flatten();
        examples
            .map(|finding| {
                [
                    text(&finding["kind"]),
                    text(&finding["sites"]["first"]),
                    text(&finding["channel"]),
                    text(&finding["text"]),
                ]
            })
            .collect()
    }

    /// Demands a finding; an empty site or channel stands for none.
    #[track_caller]
    fn names(&self, object: &str, kind: &str, site: &str, channel: &str) -> &Self {
        let named = self
            .findings(object)
            .iter()
            .any(|[k, s, c, _]| k == kind && s == site && c == channel);
        assert!(named, "no {kind} {object} {site} {channel} in {:#}", self.0);
        self
    }
}

/// A copy beside the dataset, to be damaged.
fn copy(input: &Input, name: &str) -> PathBuf {
    let copy = input.beside(name);
    for (key, bytes) in Dataset::at(input.output()).objects() {
        let path = copy.join(key);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, bytes).unwrap();
    }
    copy
}

#[test]
fn an_intact_dataset_has_no_findings() {
    for options in [
        "--shard-sites 2",
        "--shard-sites 4 --chunk-sites 2 --chunk-channels 4 --codec delta-zstd",
        "--codec zstd",
        "--codec blosc-lz4 --include HUVEC-01 --exclude well=B10",
    ] {
        let input = Input::of_sites(9);
        fs::remove_file(input.image(1, 3)).unwrap();
        fs::write(input.image(0, 6), b"no image").unwrap();
        convert(
            &input.root(),
            &input.output(),
            &format!("--allow-missing {options}"),
        )
        .exits_with(3);
        let told = verify(&input.output(), "--json --jobs 3")
            .exits_with(0)
            .json();
        assert_eq!(told["clean"], true, "{options}");
        let sites = told["sites"].as_u64().unwrap();
        assert_eq!(told["planes"], sites * 6);
        let objects = Dataset::at(input.output()).objects();
        assert_eq!(told["objects"], objects.len());
        let source = format!("--json --source {}", input.root().display());
        let told = verify(&input.output(), &source).exits_with(0).json();
        assert_eq!(told["compared"], sites * 6 - 2);
    }
}

#[test]
fn the_report_is_text_without_json() {
    let input = input_with_gaps();
    let run = verify(&input.output(), "").exits_with(0);
    for told in ["5 sites", "30 planes", "all is as recorded"] {
        assert!(run.stdout.contains(told), "{run:#?}");
    }
    fs::remove_file(input.output().join(shard(1))).unwrap();
    let run = verify(&input.output(), "").exits_with(1);
    let (first, last) = (input.site_id(2), input.site_id(3));
    let line = format!("missing, {first} to {last} (2 sites): it is not there");
    for told in [&shard(1), &line, "NOT as recorded: 1 missing"] {
        assert!(run.stdout.contains(told), "{told}: {run:#?}");
    }
}

#[test]
fn an_unsealed_dataset_is_not_verified() {
    let input = input_with_gaps();
    fs::remove_file(input.output().join("images.zarr/zarr.json")).unwrap();
    verify(&input.output(), "")
        .exits_with(1)
        .reports_each(&["is not a whole dataset", "no images.zarr/zarr.json"]);
    verify(&input.root(), "")
        .exits_with(1)
        .reports_each(&["holds images to convert, and no dataset"]);
    verify(&input.output(), "--metadata x").exits_with(2);
}
