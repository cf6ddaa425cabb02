//! A zip archive as INPUT: as good as the folder that it was made from.

use std::fs::{self, File};
use std::io::Write;
use std::path::PathBuf;

use serde_json::{Value, json};
use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, ZipWriter};

use super::dataset::{Dataset, files_below};
use super::input::{Input, Spec};
use super::run::{convert, plan, run, verify};

/// How to pack.
#[derive(Clone, Copy)]
struct Packing {
    method: CompressionMethod,
    zip64: bool,
    /// Neither the order of the paths nor that of the array.
    shuffled: bool,
    prefix: &'static str,
    tables: bool,
}

const STORED: Packing = Packing {
    method: CompressionMethod::Stored,
    zip64: false,
    shuffled: false,
    prefix: "",
    tables: true,
};

const DEFLATED: Packing = Packing {
    method: CompressionMethod::Deflated,
    ..STORED
};

/// Packs what is in the folder of `input` into an archive beside it.
fn zip(input: &Input, name: &str, packing: Packing) -> PathBuf {
    let path = input.beside(name);
    let mut writer = ZipWriter::new(File::create(&path).unwrap());
    let options = SimpleFileOptions::default()
        .compression_method(packing.method)
        .large_file(packing.zip64);
    let mut files: Vec<_> = files_below(&input.root()).into_iter().collect();
    if packing.shuffled {
        files.sort_by_key(|(name, _)| name.bytes().rev().collect::<Vec<_>>());
    }
    for (name, bytes) in files {
        if packing.tables || name.ends_with(".png") {
            let name = format!("{}{name}", packing.prefix);
            writer.start_file(name, options).unwrap();
            writer.write_all(&bytes).unwrap();
        }
    }
    writer.finish().unwrap();
    path
}

/// Changes the archive's bytes from where the `number`th `pattern` is.
fn patch(archive: &PathBuf, pattern: &[u8], number: usize, at: usize, value: &[u8]) {
    let mut bytes = fs::read(archive).unwrap();
    let found = bytes.windows(pattern.len()).enumerate();
    let mut found = found.filter(|(_, window)| *window == pattern);
    let place = found.nth(number).unwrap().0 + at;
    bytes[place..place + value.len()].copy_from_slice(value);
    fs::write(archive, bytes).unwrap();
}

const LOCAL: &[u8] = b"PK\x03\x04";
const CENTRAL: &[u8] = b"PK\x01\x02";

#[test]
fn an_archive_makes_the_dataset_that_its_folder_makes() {
    let input = Input::of_sites(10);
    let described = r#"{"name": "Mine", "license": "MIT", "citation": "me"}"#;
    fs::write(input.root().join("rxrx2zarr.json"), described).unwrap();
    let options = "--shard-sites 4 --chunk-sites 2 --chunk-channels 4";
    convert(&input.root(), &input.output(), options).exits_with(0);
    let expected = files_below(&input.output());
    for (name, packing) in [
        ("stored.zip", STORED),
        ("deflated.zip", DEFLATED),
        (
            "large.zip",
            Packing {
                zip64: true,
                ..DEFLATED
            },
        ),
        (
            "shuffled.zip",
            Packing {
                shuffled: true,
                ..STORED
            },
        ),
        // The content decides, not the name.
        ("archive.png", STORED),
    ] {
        let archive = zip(&input, name, packing);
        let output = input.beside(&format!("{name}-out"));
        convert(&archive, &output, options).exits_with(0);
        assert!(files_below(&output) == expected, "{name}");
        let source = format!("--source {} --json", archive.display());
        let report = verify(&output, &source).exits_with(0).json();
        assert_eq!(report["compared"], 10 * 6);
        verify(&input.output(), &source).exits_with(0);
    }
    assert_eq!(
        Dataset::at(input.output()).json("croissant.json")["name"],
        "Mine"
    );
}

#[test]
fn the_table_may_be_in_an_archive_of_its_own() {
    let input = Input::of_sites(4);
    let images = Packing {
        tables: false,
        prefix: "rxrx1/",
        ..STORED
    };
    let images = zip(&input, "rxrx1-images.zip", images);
    let mut table = ZipWriter::new(File::create(input.beside("rxrx1-metadata.zip")).unwrap());
    table
        .start_file("rxrx1/metadata.csv", SimpleFileOptions::default())
        .unwrap();
    table
        .write_all(&fs::read(input.table_path()).unwrap())
        .unwrap();
    table.finish().unwrap();
    plan(&images, "").exits_with(1).reports_each(&[
        "no metadata.csv",
        "rxrx1-images.zip",
        "--metadata",
    ]);
    let table = input.beside("rxrx1-metadata.zip");
    let options = format!("--metadata {}", table.display());
    convert(&images, &input.output(), &options).exits_with(0);
    let planes = Dataset::at(input.output()).planes_table();
    let sources = planes.texts("source");
    assert_eq!(
        sources[0].as_deref(),
        Some(&*format!("rxrx1/{}", input.image_name(0, 1)))
    );
    verify(
        &input.output(),
        &format!("--source {} {options}", images.display()),
    )
    .exits_with(0);
}

#[test]
fn a_plan_says_what_is_in_an_archive() {
    let input = Input::of_sites(4);
    let folder = plan(&input.root(), "--json").exits_with(0).json();
    let archive = zip(&input, "a.zip", DEFLATED);
    let mut planned = plan(&archive, "--json").exits_with(0).json();
    assert_eq!(planned["input"], *archive.to_string_lossy());
    let table = archive.join("metadata.csv");
    assert_eq!(planned["metadata"], *table.to_string_lossy());
    assert_eq!(planned["tables"], json!([table.to_string_lossy()]));
    // The memory of the table is measured, and differs by some pages.
    for key in ["input", "metadata", "tables", "memory"] {
        planned[key] = folder[key].clone();
    }
    assert_eq!(planned, folder);
}

#[test]
fn bad_entries_are_bad_images() {
    let input = Input::of_sites(4);
    let archive = zip(&input, "a.zip", STORED);
    // In the order of the paths: the first image's data, the second's method,
    // the third's encryption, the fourth's place.
    patch(&archive, b"IDAT", 0, 5, b"\xff\xff");
    for (pattern, at) in [(LOCAL, 8), (CENTRAL, 10)] {
        patch(&archive, pattern, 1, at, &[12]);
    }
    for (pattern, at) in [(LOCAL, 6), (CENTRAL, 8)] {
        patch(&archive, pattern, 2, at, &[1]);
    }
    patch(&archive, CENTRAL, 3, 42, &[0xff, 0xff, 0xff, 0x7f]);
    convert(&archive, &input.beside("strict"), "--strict")
        .exits_with(1)
        .reports_each(&["cannot read image images/HUVEC-01/Plate1/B02_s1_w1.png"]);
    let done = convert(&archive, &input.output(), "--json").exits_with(3);
    let refused = done.json()["refused"].clone();
    let count = |cause: &str| -> u64 {
        let refused = refused.as_array().unwrap().iter();
        let of = refused.filter(|refused| refused["cause"] == cause);
        of.filter_map(|refused| refused["count"].as_u64()).sum()
    };
    let causes = [
        "archive_checksum",
        "packing_method",
        "encrypted",
        "archive_entry",
    ];
    assert_eq!(causes.map(count), [1; 4], "{refused}");

    // Once the archive is right again, so can be the dataset.
    zip(&input, "a.zip", STORED);
    convert(&archive, &input.output(), "--retry-bad").exits_with(0);
    convert(&input.root(), &input.beside("good"), "").exits_with(0);
    assert!(files_below(&input.output()) == files_below(&input.beside("good")));
}

#[test]
fn a_file_that_is_no_archive_is_an_error_that_names_it() {
    let input = Input::of_sites(2);
    fs::remove_file(input.root().join("rxrx2zarr.json")).unwrap();
    let archive = zip(&input, "a.zip", STORED);
    let whole = fs::read(&archive).unwrap();
    for (bytes, said) in [
        (&whole[..whole.len() / 2], "cut off"),
        (&whole[..whole.len() - 1], "get it again"),
        (b"", "neither a folder nor a zip archive"),
        (b"\x89PNG", "neither a folder nor a zip archive"),
    ] {
        fs::write(&archive, bytes).unwrap();
        convert(&archive, &input.output(), "")
            .exits_with(1)
            .reports_each(&["a.zip", said]);
        assert!(!input.output().exists());
    }
    // All of them encrypted.
    fs::write(&archive, whole).unwrap();
    let entries = files_below(&input.root()).len();
    for number in 0..entries {
        patch(&archive, CENTRAL, number, 8, &[1]);
    }
    let table = format!("--metadata {}", input.table_path().display());
    convert(&archive, &input.output(), &table)
        .exits_with(1)
        .reports_each(&["none of the 12 images", "encrypted", "without a password"]);
}

#[test]
fn names_outside_of_an_archive_are_reported() {
    let input = Input::of_sites(2);
    let archive = zip(&input, "a.zip", STORED);
    let name = input.image_name(0, 1);
    let bad = format!("../{}", &name[3..]);
    for _ in ["local header", "central directory"] {
        patch(&archive, name.as_bytes(), 0, 0, bad.as_bytes());
    }
    let planned = plan(&archive, "--json").json();
    let problems = planned["problems"].as_array().unwrap();
    let kinds: Vec<&Value> = problems.iter().map(|problem| &problem["kind"]).collect();
    assert_eq!(kinds, ["incomplete_sites", "unsafe_names"]);
    assert_eq!(problems[1]["examples"][0], *bad);
    convert(&archive, &input.output(), "").exits_with(1);
    convert(&archive, &input.output(), "--allow-missing").exits_with(3);
}

#[test]
fn an_archive_is_not_written_into_or_over() {
    let input = Input::of_sites(2);
    let archive = zip(&input, "a.zip", STORED);
    fs::create_dir(input.output()).unwrap();
    let inside = input.output().join("a.zip");
    fs::copy(&archive, &inside).unwrap();
    for (input, output) in [(&inside, input.output()), (&archive, archive.clone())] {
        convert(input, &output, "--overwrite")
            .exits_with(1)
            .reports_each(&["must not contain each other"]);
    }
    assert!(inside.exists() && archive.is_file());
}

#[test]
fn an_address_that_cannot_be_used_is_wrong_usage_that_shows_no_secret() {
    let input = Input::of_sites(1);
    let [folder, output] = [input.root(), input.output()].map(|path| path.display().to_string());
    for arguments in [
        &["convert", "s3://me:topsecret@bucket/x.zip", &output][..],
        &["convert", "s3://bucket/x.zip?sig=topsecret", &output],
        &["convert", &folder, "https://host/b/x?sig=topsecret"],
        &["publish", &folder, "https://host/b/x?sig=topsecret"],
        &["info", "https://host/b/x?sig=topsecret"],
        &["plan", &folder, "--store-option", "topsecret"],
        &["plan", &folder, "--metadata", "ftp://host/topsecret/"],
        &["convert", &folder, "s3://bucket"],
        &["publish", &folder, "https://me:topsecret@host/bucket/x"],
    ] {
        let run = run(arguments.iter().copied()).exits_with(2);
        assert!(!run.stderr.is_empty());
        let is_public = arguments.last().unwrap().starts_with("ftp");
        assert!(is_public || !run.stderr.contains("topsecret"), "{run:#?}");
    }
    assert!(!input.output().exists());
}

#[cfg(unix)]
mod cut_off {
    use std::process::{Command, Stdio};
    use std::time::{Duration, Instant};

    use super::*;
    use crate::end_to_end::run::PROGRAM;

    #[test]
    fn a_run_from_an_archive_is_killed_and_continued() {
        let input = Input::new(Spec {
            sites: 100,
            channels: vec![1, 2],
            ..Spec::default()
        });
        const OPTIONS: &str = "--shard-sites 1 --jobs 2";
        let archive = zip(&input, "a.zip", DEFLATED);
        convert(&input.root(), &input.beside("whole"), OPTIONS).exits_with(0);
        let mut command = Command::new(PROGRAM);
        command.arg("convert").arg(&archive).arg(input.output());
        command.args(OPTIONS.split_whitespace());
        let mut running = command.stderr(Stdio::null()).spawn().unwrap();
        let units = input.beside("out.rxrx2zarr/units");
        let start = Instant::now();
        while fs::read_dir(&units).map_or(0, Iterator::count) < 3 {
            assert!(start.elapsed() < Duration::from_secs(60), "nothing is done");
            std::thread::sleep(Duration::from_millis(1));
        }
        running.kill().unwrap();
        running.wait().unwrap();
        assert!(!Dataset::at(input.output()).is_sealed());

        // Packed anew, an archive of the same files is the same source.
        zip(&input, "a.zip", STORED);
        convert(&archive, &input.output(), OPTIONS)
            .exits_with(0)
            .reports_each(&["continuing: "]);
        assert!(files_below(&input.output()) == files_below(&input.beside("whole")));
    }

    #[test]
    fn a_bad_entry_is_tried_again_from_a_repaired_archive() {
        let input = Input::of_sites(4);
        let archive = zip(&input, "a.zip", STORED);
        convert(&archive, &input.output(), "--shard-sites 1").exits_with(0);
        let bad = input.image(2, 3);
        fs::write(&bad, "no image").unwrap();
        zip(&input, "bad.zip", STORED);
        let output = input.beside("second");
        convert(&input.beside("bad.zip"), &output, "--shard-sites 1").exits_with(3);
        input.write_image(2, 3, 12, 20);
        zip(&input, "bad.zip", STORED);
        convert(&input.beside("bad.zip"), &output, "--retry-bad").exits_with(0);
        assert!(files_below(&output) == files_below(&input.output()));
    }
}
