//! Paths, wells, channels and names of experiments: what is read is written the
//! same, and read again.

use std::cmp::Ordering;
use std::fmt::{Debug, Display};
use std::str::FromStr;

use rxrx_metadata::{Channel, ExperimentName, Listing, Selection, Well, parse_plane_path};

/// Runs one input: paths, one a line.
///
/// # Panics
///
/// Where something is not read as it was written, or the order of names is none.
pub fn run(input: &[u8]) {
    let Ok(text) = std::str::from_utf8(input) else {
        return;
    };
    let lines: Vec<&str> = text.lines().collect();
    for line in &lines {
        if let Some(plane) = parse_plane_path(line) {
            let written = format!("{}_{}.png", plane.key, plane.channel);
            assert_eq!(parse_plane_path(&written), Some(plane), "{line:?}");
        }
        for part in line.split(['/', '_', '.']) {
            reads_back::<Well>(part);
            reads_back::<Channel>(part);
            let name = ExperimentName::new(part);
            assert_eq!(ExperimentName::new(name.as_str()), name, "{part:?}");
        }
        // Whether the clause makes sense is no matter here.
        let _ = Selection::parse(&[(*line).to_owned()], &[]);
    }
    let names: Vec<ExperimentName> = lines
        .iter()
        .take(8)
        .map(|line| ExperimentName::new(line))
        .collect();
    is_an_order(&names);
    list(&lines);
}

fn reads_back<T: FromStr + Display + Debug + PartialEq>(text: &str) {
    if let Ok(value) = text.parse::<T>() {
        let again = value.to_string().parse::<T>();
        assert!(again.is_ok_and(|again| again == value), "{text:?}");
    }
}

fn is_an_order(names: &[ExperimentName]) {
    for a in names {
        for b in names {
            assert_eq!(a.cmp(b), b.cmp(a).reverse(), "{a} {b}");
            assert_eq!(a == b, a.cmp(b) == Ordering::Equal, "{a} {b}");
            for c in names {
                assert!(!(a <= b && b <= c) || a <= c, "{a} {b} {c}");
            }
        }
    }
}

/// Each path is sorted into exactly one heap.
fn list(lines: &[&str]) {
    let listing = Listing::from_paths(lines.iter().map(|&line| line.into()));
    let sorted = listing.images.len()
        + listing.unrecognised.len()
        + listing.metadata_candidates.len()
        + listing.other_files;
    assert_eq!(sorted, lines.len());
    for image in &listing.images {
        assert_eq!(parse_plane_path(&image.path), Some(image.plane.clone()));
    }
}
