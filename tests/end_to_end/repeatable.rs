//! Same input, same settings, same bytes.

use super::dataset::Dataset;
use super::input::{Input, Spec};
use super::run::{convert, run};

#[test]
fn jobs_and_location_do_not_change_bytes() {
    let input = Input::of_sites(11);
    let options = "--shard-sites 4 --chunk-sites 2";
    let converted = |name: &str, more: &str| {
        let output = input.beside(name);
        convert(&input.root(), &output, &format!("{options} {more}")).exits_with(0);
        Dataset::at(output).objects()
    };
    let expected = converted("one", "--jobs 1");
    assert_eq!(converted("two", "--jobs 2"), expected);
    assert_eq!(converted("seven", "--jobs 7 -v"), expected);
    assert_eq!(
        converted("far/away from/here", "--jobs 7 -q --json"),
        expected
    );
}

#[test]
fn jobs_do_not_change_the_report_of_bad_images() {
    let input = Input::of_sites(9);
    for (site, channel) in [(2, 3), (3, 1), (8, 6)] {
        std::fs::write(input.image(site, channel), "no PNG").unwrap();
    }
    std::fs::remove_file(input.image(5, 5)).unwrap();
    let converted = |jobs: &str| {
        let output = input.beside(jobs);
        let options = format!("--allow-missing --shard-sites 2 --json --jobs {jobs}");
        let mut result = convert(&input.root(), &output, &options)
            .exits_with(3)
            .json();
        result["seconds"] = 0.into();
        (result, Dataset::at(output).objects())
    };
    assert_eq!(converted("1"), converted("7"));
}

#[test]
fn padded_and_unpadded_names_are_the_same_experiments() {
    // Ten experiments: as text, HUVEC-10 would come before HUVEC-2.
    let spec = |folder_name, table_name| Spec {
        sites: 80,
        channels: vec![1, 2],
        height: 2,
        width: 3,
        folder_name,
        table_name,
        ..Spec::default()
    };
    let input = |spec: Spec| {
        let input = Input::new(spec);
        convert(&input.root(), &input.output(), "").exits_with(0);
        let dataset = Dataset::at(input.output());
        dataset.has_pixels_of(&input);
        (dataset.planes(), dataset.label::<String>("experiment"))
    };
    let (pixels, names) = input(spec("HUVEC-", "HUVEC-"));
    assert_eq!(names[79], "HUVEC-10");
    let (padded, names) = input(spec("HUVEC-00", "HUVEC-"));
    assert_eq!(padded, pixels);
    assert_eq!(names[79], "HUVEC-10");
    let (unpadded, names) = input(spec("HUVEC-", "HUVEC-0"));
    assert_eq!(unpadded, pixels);
    assert_eq!(names[79], "HUVEC-010", "the table's own spelling is kept");
}

#[test]
fn a_sample_is_the_same_for_a_seed() {
    let place = tempfile::tempdir().unwrap();
    let sample = |name: &str, seed: &str| {
        let dest = place.path().join(name);
        let options = ["--sites", "2", "--size", "48", "--seed", seed];
        run(["sample", dest.to_str().unwrap()]
            .into_iter()
            .chain(options))
        .exits_with(0);
        super::dataset::files_below(&dest)
    };
    let files = sample("a", "5");
    // Six images a site, the table, and what the sample says of itself.
    assert_eq!(files.len(), 14);
    assert_eq!(sample("b", "5"), files);
    assert_ne!(sample("c", "6"), files);
}

#[test]
fn a_sample_converts_without_warnings() {
    let place = tempfile::tempdir().unwrap();
    let (dest, output) = (place.path().join("in"), place.path().join("out"));
    run([
        "sample",
        dest.to_str().unwrap(),
        "--sites",
        "5",
        "--size",
        "48",
        "-q",
    ])
    .exits_with(0);
    let converted = convert(&dest, &output, "-q").exits_with(0);
    assert_eq!(converted.stderr, "");
    let dataset = Dataset::at(output);
    let sources = dataset.planes_table().texts("source");
    let planes = dataset.planes();
    assert_eq!((planes.len(), sources.len()), (30, 30));
    for (plane, source) in planes.iter().zip(&sources) {
        let source = dest.join(source.as_ref().unwrap());
        assert_eq!(*plane, super::input::decoded(&source), "{source:?}");
    }
}
