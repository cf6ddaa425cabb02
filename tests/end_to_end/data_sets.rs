//! Published data sets: each is recognised by its table and images, and the dataset says of
//! itself what its owners say of it.

mod look_alike;

use std::fs;

use serde_json::{Value, json};

use self::look_alike::{RXRX1, RXRX2, RXRX3, RXRX19A, RXRX19B};
use super::dataset::Dataset;
use super::run::{convert, info, plan, verify};

#[test]
fn rxrx1_is_described() {
    RXRX1.is_described();
}

#[test]
fn rxrx2_is_described() {
    RXRX2.is_described();
}

#[test]
fn rxrx19a_is_described() {
    RXRX19A.is_described();
}

#[test]
fn rxrx19b_is_described() {
    RXRX19B.is_described();
}

#[test]
fn rxrx3_is_described_and_its_table_of_wells_is_read_as_published() {
    let (_place, dataset) = RXRX3.is_described();
    let ids = ["gene-088_1_B02_1", "gene-088_1_B03_1"];
    assert_eq!(dataset.label::<String>("site"), ids);
    assert_eq!(dataset.label::<String>("well"), ["B02", "B03"]);
    assert_eq!(dataset.label::<i32>("site_number"), [1, 1]);
    assert_eq!(dataset.label::<String>("experiment"), ["gene-088"; 2]);
    let card = fs::read_to_string(dataset.path("README.md")).unwrap();
    assert!(
        card.contains("- About the licence (`LICENSE.txt`): RxRx3 is licensed under"),
        "{card}"
    );
    assert!(card.contains("@article{fay2023rxrx3"), "{card}");
    for text in [
        "license: other\n",
        "license_name: \"recursion-non-commercial-end-user-license-agreement\"\n",
        "license_link: \"https://www.rxrx.ai/rxrx3\"\n",
    ] {
        assert!(card.contains(text), "{card}");
    }
    let license = fs::read_to_string(dataset.path("LICENSE.txt")).unwrap();
    assert!(
        license.starts_with("Recursion Non-Commercial End User License Agreement\n\nRxRx3 is"),
        "{license}"
    );
    let sums = fs::read_to_string(dataset.path("SHA256SUMS")).unwrap();
    assert!(sums.contains("  LICENSE.txt\n"), "{sums}");
}

#[test]
fn a_data_set_that_is_not_recognised_is_given_nothing_and_says_what_settles_it() {
    let (_place, input, output) = RXRX19A.folders();
    for site in 0..2 {
        fs::remove_file(RXRX19A.image(&input, site, 5)).unwrap();
    }
    let reasons = "the nearest is rxrx19a, but: 4 channels (expected 5)";
    let planned = plan(&input, "").exits_with(0);
    for text in [
        reasons,
        "licence     not stated",
        "stains      not stated",
        "--profile (rxrx1",
    ] {
        assert!(planned.stdout.contains(text), "{text}: {planned:?}");
    }
    let planned = plan(&input, "--json").exits_with(0).json();
    assert_eq!(planned["profile"]["name"], Value::Null);
    assert_eq!(planned["profile"]["reasons"], json!([reasons]));
    convert(&input, &output, "").exits_with(0).reports_each(&[
        reasons,
        "no licence, no citation and no stains",
        "--profile (rxrx1",
        "--license",
        "rxrx2zarr.json",
    ]);
    let dataset = Dataset::at(&output);
    let said = dataset.attributes();
    for field in [
        "license",
        "citation",
        "url",
        "creator_name",
        "profile",
        "columns",
    ] {
        assert!(said.get(field).is_none(), "{field}: {said}");
    }
    assert_eq!(dataset.label::<String>("stain"), [""; 4]);
    for channel in 1..=4 {
        let window = &said["channels"][channel as usize - 1]["window"];
        assert_eq!(*window, RXRX19A.window(channel));
    }
    assert!(dataset.json("croissant.json").get("license").is_none());
    let notes = dataset.sites_table().notes;
    assert!(!notes.contains_key("license") && !notes.contains_key("citation"));
    let told = info(&output, "").exits_with(0).stdout;
    assert!(told.contains("licence     not stated"), "{told}");
    verify(&output, "").exits_with(0);
}

#[test]
fn the_option_goes_before_the_file_in_input_and_that_before_the_evidence() {
    let (place, input, output) = RXRX1.folders();
    let described = |options: &str| {
        convert(&input, &output, &format!("--overwrite {options}")).exits_with(0);
        Dataset::at(&output).attributes()
    };
    let said = described("--profile rxrx19b");
    assert_eq!(
        (&said["title"], &said["license"]),
        (&json!("RxRx19b"), &json!("CC-BY-4.0"))
    );

    let mine = place.path().join("mine.toml");
    let text = "name = \"mine\"\ntitle = \"Mine\"\nlicense = \"MIT\"\n\n[[channels]]\n\
                name = \"w2\"\nstain = \"DAPI\"\nwindow = [7, 70]\n";
    fs::write(&mine, text).unwrap();
    let said = described(&format!("--profile {}", mine.display()));
    assert_eq!(
        (&said["title"], &said["license"]),
        (&json!("Mine"), &json!("MIT"))
    );
    let channel = &said["channels"][1];
    assert_eq!(
        (&channel["stain"], &channel["window"]["end"]),
        (&json!("DAPI"), &json!(70))
    );
    assert_eq!(said["channels"][0]["stain"], "");

    let said = described("--profile none");
    assert!(said.get("license").is_none(), "{said}");

    let file = input.join("rxrx2zarr.json");
    let text =
        r#"{"citation": "me", "channels": [{"name": "w5", "stain": "WGA"}, {"name": "w7"}]}"#;
    fs::write(&file, text).unwrap();
    let problems = plan(&input, "--json").exits_with(0).json()["problems"].clone();
    assert_eq!(problems[0]["kind"], "described_channels");
    assert_eq!(problems[0]["examples"], json!(["w7"]));
    let said = described("--license CC0-1.0");
    assert_eq!(
        (&said["license"], &said["citation"]),
        (&json!("CC0-1.0"), &json!("me"))
    );
    assert_eq!(said["title"], "RxRx1");
    let stains = |at: usize| said["channels"][at]["stain"].clone();
    assert_eq!((stains(4), stains(5)), (json!("WGA"), json!("WGA")));

    for (text, reason) in [
        (r#"{"licence": "MIT"}"#, "unknown field `licence`"),
        (
            r#"{"channels": [{"name": "w1", "colour": "red"}]}"#,
            "unknown field `colour`",
        ),
        (r#"{"profile": "rxrx4"}"#, "\"rxrx4\" is no profile"),
    ] {
        fs::write(&file, text).unwrap();
        for run in [convert(&input, &output, "--overwrite"), plan(&input, "")] {
            run.exits_with(1).reports_each(&["rxrx2zarr.json", reason]);
        }
    }
    convert(&input, &output, "--profile rxrx4")
        .exits_with(2)
        .reports_each(&["\"rxrx4\" is no profile", "rxrx3-core"]);
    fs::write(&mine, "name = \"mine\"\ntitel = \"Mine\"\n").unwrap();
    plan(&input, &format!("--profile {}", mine.display()))
        .exits_with(2)
        .reports_each(&["mine.toml", "unknown field `titel`"]);
}

#[test]
fn a_complete_dataset_that_would_be_described_otherwise_stays_and_is_told_of() {
    let (_place, input, output) = RXRX19A.folders();
    convert(&input, &output, "--profile rxrx1").exits_with(0);
    let before = Dataset::at(&output).objects();
    let run = convert(&input, &output, "--json")
        .exits_with(0)
        .reports_each(&[
            "complete already",
            r#"the licence is "CC-BY-NC-SA-4.0" and would be "CC-BY-4.0""#,
            r#"the stain of w5 is "MitoTracker" and would be "WGA""#,
            r#"the profile is "rxrx1" and would be "rxrx19a""#,
            "--overwrite",
        ]);
    let told = run.json()["described_otherwise"].clone();
    assert!(told.as_array().unwrap().len() > 5, "{told}");
    assert_eq!(Dataset::at(&output).objects(), before);
    convert(&input, &output, "--profile rxrx1 --license MIT")
        .exits_with(0)
        .reports_each(&[r#"the licence is "CC-BY-NC-SA-4.0" and would be "MIT""#]);
    assert_eq!(Dataset::at(&output).objects(), before);
    convert(&input, &output, "--overwrite").exits_with(0);
    let said = Dataset::at(&output).attributes();
    assert_eq!(said["channels"][4]["stain"], "WGA");
}

#[test]
fn a_retry_keeps_the_description_and_finds_the_windows_anew() {
    let (place, input, output) = RXRX19A.folders();
    let bright = RXRX19A.image(&input, 1, 2);
    let away = place.path().join("away.png");
    fs::rename(&bright, &away).unwrap();
    let options = "--allow-missing --license MIT --dataset-name Mine";
    convert(&input, &output, options).exits_with(3);
    let said = || Dataset::at(&output).attributes();
    let dark = RXRX19A.value(0, 2);
    let window = said()["channels"][1]["window"].clone();
    assert_eq!(
        (&window["start"], &window["end"]),
        (&json!(dark), &json!(dark + 1))
    );

    fs::rename(&away, &bright).unwrap();
    convert(&input, &output, "--retry-bad").exits_with(0);
    let said = said();
    assert_eq!(
        (&said["title"], &said["license"]),
        (&json!("Mine"), &json!("MIT"))
    );
    assert_eq!(said["channels"][4]["stain"], "WGA");
    assert_eq!(said["channels"][1]["window"], RXRX19A.window(2));
    assert_eq!(said["columns"]["treatment_conc"]["units"], "µM");
    verify(&output, "").exits_with(0);
}
