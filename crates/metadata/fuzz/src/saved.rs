//! Tables as programs save them: Parquet, spreadsheets, text in any encoding. Each is read
//! as metadata, as a plate map and as embeddings.

use std::io::Cursor;

use rxrx_metadata::{
    Join, Listing, MetadataBuilder, MetadataError, MetadataTable, Selection, TableOptions,
};

/// Runs one input: a file.
///
/// # Panics
///
/// A table breaks its promises, or an error does not name its file.
pub fn run(input: &[u8]) {
    let file = || Cursor::new(input.to_vec());
    for sheet in [None, Some("Sites #1")] {
        let options = TableOptions::default().sheet(sheet);
        match options.unpack("m.x", file()) {
            Ok(table) => crate::table::judge(&table),
            Err(error) => crate::table::judge_error(&error, "m.x"),
        }
    }
    for error in [platemap(file()), embeddings(file())].into_iter().flatten() {
        crate::table::judge_error(&error, "m.x");
    }
}

const SITES: &str = "experiment,plate,well,site\nHUVEC-01,1,B02,1\nHUVEC-10,2,C03,1\n";

/// Joins a plate map with two sites.
fn platemap(file: Cursor<Vec<u8>>) -> Option<MetadataError> {
    let mut builder = MetadataBuilder::new(TableOptions::default());
    builder.add("m.x", Cursor::new(SITES)).expect("a table");
    if let Err(error) = builder.platemap("m.x", file) {
        return Some(error);
    }
    match builder.finish(&Listing::default()) {
        Ok(table) => assert_eq!(table.len(), 2),
        Err(error) => return Some(error),
    }
    None
}

/// Reads embeddings of two sites.
fn embeddings(file: Cursor<Vec<u8>>) -> Option<MetadataError> {
    let table = MetadataTable::read("m.x", SITES.as_bytes()).expect("a table");
    let paths = [
        "HUVEC-1/Plate1/B02_s1_w1.png",
        "HUVEC-10/Plate2/C03_s1_w1.png",
    ];
    let listing = Listing::from_paths(paths.map(Box::from));
    let mut join = Join::new(table, listing, &Selection::default()).expect("two images");
    match join.unpack_embeddings("m.x", file) {
        Ok(read) => {
            assert_eq!(read.sites(), 2);
            let vectors = (0..2).filter_map(|site| read.vector(site));
            assert!(vectors.flatten().all(|number| number.is_finite()));
            None
        }
        Err(error) => Some(error),
    }
}
