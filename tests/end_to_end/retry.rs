//! `--retry-bad`: bad images that were repaired are converted.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use super::dataset::{Dataset, files_below};
use super::input::Input;
use super::real_data::real_data;
use super::run::{convert, verify};

/// Five ways to damage an image, with a word of the report of each.
type Damage = fn(&[u8]) -> Vec<u8>;

const DAMAGES: [(Damage, &str); 5] = [
    (|png| png[..png.len() / 2].to_vec(), "truncated"),
    (|png| [b"JUNK", &png[4..]].concat(), "neither PNG"),
    (|png| flipped(png, png.len() / 2), ""),
    (|_| Vec::new(), "empty"),
    (|png| png[..png.len() - 13].to_vec(), "truncated"),
];

fn flipped(png: &[u8], at: usize) -> Vec<u8> {
    let mut png = png.to_vec();
    png[at] ^= 0x10;
    png
}

#[test]
fn repaired_images_are_converted_with_the_settings_of_the_dataset() {
    let input = Input::of_sites(12);
    let options = format!(
        "--shard-sites 2 --codec zstd --exclude site_id={} --dataset-name Mine",
        input.site_id(0)
    );
    convert(&input.root(), &input.beside("whole"), &options).exits_with(0);
    let whole = files_below(&input.beside("whole"));
    let (missing, corrupt) = (input.image(1, 2), input.image(10, 5));
    let good = [&missing, &corrupt].map(|path| fs::read(path).unwrap());
    fs::remove_file(&missing).unwrap();
    fs::write(&corrupt, "no PNG").unwrap();
    let told = convert(
        &input.root(),
        &input.output(),
        &format!("{options} --allow-missing --json"),
    )
    .exits_with(3)
    .json();
    assert_eq!(told["planes"]["ok"], whole_planes(&whole) - 2);

    // Nothing is repaired yet: everything stays as it is.
    let before = files_below(&input.output());
    convert(&input.root(), &input.output(), "--retry-bad").exits_with(3);
    assert!(files_below(&input.output()) == before);
    fs::write(&missing, &good[0]).unwrap();
    convert(&input.root(), &input.output(), "--retry-bad").exits_with(3);
    fs::write(&corrupt, &good[1]).unwrap();
    let told = convert(&input.root(), &input.output(), "--retry-bad --json")
        .exits_with(0)
        .json();
    // Only the unit with the bad plane is converted again.
    let sites = told["sites"].as_u64().unwrap();
    assert_eq!(told["sites_before"], sites - 2);
    assert!(files_below(&input.output()) == whole);
    assert!(!input.beside("out.rxrx2zarr").exists());
    convert(&input.root(), &input.output(), "--retry-bad")
        .exits_with(0)
        .reports_each(&["complete already"]);
}

fn whole_planes(objects: &BTreeMap<String, Vec<u8>>) -> u64 {
    let root = serde_json::from_slice::<serde_json::Value>(&objects["images.zarr/zarr.json"]);
    let planes = root.unwrap()["attributes"]["planes"].take();
    let planes: serde_json::Value = serde_json::from_str(planes.as_str().unwrap()).unwrap();
    planes["ok"].as_u64().unwrap()
}

#[test]
fn a_retry_takes_no_other_settings() {
    let input = Input::of_sites(2);
    for options in ["--codec zstd", "--overwrite", "--shard-sites 4", "--strict"] {
        convert(
            &input.root(),
            &input.output(),
            &format!("--retry-bad {options}"),
        )
        .exits_with(2);
    }
    convert(&input.root(), &input.output(), "--retry-bad")
        .exits_with(1)
        .reports_each(&["out", "not a complete dataset"]);
}

#[test]
fn an_incomplete_input_loses_no_pixel() {
    let input = Input::of_sites(6);
    fs::write(input.image(0, 1), "no PNG").unwrap();
    convert(&input.root(), &input.output(), "--shard-sites 2").exits_with(3);
    let before = files_below(&input.output());
    // The folder now holds little more than the repaired image.
    let good = fs::read(input.image(1, 1)).unwrap();
    input.write_image(0, 1, 12, 20);
    fs::remove_file(input.image(1, 1)).unwrap();
    fs::remove_file(input.image(5, 6)).unwrap();
    convert(&input.root(), &input.output(), "--retry-bad")
        .exits_with(1)
        .reports_each(&["no longer in the input: 2", &input.site_id(1)]);
    assert!(
        files_below(&input.output()) == before,
        "still sealed, still whole"
    );

    // And one that was good and is damaged now leaves its unit as it was.
    input.write_image(5, 6, 12, 20);
    fs::write(input.image(1, 1), &good[..good.len() / 2]).unwrap();
    convert(&input.root(), &input.output(), "--retry-bad")
        .exits_with(3)
        .reports_each(&["stays as it was", &input.image_name(1, 1)]);
    assert!(files_below(&input.output()) == before);
    verify(&input.output(), "").exits_with(0);
}

#[test]
fn an_interrupted_retry_is_finished_by_the_next() {
    let input = Input::of_sites(8);
    convert(&input.root(), &input.beside("whole"), "--shard-sites 1").exits_with(0);
    let good = fs::read(input.image(6, 1)).unwrap();
    fs::write(input.image(6, 1), "no PNG").unwrap();
    convert(&input.root(), &input.output(), "--shard-sites 1").exits_with(3);
    fs::write(input.image(6, 1), &good).unwrap();
    // A folder where the shard was: it cannot be replaced.
    let shard = input.output().join("images.zarr/images/c/6/0/0");
    let aside = input.beside("aside");
    fs::rename(&shard, &aside).unwrap();
    convert(&input.root(), &input.output(), "--retry-bad").exits_with(1);
    fs::rename(&aside, &shard).unwrap();
    assert!(
        Dataset::at(input.output()).is_sealed(),
        "refused before it began"
    );
    convert(&input.root(), &input.output(), "--retry-bad").exits_with(0);
    assert!(files_below(&input.output()) == files_below(&input.beside("whole")));
}

/// Damages five images of `input` that `options` convert, retries once they are
/// repaired, and demands the exit code and the bytes of a run over good ones.
fn five_damages(input: &Path, images: &[String], place: &Path, options: &str, code: i32) {
    let whole = place.join("whole");
    convert(input, &whole, options).exits_with(code);
    let expected = Dataset::at(&whole).planes();
    let good: Vec<Vec<u8>> = images
        .iter()
        .map(|name| fs::read(input.join(name)).unwrap())
        .collect();
    for ((name, png), (damage, _)) in images.iter().zip(&good).zip(DAMAGES) {
        fs::write(input.join(name), damage(png)).unwrap();
    }

    let output = place.join("out");
    let told = convert(input, &output, &format!("{options} --json"))
        .exits_with(3)
        .json();
    assert_eq!(told["planes"]["corrupt"], 5);
    let causes = told["refused"].as_array().unwrap();
    let counts = causes.iter().map(|cause| cause["count"].as_u64().unwrap());
    assert_eq!(counts.sum::<u64>(), 5);
    let dataset = Dataset::at(&output);
    let table = dataset.planes_table();
    let (sources, statuses, errors) = (
        table.texts("source"),
        table.texts("status"),
        table.texts("error"),
    );
    let planes = dataset.planes();
    for (plane, source) in sources.iter().enumerate() {
        let bad = images
            .iter()
            .position(|image| source.as_ref() == Some(image));
        let pixels = &planes[plane];
        match bad {
            Some(bad) => {
                assert_eq!(statuses[plane].as_deref(), Some("corrupt"));
                let error = errors[plane].as_ref().unwrap();
                assert!(error.contains(DAMAGES[bad].1), "{bad}: {error}");
                assert!(pixels.iter().all(|&pixel| pixel == 0));
            }
            None => assert!(*pixels == expected[plane], "{source:?}"),
        }
    }

    for (name, png) in images.iter().zip(&good) {
        fs::write(input.join(name), png).unwrap();
    }
    convert(input, &output, "--retry-bad").exits_with(code);
    assert!(files_below(&output) == files_below(&whole));
}

#[test]
fn five_damages_are_distinguished_and_repaired() {
    let input = Input::of_sites(9);
    let images: Vec<String> = (1..=5)
        .map(|channel| input.image_name(3, channel))
        .collect();
    let place = tempfile::tempdir().unwrap();
    five_damages(&input.root(), &images, place.path(), "--shard-sites 2", 0);
}

#[test]
fn five_damages_of_real_files_are_distinguished_and_repaired() {
    let Some(real) = real_data("") else { return };
    let place = tempfile::tempdir().unwrap();
    let input = place.path().join("in");
    for (name, bytes) in files_below(&real) {
        let path = input.join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, bytes).unwrap();
    }
    let names = files_below(&input).into_keys();
    let images: Vec<String> = names.filter(|name| name.ends_with(".png")).collect();
    let chosen: Vec<String> = images.iter().step_by(23).take(5).cloned().collect();
    let options = "--allow-missing --shard-sites 8";
    five_damages(&input, &chosen, place.path(), options, 3);
}
