//! Converts real RxRx1 files, where the machine has them.

use super::dataset::Dataset;
use super::input::decoded;
use super::real_data::real_data;
use super::run::convert;

#[test]
fn missing_planes_are_named_and_nothing_is_written() {
    let Some(input) = real_data("") else { return };
    let place = tempfile::tempdir().unwrap();
    let output = place.path().join("out");
    convert(&input, &output, "").exits_with(1).reports_each(&[
        "planes without an image: 24",
        "HEPG2-01_1_B02_2: no w",
        "HUVEC-01_4_B02_2: no w",
        "RPE-01_3_B02_2: no w",
    ]);
    assert_eq!(std::fs::read_dir(place.path()).unwrap().count(), 0);
}

#[test]
fn every_present_plane_is_what_another_decoder_reads() {
    let Some(input) = real_data("") else { return };
    let place = tempfile::tempdir().unwrap();
    let output = place.path().join("out");
    let told = convert(&input, &output, "--allow-missing --json")
        .exits_with(3)
        .json();
    assert_eq!(told["sites"], 24);
    assert_eq!(
        told["planes"],
        serde_json::json!({"ok": 120, "missing": 24, "unreadable": 0, "corrupt": 0})
    );

    let dataset = Dataset::at(output);
    let planes = dataset.planes();
    let sources = dataset.planes_table().texts("source");
    assert_eq!((planes.len(), sources.len()), (144, 144));
    for (plane, source) in planes.iter().zip(&sources) {
        match source {
            Some(source) => assert!(*plane == decoded(&input.join(source)), "{source}"),
            None => assert!(plane.iter().all(|&pixel| pixel == 0)),
        }
    }
    let present = dataset.label::<bool>("present");
    assert!(
        present.iter().eq(sources
            .iter()
            .map(Option::is_some)
            .collect::<Vec<_>>()
            .iter())
    );
}
