//! Names of metadata columns in a dataset, and the names that columns cannot have.

use rxrx_metadata::ColumnNameRule;

/// Columns that `metadata.parquet` adds to those of the table.
const ADDED_COLUMNS: [&str; 5] = [
    "site_index",
    "object",
    "byte_offset",
    "byte_length",
    "complete",
];
/// Names in the Zarr group beside the arrays of columns.
const OTHER_NAMES: [&str; 5] = ["images", "overview", "present", SITE_NUMBER, "zarr.json"];
/// Names of the arrays along `channel` alone; the first one is the coordinate of the dimension.
pub(crate) const CHANNEL_LABELS: [&str; 7] = [
    "channel",
    "stain",
    "structure",
    "structure_id",
    "color",
    "window_start",
    "window_end",
];

/// The rule for the columns of a table that becomes a dataset: each column needs
/// an array and a Parquet column of its own. Case is ignored, because DuckDB and
/// some file systems treat `Well` and `well` as one name.
pub const COLUMN_NAME_RULE: ColumnNameRule = ColumnNameRule {
    refusal,
    key,
    collision,
};

/// The column of the input with the numbers of the sites.
const SITE: &str = "site";
/// The name of that column in a dataset: the array `site` holds the site ids.
const SITE_NUMBER: &str = "site_number";

/// Returns the name that a column of the input has in a dataset: in `metadata.parquet`, in
/// Croissant and, but for some characters, in Zarr. `site` becomes `site_number`.
pub(crate) fn column_name(column: &str) -> &str {
    if column == SITE { SITE_NUMBER } else { column }
}

/// Returns the name that a column of `metadata.parquet` has in the input. (In format 3 it
/// is the same.)
pub(crate) fn input_name(column: &str) -> &str {
    if column == SITE_NUMBER { SITE } else { column }
}

/// Returns the name of the array of a column.
///
/// It is the name in `metadata.parquet`, in which characters outside `[A-Za-z0-9_.-]`
/// become `_`: names are parts of paths and URLs.
pub fn zarr_name(column: &str) -> String {
    let column = column_name(column);
    let portable = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '.' | '-');
    column
        .chars()
        .map(|c| if portable(c) { c } else { '_' })
        .collect()
}

fn refusal(column: &str) -> Option<String> {
    let array = zarr_name(column);
    let is_taken =
        |names: &[&str], name: &str| names.iter().any(|other| other.eq_ignore_ascii_case(name));
    if is_taken(&ADDED_COLUMNS, column) {
        return Some("is a column that metadata.parquet adds".to_owned());
    }
    let is_other = is_taken(&OTHER_NAMES, &array) || is_taken(&CHANNEL_LABELS, &array);
    if column != SITE && (is_other || array.eq_ignore_ascii_case(SITE)) {
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
    None
}

fn key(column: &str) -> String {
    zarr_name(column).to_ascii_lowercase()
}

fn collision(column: &str, earlier: &str) -> String {
    let array = zarr_name(column);
    format!("would be the array {array:?}, as {earlier:?} would")
}

#[cfg(test)]
mod tests {
    use rxrx_metadata::TableOptions;

    use super::*;

    #[test]
    fn array_names_are_portable() {
        for (column, name) in [
            ("site", "site_number"),
            ("site_id", "site_id"),
            ("a.b-C_9", "a.b-C_9"),
            ("dose (µM)/h", "dose___M__h"),
            ("a/b", "a_b"),
            ("../x", ".._x"),
            ("/etc/passwd", "_etc_passwd"),
            ("..\\x", ".._x"),
            ("x\0y", "x_y"),
            ("c/0", "c_0"),
        ] {
            assert_eq!(zarr_name(column), name);
            assert_eq!(error(column), None, "{column:?}");
        }
    }

    /// The error for a table with `columns` beside the required ones.
    fn error(columns: &str) -> Option<String> {
        let required = "experiment,plate,well,site";
        let (columns, cells) = match columns {
            "site" => (required.to_owned(), "E,1,B02,1".to_owned()),
            _ => {
                let cells = ",x".repeat(1 + columns.matches(',').count());
                (format!("{required},{columns}"), format!("E,1,B02,1{cells}"))
            }
        };
        let csv = format!("{columns}\n{cells}\n");
        let options = TableOptions::default().column_names(COLUMN_NAME_RULE);
        let read = options.read("metadata.csv", csv.as_bytes());
        read.err().map(|error| error.to_string())
    }

    #[test]
    fn columns_that_cannot_keep_their_name_are_refused() {
        const ADDED: &str = "is a column that metadata.parquet adds";
        const OTHER: &str = "which images.zarr uses for something else";
        const NOT_ALLOWED: &str = "a name that Zarr does not allow";
        for (column, array, reason) in [
            ("site_index", None, ADDED),
            ("Object", None, ADDED),
            ("byte_offset", None, ADDED),
            ("Byte_Length", None, ADDED),
            ("complete", None, ADDED),
            ("images", Some("images"), OTHER),
            ("channel", Some("channel"), OTHER),
            ("stain", Some("stain"), OTHER),
            ("Color", Some("Color"), OTHER),
            ("window_end", Some("window_end"), OTHER),
            ("present", Some("present"), OTHER),
            ("site_number", Some("site_number"), OTHER),
            ("site number", Some("site_number"), OTHER),
            ("Site", Some("Site"), OTHER),
            ("zarr.json", Some("zarr.json"), OTHER),
            ("ZARR.JSON", Some("ZARR.JSON"), OTHER),
            ("__dose", Some("__dose"), NOT_ALLOWED),
            ("/_x", Some("__x"), NOT_ALLOWED),
            (".", Some("."), NOT_ALLOWED),
            ("..", Some(".."), NOT_ALLOWED),
            ("...", Some("..."), NOT_ALLOWED),
            ("Well", Some("Well"), r#"as "well" would"#),
            // The table has no column `site_id`: it is derived.
            ("Site id", Some("Site_id"), r#"as "site_id" would"#),
        ] {
            let reason = match array {
                Some(array) => format!("would be the array {array:?}, {reason}"),
                None => reason.to_owned(),
            };
            let expected = format!(
                "metadata.csv line 1, column 5: the name {column:?} {reason}; rename the column"
            );
            assert_eq!(error(column), Some(expected));
        }
        assert_eq!(
            error("a/b,a b").as_deref(),
            Some(
                r#"metadata.csv line 1, column 6: the name "a b" would be the array "a_b", as "a/b" would; rename the column"#
            )
        );
        let twice = error("well").unwrap();
        assert!(
            twice.contains(r#"the name "well" is there twice"#),
            "{twice}"
        );
    }
}
