//! A dataset is complete or recognisably not; its books are right.

use std::fs;
use std::path::Path;
use std::process::Command;

use sha2::{Digest, Sha256};

use super::dataset::{Dataset, files_below};
use super::input::{Input, Spec};
use super::run::{PROGRAM, Run, convert};

#[test]
fn the_checksums_cover_every_object() {
    let input = Input::of_sites(5);
    convert(&input.root(), &input.output(), "--shard-sites 2").exits_with(0);
    let mut objects = Dataset::at(input.output()).objects();
    let sums = String::from_utf8(objects.remove("SHA256SUMS").unwrap()).unwrap();
    let sum = |bytes: &[u8]| -> String {
        let digest = Sha256::digest(bytes);
        digest.iter().map(|byte| format!("{byte:02x}")).collect()
    };
    // People edit the card, so the root has its checksum.
    let card = objects.remove("README.md").unwrap();
    let root = Dataset::at(input.output()).json("images.zarr/zarr.json");
    assert_eq!(root["attributes"]["card_sha256"], sum(&card));
    let expected: String = objects
        .iter()
        .map(|(key, bytes)| format!("{}  {key}\n", sum(bytes)))
        .collect();
    assert_eq!(sums, expected);
}

#[test]
fn nothing_else_is_written() {
    let input = Input::of_sites(5);
    convert(&input.root(), &input.output(), "--shard-sites 2").exits_with(0);
    let arrays = [
        "cell_type",
        "channel",
        "color",
        "dataset",
        "dose",
        "experiment",
        "images",
        "overview",
        "plate",
        "present",
        "sirna",
        "sirna_id",
        "site",
        "site_id",
        "site_number",
        "stain",
        "structure",
        "structure_id",
        "well",
        "well_id",
        "well_type",
        "window_end",
        "window_start",
    ];
    let expected_array = |key: &str| {
        let (array, key) = key.split_once('/')?;
        let chunk = match array {
            "images" | "overview" => key
                .strip_prefix("c/")
                .is_some_and(|key| ["0/0/0/0", "1/0/0/0", "2/0/0/0"].contains(&key)),
            "present" => key == "c/0/0",
            _ => key == "c/0",
        };
        (arrays.contains(&array) && (chunk || key == "zarr.json")).then_some(())
    };
    let mut count = 0;
    for key in Dataset::at(input.output()).objects().keys() {
        count += 1;
        match key.strip_prefix("images.zarr/") {
            None => assert!(
                [
                    "README.md",
                    "SHA256SUMS",
                    "channel_stats.parquet",
                    "channels.parquet",
                    "croissant.json",
                    "index.html",
                    "metadata.parquet",
                    "planes.parquet",
                    "plates.parquet"
                ]
                .contains(&key.as_str()),
                "{key}"
            ),
            Some("zarr.json") => {}
            Some(array) => assert!(expected_array(array).is_some(), "{key}"),
        }
    }
    // Nine files, the root, 23 zarr.json, three shards with their overviews, 21 labels.
    assert_eq!(count, 9 + 1 + 23 + 2 * 3 + 21);
    let beside: Vec<String> = fs::read_dir(input.beside(""))
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    assert_eq!(beside.len(), 2, "{beside:?}");
}

#[test]
fn a_strict_run_stops_at_a_bad_image_and_seals_nothing() {
    let input = Input::of_sites(6);
    let name = input.image_name(4, 2);
    let mut png = fs::read(input.image(4, 2)).unwrap();
    png.truncate(60);
    fs::write(input.image(4, 2), png).unwrap();
    convert(
        &input.root(),
        &input.output(),
        "--strict --shard-sites 1 --json",
    )
    .exits_with(1)
    .reports_each(&[&name, "truncated"]);
    assert!(!Dataset::at(input.output()).is_sealed());
}

#[test]
fn a_strict_run_of_good_images_is_an_ordinary_one() {
    let input = Input::of_sites(2);
    convert(&input.root(), &input.output(), "--strict").exits_with(0);
    Dataset::at(input.output()).has_pixels_of(&input);
}

/// Runs a conversion that may write no file of more than `blocks` half KiB.
#[cfg(unix)]
fn convert_with_small_files(input: &Input, blocks: usize, options: &str) -> Run {
    // An ignored XFSZ makes the write fail in place of killing the program.
    let script = format!(r#"trap "" XFSZ; ulimit -f {blocks}; exec "$@" {options}"#);
    Run::of(
        Command::new("sh")
            .args(["-c", &script, "sh", PROGRAM, "convert"])
            .args([input.root(), input.output()]),
    )
}

#[cfg(unix)]
#[test]
fn a_shard_that_cannot_be_written_stops_the_run() {
    let input = Input::new(Spec {
        sites: 9,
        height: 64,
        width: 64,
        ..Spec::default()
    });
    for jobs in ["1", "5"] {
        let options = format!("--shard-sites 1 --jobs {jobs}");
        convert_with_small_files(&input, 8, &options)
            .exits_with(1)
            .reports_each(&["cannot write", "images.zarr/images/c/", "too large"]);
        left_unsealed(&input);
        // A dataset that was to be replaced stays complete.
        let before = files_below(&input.output());
        convert_with_small_files(&input, 8, &format!("{options} --overwrite"))
            .exits_with(1)
            .reports_each(&["cannot write", "images.zarr/images/c/", "too large"]);
        assert_eq!(files_below(&input.output()), before);
        fs::remove_dir_all(input.output()).unwrap();
        fs::remove_dir_all(input.beside("out.rxrx2zarr")).unwrap();
    }
}

#[cfg(unix)]
#[test]
fn a_table_that_cannot_be_written_stops_the_sealing() {
    // One pixel a plane: tables are the largest objects.
    let input = Input::new(Spec {
        sites: 64,
        height: 1,
        width: 1,
        ..Spec::default()
    });
    convert_with_small_files(&input, 8, "--shard-sites 1")
        .exits_with(1)
        .reports_each(&["cannot write", ".parquet"]);
    left_unsealed(&input);
}

/// Demands that no reader takes the output for a dataset, that no torn file is
/// in it, and that a second run can make it whole.
fn left_unsealed(input: &Input) {
    let dataset = Dataset::at(input.output());
    assert!(!dataset.is_sealed());
    let limit = 8 * 512;
    for (key, bytes) in files_below(&input.output()) {
        assert!(bytes.len() < limit, "{key} is as long as the limit: torn");
    }
    let work: &Path = &input.beside("out.rxrx2zarr");
    assert!(work.is_dir());
    assert!(files_below(work).keys().all(|name| !name.ends_with(".tmp")));
    convert(&input.root(), &input.output(), "--overwrite").exits_with(0);
    assert!(dataset.is_sealed() && !work.exists());
    dataset.has_pixels_of(input);
}

#[test]
fn an_output_below_a_file_is_refused() {
    let input = Input::of_sites(1);
    let file = input.beside("file");
    fs::write(&file, "something").unwrap();
    convert(&input.root(), &file.join("out"), "")
        .exits_with(1)
        .reports_each(&["file"]);
    assert_eq!(fs::read_to_string(&file).unwrap(), "something");
}

#[test]
fn the_card_describes_the_dataset() {
    let input = Input::of_sites(10);
    convert(
        &input.root(),
        &input.output(),
        "--exclude sirna= --codec zstd",
    )
    .exits_with(0);
    let card = fs::read_to_string(input.output().join("README.md")).unwrap();
    for text in [
        "# RxRx1\n",
        "6 sites x 6 channels x 12 x 20 pixels (uint8)",
        "CC-BY-NC-SA-4.0",
        "xr.open_zarr",
        "metadata.parquet",
        "| w1 | Hoechst |",
        "| experiment | HUVEC-01 | 5 |",
        "codec `zstd`",
        "Excluded: `sirna=`",
    ] {
        assert!(card.contains(text), "no {text:?} in {card}");
    }
}
