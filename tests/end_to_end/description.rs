//! What a dataset says of itself, and who decides.

use std::fs;

use super::dataset::Dataset;
use super::input::Input;
use super::run::{convert, info, run, verify};

#[test]
fn a_sample_is_never_taken_for_real_data() {
    let folder = tempfile::tempdir().unwrap();
    let (input, output) = (folder.path().join("in"), folder.path().join("out"));
    run([
        "sample",
        input.to_str().unwrap(),
        "--sites",
        "2",
        "--size",
        "16",
    ])
    .exits_with(0);
    convert(&input, &output, "").exits_with(0);
    let said = info(&output, "--json").exits_with(0).json();
    assert_eq!(said["license"], "CC0-1.0");
    assert!(
        said["name"].as_str().unwrap().contains("synthetic"),
        "{said}"
    );

    // What the user says goes first.
    convert(
        &input,
        &output,
        "--overwrite --license MIT --dataset-name cells",
    )
    .exits_with(0);
    let said = info(&output, "--json").exits_with(0).json();
    assert_eq!(
        (&said["license"], &said["name"]),
        (&"MIT".into(), &"cells".into())
    );

    // A file of that name that says nothing of the sort is no reason to guess.
    fs::write(input.join("rxrx2zarr.json"), "{\"name\": 7}").unwrap();
    convert(&input, &output, "--overwrite")
        .exits_with(1)
        .reports_each(&["rxrx2zarr.json"]);
    fs::remove_file(input.join("rxrx2zarr.json")).unwrap();
    convert(&input, &output, "--overwrite").exits_with(0);
    let said = info(&output, "--json").exits_with(0).json();
    assert!(said.get("license").is_none(), "{said}");
    assert_eq!(said["name"], "Unnamed microscopy images");
}

#[test]
fn the_pixel_size_comes_from_the_option_then_the_input_then_the_profile() {
    let input = Input::of_sites(2);
    let output = input.output();
    let profile = input.beside("screen.toml");
    let text = "name = \"screen\"\ntitle = \"Screen\"\n[images]\npixel_size = 0.3\n";
    fs::write(&profile, text).unwrap();
    let profile = format!("--profile {}", profile.display());
    let scale = |options: &str, code: i32| {
        convert(&input.root(), &output, options).exits_with(code);
        let said = Dataset::at(&output).attributes();
        let multiscale = &said["ome"]["multiscales"][0];
        let scale = &multiscale["datasets"][0]["coordinateTransformations"][0]["scale"];
        assert_eq!(scale[2], scale[3]);
        let is_known = multiscale["axes"][3].get("unit").is_some();
        assert_eq!(is_known, said["settings"].get("pixel_size").is_some());
        verify(&output, "").exits_with(0);
        is_known.then(|| scale[3].as_f64().unwrap())
    };
    assert_eq!(scale("", 0), None);
    assert_eq!(scale(&format!("--overwrite {profile}"), 0), Some(0.3));
    fs::write(
        input.root().join("rxrx2zarr.json"),
        r#"{"pixel_size": 0.5}"#,
    )
    .unwrap();
    assert_eq!(scale(&format!("--overwrite {profile}"), 0), Some(0.5));
    let given = format!("--overwrite {profile} --pixel-size 0.65");
    assert_eq!(scale(&given, 0), Some(0.65));

    // A retry keeps it.
    let image = fs::read(input.image(1, 1)).unwrap();
    fs::remove_file(input.image(1, 1)).unwrap();
    assert_eq!(scale(&format!("{given} --allow-missing"), 3), Some(0.65));
    fs::write(input.image(1, 1), image).unwrap();
    assert_eq!(scale(&format!("--retry-bad {profile}"), 0), Some(0.65));

    fs::write(input.root().join("rxrx2zarr.json"), r#"{"pixel_size": -1}"#).unwrap();
    convert(&input.root(), &output, "--overwrite")
        .exits_with(1)
        .reports_each(&["rxrx2zarr.json", "expected micrometres"]);
}
