//! Paths, wells, channels and names of experiments: each that is read can be
//! written and read again.

use std::cmp::Ordering;
use std::fmt::{Debug, Display};
use std::str::FromStr;

use rxrx_metadata::{Channel, ExperimentName, Listing, Selection, Well, parse_plane_path};

/// Runs one input: paths, one a line.
///
/// # Panics
///
/// A value is not read again as it was written, or the names have no total order.
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
        // A clause may be refused, but must not panic.
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

/// Checks that a listing has no path twice, and every path of an image.
fn list(lines: &[&str]) {
    let listing = Listing::from_paths(lines.iter().map(|&line| line.into()));
    let sorted =
        listing.images.len() + listing.unrecognised.len() + listing.metadata_candidates.len();
    assert!(sorted <= lines.len());
    let images = lines.iter().filter_map(|line| parse_plane_path(line));
    assert_eq!(listing.images.len(), images.count());
    for image in &listing.images {
        assert_eq!(parse_plane_path(&image.path), Some(image.plane.clone()));
    }
}
