//! Stacks of several files, and files of several pages.

use super::*;
use crate::path::PlanePath;
use crate::{ImageFile, Join, MetadataTable, ProblemKind, Selection};

/// The path and the plane of each image.
fn planes(listing: &Listing) -> Vec<String> {
    let plane = |image: &ImageFile| {
        let PlanePath { key, channel } = &image.plane;
        format!("{} {} {}", image.path, key.well, channel.0)
    };
    listing.images.iter().map(plane).collect()
}

#[test]
fn all_depths_become_one_plane() {
    let options = NameOptions {
        pattern: Some("{well}_z{z}_{channel}".to_owned()),
        z: Some("max".parse().unwrap()),
        ..NameOptions::default()
    };
    let paths = [
        "A1_z10_1.png",
        "A1_z2_1.png",
        "A1_z9_1.png", // In the order of the numbers.
        "A2_z2_1.png",
        "A2_z10_1.png", // One is absent.
        "A3_z2_1.png",
        "a3_z2_1.tif", // Two of one depth.
        "A4_z9_1.png",
    ];
    let named = listing(&paths).named(&options, "x").unwrap();
    assert_eq!(
        planes(&named),
        [
            "A1_z2_1.png A01 1",
            "A2_z2_1.png A02 1",
            "A3_z2_1.png A03 1",
            "A4_z9_1.png A04 1",
            "a3_z2_1.tif A03 1"
        ]
    );
    let files = |path| named.parts.files(path);
    assert_eq!(
        files("A1_z2_1.png"),
        (vec!["A1_z2_1.png", "A1_z9_1.png", "A1_z10_1.png"], None)
    );
    assert_eq!(
        files("A2_z2_1.png"),
        (vec!["A2_z2_1.png", "A2_z10_1.png"], None)
    );
    assert_eq!(files("A4_z9_1.png"), (vec!["A4_z9_1.png"], None));
    assert_eq!(named.parts.files_at_most(), 3);
    let short: Vec<String> = named
        .short_stacks
        .iter()
        .map(|(path, z)| format!("{path} {z:?}"))
        .collect();
    assert_eq!(short, ["A2_z2_1.png [9]", "A4_z9_1.png [2, 10]"]);

    let csv = "experiment,plate,well,site\nx,1,A01,1\nx,1,A02,1\n";
    let table = MetadataTable::read("metadata.csv", csv.as_bytes()).unwrap();
    let join = Join::new(table, named, &Selection::default()).unwrap();
    // A stack whose row is not chosen is none of the problems.
    let short = join.problems().get(ProblemKind::ShortStacks).unwrap();
    assert_eq!(short.examples, ["A2_z2_1.png: no file of z 9"]);
    assert_eq!(short.count, 1);
}

#[test]
fn the_pages_of_a_file_are_the_channels() {
    let options = |channels: &[&str]| NameOptions {
        pattern: Some("{well}_z{z}.tif".to_owned()),
        channels: channels.iter().map(|name| (*name).to_owned()).collect(),
        z: Some("max".parse().unwrap()),
        ..NameOptions::default()
    };
    let paths = ["A1_z1.tif", "A1_z2.tif", "A2_z1.tif", "A2_z2.tif"];
    let named = listing(&paths)
        .named(&options(&["DAPI", "ER"]), "x")
        .unwrap();
    assert_eq!(
        planes(&named),
        [
            "A1_z1.tif#page=1 A01 1",
            "A1_z1.tif#page=2 A01 2",
            "A2_z1.tif#page=1 A02 1",
            "A2_z1.tif#page=2 A02 2"
        ]
    );
    let files = named.parts.files("A2_z1.tif#page=2");
    assert_eq!(files, (vec!["A2_z1.tif", "A2_z2.tif"], Some(2)));
    assert_eq!(
        (named.channel_names.join(","), named.parts.pages()),
        ("DAPI,ER".to_owned(), Some(2))
    );
    // A file that is the only channel has one page.
    let one = listing(&paths).named(&options(&["DAPI"]), "x").unwrap();
    assert_eq!(planes(&one), ["A1_z1.tif A01 1", "A2_z1.tif A02 1"]);
    let error = listing(&paths)
        .named(&options(&[]), "x")
        .unwrap_err()
        .to_string();
    assert!(
        error.contains("has no {channel}; if the pages of each file are the channels"),
        "{error}"
    );
}

#[test]
fn a_depth_is_a_number_or_max() {
    for (text, json) in [("7", "7"), ("max", "\"max\"")] {
        let depth: Depth = text.parse().unwrap();
        assert_eq!(depth.to_string(), text);
        assert_eq!(serde_json::to_string(&depth).unwrap(), json);
        assert_eq!(serde_json::from_str::<Depth>(json).unwrap(), depth);
    }
    assert!("mean".parse::<Depth>().is_err());
}
