//! What a dataset says of itself, and who decides.

use std::fs;

use super::run::{convert, info, run};

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
