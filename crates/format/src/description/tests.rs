use rxrx_metadata::Layout;

use super::*;
use crate::channel_description::WindowOrigin;
use crate::testing::{plan, rxrx1};

fn said(text: &str) -> InputDescription {
    InputDescription::parse(text.as_bytes()).unwrap()
}

#[test]
fn of_an_unknown_data_set_nothing_is_claimed() {
    let description = Description::unknown().of_plan(&plan(1, 2, Layout::default()));
    let document = serde_json::to_value(&description).unwrap();
    let channel = |name: &str| {
        serde_json::json!({
            "name": name, "stain": "", "structure": "", "color": "FFFFFF",
            "window": {"start": 0, "end": 255, "min": 0, "max": 255}, "window_from": "data",
        })
    };
    let expected = serde_json::json!({
        "name": "Unnamed microscopy images", "channels": [channel("w1"), channel("w2")],
    });
    assert_eq!(document, expected);
    assert_eq!(description.license_url(), None);
}

#[test]
fn a_profile_gives_its_windows_to_8_bit_images_only() {
    let profile = Profile::named("rxrx1").unwrap();
    let window = |data_type| {
        let first = Description::of_profile(&profile, data_type)
            .channels
            .remove(0);
        (first.window.end, first.window_from.unwrap())
    };
    assert_eq!(window(DataType::UInt8), (51, WindowOrigin::Given));
    assert_eq!(window(DataType::UInt16), (65535, WindowOrigin::Data));
}

#[test]
fn what_the_owner_says_goes_before_the_profile_and_takes_what_hangs_on_it_along() {
    let profile = rxrx1();
    let with = |text: &str| profile.clone().with(&said(text), DataType::UInt8);
    assert_eq!(with("{}"), profile);

    let named = with(r#"{"name": "HUVEC only"}"#);
    assert_eq!((&named.url, &named.creator), (&None, &None));
    assert_eq!(named.license, profile.license);
    assert_eq!(
        with(r#"{"name": "Mine", "url": "x"}"#).url.as_deref(),
        Some("x")
    );

    let cited = with(r#"{"citation": "me"}"#);
    assert_eq!(
        (cited.citation.as_deref(), cited.bibtex),
        (Some("me"), None)
    );

    let licensed = Description {
        license_text: Some("read it".to_owned()),
        ..profile.clone()
    };
    let licensed = licensed.with(&said(r#"{"license": "MIT"}"#), DataType::UInt8);
    assert_eq!(
        (licensed.license.as_deref(), licensed.license_text),
        (Some("MIT"), None)
    );

    // An entry for a channel replaces all of the profile's entry.
    let stained = with(r#"{"channels": [{"name": "w5", "stain": "WGA"}]}"#);
    let of = |name: &str| {
        stained
            .channels
            .iter()
            .find(|channel| channel.name == name)
            .unwrap()
    };
    assert_eq!(stained.channels.len(), 6);
    let w5 = of("w5");
    assert_eq!(
        (w5.stain.as_str(), w5.structure.as_str(), w5.color.as_str()),
        ("WGA", "", "FFFFFF")
    );
    assert_eq!(w5.window_from, Some(WindowOrigin::Data));
    assert_eq!(of("w6").stain, "WGA");
    assert_eq!(of("w1").stain, "Hoechst");
}

#[test]
fn a_dataset_has_an_entry_for_each_channel_and_texts_of_its_columns() {
    let description = rxrx1().of_plan(&plan(1, 2, Layout::default()));
    let stains: Vec<&str> = description
        .channels
        .iter()
        .map(|c| c.stain.as_str())
        .collect();
    assert_eq!(stains, ["Hoechst", "Concanavalin A"]);
    // The plan has the columns experiment, plate, well, site and dose.
    let columns: Vec<&str> = description.columns.iter().map(|(name, _)| name).collect();
    assert_eq!(columns, ["experiment"]);
    assert_eq!(
        description.columns.of("dose").description,
        "Column \"dose\" of the metadata table"
    );
    assert_eq!(
        description.columns.of("plate").description,
        "Plate in the experiment, from 1"
    );
}

#[test]
fn differences_name_both_values() {
    let plan = plan(1, 2, Layout::default());
    let then = rxrx1().of_plan(&plan);
    assert_eq!(then.differences(&then), Vec::<String>::new());
    let now = Description {
        license: Some("CC-BY-4.0".to_owned()),
        url: None,
        columns: ColumnMeanings::default(),
        ..then.clone()
    };
    let now = now.with(
        &said(r#"{"channels": [{"name": "w2", "stain": "WGA"}]}"#),
        DataType::UInt8,
    );
    let lines = then.differences(&now.of_plan(&plan));
    assert_eq!(
        lines,
        [
            r#"the licence is "CC-BY-NC-SA-4.0" and would be "CC-BY-4.0""#,
            r#"the address is "https://www.rxrx.ai/rxrx1" and would be not stated"#,
            r#"the stain of w2 is "Concanavalin A" and would be "WGA""#,
            r#"the structure of w2 is "endoplasmic reticulum" and would be """#,
            r#"the colour of w2 is "2AFF1F" and would be "FFFFFF""#,
            r#"the term of the structure of w2 is "GO:0005783" and would be """#,
            r#"the display window of w2 is "0 to 107" and would be "from the data""#,
            "the texts of these columns: experiment",
        ]
    );
    let of_other_column = PublishedSplit {
        column: "fold".to_owned(),
        parts: vec!["a".to_owned(), "b".to_owned()],
    };
    let other = Description {
        split: Some(of_other_column),
        ..then.clone()
    };
    let without = Description {
        split: None,
        ..then.clone()
    };
    assert_eq!(
        other.differences(&without),
        [r#"the published split is "fold: a, b" and would be not stated"#]
    );
    // A window that the data gave is none of the description.
    let mut of_data = Description::unknown().of_plan(&plan);
    let expected = of_data.clone();
    of_data.channels[0].window.end = 7;
    assert_eq!(of_data.differences(&expected), Vec::<String>::new());
}
