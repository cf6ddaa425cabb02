//! Bounds on tables that are put together.

use std::io::Cursor;

use rxrx_tables::Limits;

use super::hostile::{self, HEADER};
use super::*;
use crate::{Listing, MetadataBuilder};

const TIGHT: Limits = Limits {
    cells: 10_000,
    ..hostile::TIGHT
};

/// The limit holds for what several tables are together: a small file could make a large
/// table by repetition.
#[test]
fn tables_that_are_put_together_are_bounded_in_bytes() {
    let long = "x".repeat(1_000);
    let builder = || MetadataBuilder::new(TableOptions::default().limits(TIGHT));
    let rows = |plate: usize| {
        let wells = (1..=24).map(|column| format!("E,{plate},B{column:02},1,{plate}{long}\n"));
        format!("{HEADER}{}", wells.collect::<String>())
    };
    let mut appended = builder();
    let mut add = |plate| appended.add("m.csv", Cursor::new(rows(plate).into_bytes()));
    (1..=8).for_each(|plate| add(plate).unwrap());
    let error = chain(&add(9).unwrap_err());
    assert!(
        error.contains("m.csv has more than 200000 bytes of text; leave out"),
        "{error}"
    );

    // Each of the rows gets another text of the joined one.
    let mut joined = builder();
    let wells = (1..=220).map(|site| format!("E,1,B02,{site}\n"));
    let table = format!("experiment,plate,well,site\n{}", wells.collect::<String>());
    joined
        .add("m.csv", Cursor::new(table.into_bytes()))
        .unwrap();
    let notes = format!("well,note\nB02,{long}\n");
    let on = ["well".to_owned()];
    let join = |joined: &mut MetadataBuilder, notes: &str| {
        joined.join("n.csv", Cursor::new(notes.as_bytes().to_vec()), None, &on)
    };
    let error = chain(&join(&mut joined, &notes).unwrap_err());
    assert!(
        error.contains("n.csv has more than 200000 bytes of text"),
        "{error}"
    );
    join(&mut joined, "well,note\nB02,short\n").unwrap();

    // Each row of a well becomes a row of each of its sites.
    let mut expanded = builder();
    let table = format!("experiment,plate,well,note\nE,1,B02,{long}\n");
    expanded
        .add("w.csv", Cursor::new(table.into_bytes()))
        .unwrap();
    let images = (1..=220).map(|site| format!("E/Plate1/B02_s{site}_w1.png").into());
    let error = chain(&expanded.finish(&Listing::from_paths(images)).unwrap_err());
    assert!(
        error.contains("w.csv has more than 200000 bytes of text"),
        "{error}"
    );
}
