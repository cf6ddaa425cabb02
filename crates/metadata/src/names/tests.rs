mod stacks;

use super::built_in::{choose, patterns};
use super::error::NamesError;
use super::pattern::{Named, Pattern};
use super::*;
use crate::{Listing, ProblemKind};

fn listing(paths: &[&str]) -> Listing {
    Listing::from_paths(paths.iter().map(|&path| path.into()))
}

/// The fields of a path: experiment, plate, well, site, channel, z, t.
fn fields(named: &Named<'_>) -> String {
    let number = |number: Option<u32>| number.map_or("-".to_owned(), |number| number.to_string());
    let Named {
        experiment,
        plate,
        well,
        site,
        channel,
        z,
        t,
    } = named;
    let [experiment, plate, channel] = [experiment, plate, channel].map(|text| text.unwrap_or("-"));
    format!(
        "{experiment} {plate} {well} {site} {channel} {} {}",
        number(*z),
        number(*t)
    )
}

#[test]
fn files_of_four_microscopes_are_read() {
    for (name, path, expected) in [
        (
            "harmony",
            "cpg0000/BR00116991__2020-11-05T19_51_35-Measurement1/Images/r01c12f09p01-ch1sk1fk1fl1.tiff",
            "- BR00116991 A12 9 1 1 1",
        ),
        (
            "harmony",
            "P7/Images/r16c24f02p03-ch5sk2fk1fl1.png",
            "- P7 P24 2 5 3 2",
        ),
        (
            "harmony",
            "r02c03f01p01-ch2sk1fk1fl1.tiff",
            "- - B03 1 2 1 1",
        ),
        (
            "cellvoyager",
            "x/CP3-SC1-18_I22_T0001F003L01A03Z01C04.tif",
            "- CP3-SC1-18 I22 3 04 1 1",
        ),
        (
            "imagexpress",
            "Week1_22123/Week1_150607_B02_s4_w1EB39EA10-2E9D-4A4B-B8F9-8FC1ED5E1ACB.tif",
            "- Week1_150607 B02 4 1 - -",
        ),
        (
            "imagexpress",
            "IXMtest_A01_s1_w12.TIF",
            "- IXMtest A01 1 12 - -",
        ),
        (
            "imagexpress",
            "TimePoint_3/ZStep_2/exp_H12_s2_w4.tif",
            "- exp H12 2 4 2 3",
        ),
        ("imagexpress", "exp_H12_w4.tif", "- exp H12 1 4 - -"),
        (
            "incell",
            "Plate 7/B - 02(fld 3 wv UV - DAPI).tif",
            "- Plate 7 B02 3 UV - DAPI - -",
        ),
        (
            "incell",
            "Plate 7/B - 02(fld 3 wv Blue - FITC z 4).tif",
            "- Plate 7 B02 3 Blue - FITC 4 -",
        ),
        (
            "incell",
            "B - 02(fld 3 z 4 wv Cy5 - Cy5).tif",
            "- - B02 3 Cy5 - Cy5 4 -",
        ),
    ] {
        let chosen = choose(patterns(name).unwrap(), std::iter::once(path));
        let (pattern, count) = chosen.unwrap();
        assert_eq!(count, 1, "{path}");
        assert_eq!(fields(&pattern.read(path).unwrap()), expected, "{path}");
    }
    // A preview of ImageXpress is no image of a channel.
    let (_, count) = choose(
        patterns("imagexpress").unwrap(),
        std::iter::once("IXMtest_A01_s1_w1_thumbEB39EA10-2E9D-4A4B-B8F9-8FC1ED5E1ACB.tif"),
    )
    .unwrap();
    assert_eq!(count, 0);
}

#[test]
fn a_pattern_of_the_user_fits_the_ends_of_paths() {
    let pattern = Pattern::parse("{experiment}/*/{plate}/{well}-f{site}_{channel}*.png").unwrap();
    let named = pattern.read("a/b/E-07/run (2)/P.1/b2-f003_DAPI_x.png");
    // A channel is as short as it can be.
    assert_eq!(fields(&named.unwrap()), "E-07 P.1 B02 3 D - -");
    for other in [
        "E/x/P/b2-f3_D.tif",
        "x/P/b2-f3_D.png",
        "E/x/P/z99-f3_D.png",
        "E/x/y/P/b2-f_D.png",
    ] {
        assert_eq!(pattern.read(other), None, "{other}");
    }
    // Without an end, any kind of image fits; characters of regular expressions are plain.
    let pattern = Pattern::parse("{row}.{col}+(w{channel})").unwrap();
    assert_eq!(
        fields(&pattern.read("b.3+(wx).TIFF").unwrap()),
        "- - B03 1 x - -"
    );
    assert_eq!(pattern.read("bx3+(wx).TIFF"), None);
    assert_eq!(pattern.read("b.3+(wx).txt"), None);
}

#[test]
fn malformed_patterns_are_refused() {
    for (text, reason) in [
        ("{well}_{channel", "has a { without }"),
        (
            "{well}_{color}",
            "has the field {color}; there are {experiment} {plate}",
        ),
        ("{well}_{uuid}{channel}", "has the field {uuid}"),
        ("{well}{well}{channel}", "has the field {well} twice"),
        ("{channel}", "needs either {well}, or both {row} and {col}"),
        (
            "{row}{channel}",
            "needs either {well}, or both {row} and {col}",
        ),
        (
            "{well}{row}{col}{channel}",
            "needs either {well}, or both {row} and {col}",
        ),
        (
            "harmonie",
            "is none of those that are built in: harmony, cellvoyager",
        ),
    ] {
        let error = patterns(text).unwrap_err().to_string();
        assert!(error.contains(reason), "{text}: {error}");
    }
}

#[test]
fn a_listing_is_named_by_a_pattern() {
    let options = NameOptions {
        pattern: Some("{plate}/{well}_f{site}_{channel}.png".to_owned()),
        channels: ["ER", "DAPI"].map(str::to_owned).to_vec(),
        ..NameOptions::default()
    };
    let paths = [
        "P2/A1_f1_ER.png",
        "P2/A1_f1_DAPI.png",
        "P2/A1_f1_BF.png",
        "P2/readme.png",
    ];
    let named = listing(&paths).named(&options, "screen").unwrap();
    let images: Vec<String> = named
        .images
        .iter()
        .map(|image| {
            format!(
                "{} {} {}",
                image.path, image.plane.key, image.plane.channel.0
            )
        })
        .collect();
    assert_eq!(
        images,
        [
            "P2/A1_f1_DAPI.png screen/PlateP2/A01_s1 2",
            "P2/A1_f1_ER.png screen/PlateP2/A01_s1 1",
        ]
    );
    let not_chosen = named.notices.get(ProblemKind::ImagesNotChosen).unwrap();
    assert_eq!(not_chosen.examples, ["P2/A1_f1_BF.png"]);
    assert_eq!((not_chosen.count, named.unrecognised.len()), (1, 1));
}

#[test]
fn what_is_not_chosen_must_be() {
    let error = |pattern: &str, paths: &[&str], change: fn(&mut NameOptions)| {
        let mut options = NameOptions {
            pattern: Some(pattern.to_owned()),
            ..NameOptions::default()
        };
        change(&mut options);
        listing(paths).named(&options, "x").unwrap_err()
    };
    let stack = ["A1_1_z1.png", "A1_1_z2.png", "A1_1_z10.png"];
    let found = ["1", "2", "10"].map(str::to_owned).to_vec();
    let pattern = "{well}_{channel}_z{z}";
    let several = error(pattern, &stack, |_| ());
    assert_eq!(
        several,
        NamesError::Several {
            axis: "z",
            found: found.clone()
        }
    );
    assert!(
        several
            .to_string()
            .contains("several values of z (1, 2, 10); choose one with --z N, or the largest")
    );
    let absent = error(pattern, &stack, |options| options.z = Some(Depth::One(3)));
    assert_eq!(
        absent,
        NamesError::Absent {
            axis: "z",
            wanted: 3,
            found
        }
    );
    let order = error("{well}_{channel}", &["A1_ER.png", "A1_AGP.png"], |_| ());
    assert!(order.to_string().contains("--channels 'AGP,ER'"), "{order}");
    let channel = error("{well}_{channel}", &["A1_ER.png"], |options| {
        options.channels = vec!["DNA".to_owned()];
    });
    assert!(
        channel
            .to_string()
            .contains("channel \"DNA\"; the names have ER"),
        "{channel}"
    );
    let option = error("{well}_{channel}", &["A1_1.png"], |options| {
        options.t = Some(1)
    });
    assert!(
        option.to_string().contains("--t needs a pattern with {t}"),
        "{option}"
    );
    let nothing = error("{well}_{channel}", &["x.png"], |_| ());
    assert!(
        nothing
            .to_string()
            .contains("none of the 1 image files fits"),
        "{nothing}"
    );
    let chosen = NameOptions {
        pattern: Some(pattern.to_owned()),
        z: Some(Depth::One(10)),
        ..NameOptions::default()
    };
    let chosen = listing(&stack).named(&chosen, "x").unwrap();
    let not_chosen = chosen.notices.get(ProblemKind::ImagesNotChosen).unwrap();
    assert_eq!((chosen.images.len(), not_chosen.count), (1, 2));
    assert_eq!(&*chosen.images[0].path, "A1_1_z10.png");
}

#[test]
fn the_pattern_that_fits_is_proposed_with_three_examples() {
    let paths: Vec<String> = (1..=5)
        .map(|site| format!("BR1__x/Images/r01c01f{site:02}p01-ch1sk1fk1fl1.tiff"))
        .collect();
    let paths: Vec<&str> = paths.iter().map(String::as_str).chain(["a.png"]).collect();
    let proposal = listing(&paths).proposal().unwrap();
    assert_eq!((proposal.pattern, proposal.examples.len()), ("harmony", 3));
    assert!(
        proposal.examples[0]
            .ends_with("fl1.tiff is plate BR1, well A01, site 1, channel 1, z 1, t 1"),
        "{proposal:?}"
    );
    assert_eq!(listing(&["a.png"]).proposal(), None);
    assert_eq!(
        listing(&["E/Plate1/B02_s1_w1.png", paths[0]]).proposal(),
        None
    );
    let error = crate::JoinError::no_images(&listing(&paths)).to_string();
    assert!(
        error.contains("6 image files are named otherwise"),
        "{error}"
    );
    assert!(
        error.contains(". They fit --pattern harmony: BR1__x"),
        "{error}"
    );
}
