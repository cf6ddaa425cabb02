//! The names that the columns of the metadata table get as Zarr arrays.

use std::collections::HashMap;

/// Names that `metadata.parquet` adds to the columns of the table.
const PARQUET_NAMES: [&str; 5] = ["site_index", "shard", "offset", "length", "complete"];
/// Names that the Zarr group holds besides the coordinates from the table.
const ZARR_NAMES: [&str; 6] = [
    "images",
    "channel",
    "stain",
    "present",
    "site_number",
    "zarr.json",
];
/// File systems end at 255 bytes.
const LONGEST_NAME: usize = 200;

/// The name of the coordinate array of a column.
///
/// The array named `site` holds the site ids, so the column `site` becomes
/// `site_number`. Characters outside `[A-Za-z0-9_.-]` become `_`: names are
/// parts of paths and URLs.
pub fn zarr_name(column: &str) -> String {
    if column == "site" {
        return "site_number".to_owned();
    }
    let portable = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '.' | '-');
    column
        .chars()
        .map(|c| if portable(c) { c } else { '_' })
        .collect()
}

/// The columns of a table so far, to find out whether the next one may join
/// them.
///
/// Case is ignored: DuckDB and some file systems would take `Well` and `well`
/// for one.
#[derive(Default)]
pub(crate) struct ColumnNames<'name> {
    /// The column of each array, by the array's name in lower case.
    by_array: HashMap<String, &'name str>,
}

impl<'name> ColumnNames<'name> {
    /// Adds `column`, or says why a table cannot have it.
    pub(crate) fn conflict(&mut self, column: &'name str) -> Option<String> {
        if column.trim().is_empty() {
            return Some("is empty".to_owned());
        }
        if column.len() > LONGEST_NAME {
            return Some(format!("is longer than {LONGEST_NAME} bytes"));
        }
        let array = zarr_name(column);
        let taken =
            |names: &[&str], name: &str| names.iter().any(|other| other.eq_ignore_ascii_case(name));
        if taken(&PARQUET_NAMES, column) {
            return Some("is a column that metadata.parquet adds".to_owned());
        }
        if column != "site" && (taken(&ZARR_NAMES, &array) || array.eq_ignore_ascii_case("site")) {
            return Some(format!(
                "would be the array {array:?}, which images.zarr uses for something else"
            ));
        }
        // https://zarr-specs.readthedocs.io/en/latest/v3/core/index.html#node-names
        if array.starts_with("__") || array.bytes().all(|byte| byte == b'.') {
            return Some(format!(
                "would be the array {array:?}, a name that Zarr does not allow"
            ));
        }
        match self.by_array.insert(array.to_ascii_lowercase(), column) {
            Some(other) if other == column => Some("is there twice".to_owned()),
            Some(other) => Some(format!("would be the array {array:?}, as {other:?} would")),
            None => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn array_names_are_portable() {
        for (column, name) in [
            ("site", "site_number"),
            ("site_id", "site_id"),
            ("a.b-C_9", "a.b-C_9"),
            ("dose (µM)/h", "dose___M__h"),
        ] {
            assert_eq!(zarr_name(column), name);
        }
    }
}
