//! The columns of the Parquet tables, and the names that the columns of the
//! metadata table get as Zarr arrays.

use std::collections::HashMap;

use arrow_schema::{DataType as Arrow, Field, Schema};

use crate::table::{REQUIRED, SITE_ID};
use crate::{ColumnValues, MetadataTable};

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

/// The schema of `metadata.parquet`: `site_index`, the columns of `table`
/// under their own names, then where the site's pixels are stored.
pub fn sites_schema(table: &MetadataTable) -> Schema {
    let mut fields = vec![required(
        "site_index",
        Arrow::Int64,
        "Position along the first axis of images.zarr/images, from 0; the row number of this table",
    )];
    for column in table.columns() {
        let data_type = match column.values {
            ColumnValues::Integer(_) => Arrow::Int64,
            ColumnValues::Float(_) => Arrow::Float64,
            ColumnValues::String(_) => Arrow::Utf8,
        };
        let name = column.name.as_str();
        let nullable = name != SITE_ID && !REQUIRED.contains(&name);
        fields.push(field(name, data_type, nullable, column_description(name)));
    }
    fields.extend([
        required(
            "shard",
            Arrow::Utf8,
            "Object that stores the site's pixels, relative to this file",
        ),
        required(
            "offset",
            Arrow::Int64,
            "First byte of the site's chunk in the shard",
        ),
        required(
            "length",
            Arrow::Int64,
            "Bytes of the site's chunk in the shard",
        ),
        required(
            "complete",
            Arrow::Boolean,
            "Whether an image was read for every channel",
        ),
    ]);
    Schema::new(fields)
}

/// The schema of `planes.parquet`: one row for each site and channel.
pub fn planes_schema() -> Schema {
    Schema::new(vec![
        required(
            "site_index",
            Arrow::Int64,
            "Row of metadata.parquet; position along the site axis",
        ),
        required(
            "channel",
            Arrow::Utf8,
            "Channel, such as w1; the channel coordinate",
        ),
        optional("source", Arrow::Utf8, "Path of the image inside the input"),
        optional(
            "source_bytes",
            Arrow::Int64,
            "Size of the image file in bytes",
        ),
        required(
            "status",
            Arrow::Utf8,
            "ok, missing (no file) or corrupt (unreadable file)",
        ),
        optional("error", Arrow::Utf8, "Why the file could not be read"),
        optional(
            "xxh3_128",
            Arrow::Utf8,
            "XXH3-128 of the pixels, 32 lower-case hexadecimal digits",
        ),
        optional(
            "mean",
            Arrow::Float64,
            "Mean of the pixels, in units of the samples",
        ),
        optional(
            "std",
            Arrow::Float64,
            "Standard deviation of the pixels (of the population), in units of the samples",
        ),
        optional("min", Arrow::Int32, "Smallest pixel"),
        optional("max", Arrow::Int32, "Largest pixel"),
        optional(
            "p001",
            Arrow::Float64,
            "Percentile 0.1 of the pixels, linear interpolation as numpy.percentile",
        ),
        optional(
            "p01",
            Arrow::Float64,
            "Percentile 1 of the pixels, likewise",
        ),
        optional("p50", Arrow::Float64, "Median of the pixels, likewise"),
        optional(
            "p99",
            Arrow::Float64,
            "Percentile 99 of the pixels, likewise",
        ),
        optional(
            "p999",
            Arrow::Float64,
            "Percentile 99.9 of the pixels, likewise",
        ),
        optional(
            "saturated",
            Arrow::Float64,
            "Fraction of pixels (0 to 1) at the largest value of the data type",
        ),
        optional("focus", Arrow::Float64, FOCUS),
        optional(
            "sum",
            Arrow::Int64,
            "Sum of the pixels, exact: sums of it give exact means of many planes",
        ),
        optional(
            "sum_of_squares",
            Arrow::Int64,
            "Sum of the squared pixels, exact",
        ),
    ])
}

const FOCUS: &str = "Focus measure: population variance of the Laplacian (kernel 0 1 0 / 1 -4 1 / \
    0 1 0) over the pixels that have four neighbours, in squared units of the samples; 0 for \
    planes smaller than 3 x 3 (Pech-Pacheco et al. 2000, doi:10.1109/ICPR.2000.903548)";

/// The schema of `channel_stats.parquet`: one row for each scope and channel.
pub fn channel_stats_schema() -> Schema {
    Schema::new(vec![
        required(
            "scope",
            Arrow::Utf8,
            "What the row is about: the whole dataset, an experiment or a plate",
        ),
        optional(
            "experiment",
            Arrow::Utf8,
            "Experiment, as in metadata.parquet; null for the dataset",
        ),
        optional(
            "plate",
            Arrow::Int64,
            "Plate in the experiment, from 1; null unless the scope is plate",
        ),
        required(
            "channel",
            Arrow::Utf8,
            "Channel, such as w1; the channel coordinate",
        ),
        required(
            "planes",
            Arrow::Int64,
            "Planes that are counted: those whose status is ok in planes.parquet",
        ),
        required("pixels", Arrow::Int64, "Pixels of those planes"),
        optional(
            "mean",
            Arrow::Float64,
            "Mean of those pixels, in units of the samples, from exact sums; null without planes",
        ),
        optional(
            "std",
            Arrow::Float64,
            "Standard deviation of those pixels (of the population), likewise",
        ),
    ])
}

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

fn column_description(column: &str) -> &'static str {
    match column {
        "site_id" => "Name of the site; the site coordinate of images.zarr",
        "well_id" => "Name of the well: experiment, plate and well",
        "cell_type" => "Cell line",
        "dataset" => "Published split: train or test",
        "experiment" => "Experiment (batch)",
        "plate" => "Plate in the experiment, from 1",
        "well" => "Well on the plate: row letters and column number",
        "site" => "Field of view in the well, from 1",
        "well_type" => "treatment, positive_control or negative_control",
        "sirna" => "siRNA that the well was treated with",
        "sirna_id" => "Number of the siRNA",
        _ => "From the metadata table",
    }
}

fn required(name: &str, data_type: Arrow, description: &str) -> Field {
    field(name, data_type, false, description)
}

fn optional(name: &str, data_type: Arrow, description: &str) -> Field {
    field(name, data_type, true, description)
}

fn field(name: &str, data_type: Arrow, nullable: bool, description: &str) -> Field {
    let metadata = HashMap::from([("description".to_owned(), description.to_owned())]);
    Field::new(name, data_type, nullable).with_metadata(metadata)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn columns(schema: &Schema) -> Vec<String> {
        let column = |field: &Field| {
            let null = if field.is_nullable() { "?" } else { "" };
            format!("{} {}{null}", field.name(), field.data_type())
        };
        schema.fields().iter().map(|field| column(field)).collect()
    }

    fn all_described(schema: &Schema) -> bool {
        schema
            .fields()
            .iter()
            .all(|field| field.metadata().contains_key("description"))
    }

    #[test]
    fn sites_keep_the_columns_of_the_table() {
        let csv = "experiment,plate,well,site,dose,sirna\nE,1,B02,1,0.5,x\n";
        let schema = sites_schema(&MetadataTable::read("m.csv", csv.as_bytes()).unwrap());
        let expected = [
            "site_index Int64",
            "site_id Utf8",
            "experiment Utf8",
            "plate Int64",
            "well Utf8",
            "site Int64",
            "dose Float64?",
            "sirna Utf8?",
            "shard Utf8",
            "offset Int64",
            "length Int64",
            "complete Boolean",
        ];
        assert_eq!(columns(&schema), expected);
        assert!(all_described(&schema));
    }

    #[test]
    fn planes_have_the_columns_of_the_contract() {
        let schema = planes_schema();
        let expected = [
            "site_index Int64",
            "channel Utf8",
            "source Utf8?",
            "source_bytes Int64?",
            "status Utf8",
            "error Utf8?",
            "xxh3_128 Utf8?",
            "mean Float64?",
            "std Float64?",
            "min Int32?",
            "max Int32?",
            "p001 Float64?",
            "p01 Float64?",
            "p50 Float64?",
            "p99 Float64?",
            "p999 Float64?",
            "saturated Float64?",
            "focus Float64?",
            "sum Int64?",
            "sum_of_squares Int64?",
        ];
        assert_eq!(columns(&schema), expected);
        assert!(all_described(&schema));
    }

    #[test]
    fn channel_stats_have_the_columns_of_the_contract() {
        let schema = channel_stats_schema();
        let expected = [
            "scope Utf8",
            "experiment Utf8?",
            "plate Int64?",
            "channel Utf8",
            "planes Int64",
            "pixels Int64",
            "mean Float64?",
            "std Float64?",
        ];
        assert_eq!(columns(&schema), expected);
        assert!(all_described(&schema));
    }

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
