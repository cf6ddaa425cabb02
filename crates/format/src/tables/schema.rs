//! The columns of the Parquet tables with their types and descriptions. The tables and
//! Croissant take them from here.

use std::collections::HashMap;
use std::sync::Arc;

use arrow_schema::{DataType as Arrow, Field, Schema};
use rxrx_metadata::{Column, ColumnValues, REQUIRED, SITE_ID};

use super::statistics::STATISTICS;
use crate::array_name::column_name;
use crate::column_meaning::ColumnMeanings;

/// The schema of `metadata.parquet`: `site_index`, the `columns` of the table with the
/// `meanings` (`site` is called `site_number`), then where the site's pixels are stored.
pub fn sites_schema(columns: &[Column], meanings: &ColumnMeanings) -> Schema {
    let mut fields = vec![required(
        "site_index",
        Arrow::Int32,
        "Position along the first axis of images.zarr/images, from 0; the row number of this table",
    )];
    for column in columns {
        let data_type = match column.values {
            ColumnValues::Integer(ref values) if values.is_wide() => Arrow::Int64,
            ColumnValues::Integer(_) => Arrow::Int32,
            ColumnValues::Float(_) => Arrow::Float64,
            ColumnValues::String(_) => Arrow::Utf8,
        };
        let name = column.name.as_str();
        let nullable = name != SITE_ID && !REQUIRED.contains(&name);
        let meaning = meanings.of_column(column);
        let mut field = field(column_name(name), data_type, nullable, &meaning.description);
        if let Some(units) = meaning.units {
            let mut metadata = field.metadata().clone();
            metadata.insert("units".to_owned(), units);
            field = field.with_metadata(metadata);
        }
        fields.push(field);
    }
    fields.extend([
        required(
            "object",
            Arrow::Utf8,
            "Object that stores the site's pixels, relative to this file",
        ),
        required(
            "byte_offset",
            Arrow::Int64,
            "First byte of the site's chunk in the object",
        ),
        required(
            "byte_length",
            Arrow::Int64,
            "Bytes of the site's chunk in the object",
        ),
        required(
            "complete",
            Arrow::Boolean,
            "Whether an image was read for every channel",
        ),
    ]);
    Schema::new(fields)
}

/// The schema of `planes.parquet`: one row for each site and channel. `has_places` says
/// whether each plane has chunks of its own, whose bytes the table then states.
pub fn planes_schema(has_places: bool) -> Schema {
    let mut fields = vec![
        required(
            "site_index",
            Arrow::Int32,
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
            "ok, missing (no file), unreadable (a file that the system could not read) or corrupt (a file that is no usable image)",
        ),
        optional("error", Arrow::Utf8, "Why the file could not be read"),
        optional(
            "cause",
            Arrow::Utf8,
            "Why the pixels are not there, one word for counting; null where the status is ok",
        ),
        optional(
            "xxh3_128",
            Arrow::Utf8,
            "XXH3-128 of the pixels, 32 lower-case hexadecimal digits",
        ),
        optional("pixels", Arrow::Int32, "Number of pixels"),
    ];
    fields.extend(
        STATISTICS.iter().map(|statistic| {
            optional(statistic.name, statistic.data_type(), statistic.description)
        }),
    );
    if has_places {
        fields.extend([
            required(
                "object",
                Arrow::Utf8,
                "Object that stores the plane's pixels, relative to this file",
            ),
            required(
                "byte_offset",
                Arrow::Int64,
                "First byte of the plane's chunk, or of its first tile, in the object",
            ),
            required(
                "byte_length",
                Arrow::Int64,
                "Bytes of the plane's chunk, or of all its tiles, in the object",
            ),
        ]);
    }
    Schema::new(fields)
}

/// The schema of `embeddings.parquet`: one row for each site, with a vector of
/// `length` numbers. No vector is null: a list of fixed length with a null row cannot be
/// read by pyarrow before version 26.
pub fn embeddings_schema(length: usize) -> Schema {
    let number = embedding_element();
    Schema::new(vec![
        required(
            "site_index",
            Arrow::Int32,
            "Row of metadata.parquet; position along the site axis",
        ),
        required("site_id", Arrow::Utf8, "Name of the site"),
        required(
            "has_embedding",
            Arrow::Boolean,
            "Whether the table of embeddings had one for the site",
        ),
        required(
            "embedding",
            Arrow::FixedSizeList(Arc::new(number), vector_length(length)),
            "Embedding of the site; all NaN where has_embedding is false",
        ),
    ])
}

/// Whether the plates in the metadata table are names, not numbers.
pub(crate) fn plates_are_names(columns: &[Column]) -> bool {
    let plates = columns.iter().find(|column| column.name == "plate");
    plates.is_some_and(|plates| matches!(plates.values, ColumnValues::String(_)))
}

/// The schema of `channel_stats.parquet`: one row for each scope and channel.
pub fn channel_stats_schema(plates_are_names: bool) -> Schema {
    let (plate, description) = match plates_are_names {
        true => (
            Arrow::Utf8,
            "Plate in the experiment, a name; null unless the scope is a plate or its controls",
        ),
        false => (
            Arrow::Int32,
            "Plate in the experiment, from 1; null unless the scope is a plate or its controls",
        ),
    };
    Schema::new(vec![
        required(
            "scope",
            Arrow::Utf8,
            "What the row is about: dataset, experiment, plate, plate_controls (the negative \
             controls of a plate) or train (the rows to train on)",
        ),
        optional(
            "experiment",
            Arrow::Utf8,
            "Experiment, as in metadata.parquet; null for dataset and train",
        ),
        optional("plate", plate, description),
        required(
            "channel",
            Arrow::Utf8,
            "Channel, such as w1; the channel coordinate",
        ),
        required(
            "planes",
            Arrow::Int32,
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
            "Standard deviation of those pixels (of the population), in units of the samples, \
             from exact sums; null without planes",
        ),
    ])
}

/// The field of the numbers of a vector.
pub(super) fn embedding_element() -> Field {
    Field::new("element", Arrow::Float32, false)
}

/// The length of vectors as Arrow counts it. Embeddings in memory are far shorter than
/// 2^31 numbers each.
pub(super) fn vector_length(length: usize) -> i32 {
    i32::try_from(length).unwrap_or(i32::MAX)
}

pub(super) fn required(name: &str, data_type: Arrow, description: &str) -> Field {
    field(name, data_type, false, description)
}

pub(super) fn optional(name: &str, data_type: Arrow, description: &str) -> Field {
    field(name, data_type, true, description)
}

fn field(name: &str, data_type: Arrow, nullable: bool, description: &str) -> Field {
    let metadata = HashMap::from([("description".to_owned(), description.to_owned())]);
    Field::new(name, data_type, nullable).with_metadata(metadata)
}

#[cfg(test)]
mod tests {
    use super::*;
    use rxrx_metadata::MetadataTable;

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
        let table = MetadataTable::read("m.csv", csv.as_bytes()).unwrap();
        let schema = sites_schema(table.columns(), &ColumnMeanings::default());
        let expected = [
            "site_index Int32",
            "site_id Utf8",
            "experiment Utf8",
            "plate Int32",
            "well Utf8",
            "site_number Int32",
            "dose Float64?",
            "sirna Utf8?",
            "object Utf8",
            "byte_offset Int64",
            "byte_length Int64",
            "complete Boolean",
        ];
        assert_eq!(columns(&schema), expected);
        assert!(all_described(&schema));
    }

    #[test]
    fn planes_have_the_columns_of_the_contract() {
        let schema = planes_schema(false);
        let mut expected = vec![
            "site_index Int32",
            "channel Utf8",
            "source Utf8?",
            "source_bytes Int64?",
            "status Utf8",
            "error Utf8?",
            "cause Utf8?",
            "xxh3_128 Utf8?",
            "pixels Int32?",
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
        expected.extend(["object Utf8", "byte_offset Int64", "byte_length Int64"]);
        assert_eq!(columns(&planes_schema(true)), expected);
        assert!(all_described(&planes_schema(true)));
    }

    #[test]
    fn channel_stats_have_the_columns_of_the_contract() {
        let schema = channel_stats_schema(false);
        let expected = [
            "scope Utf8",
            "experiment Utf8?",
            "plate Int32?",
            "channel Utf8",
            "planes Int32",
            "pixels Int64",
            "mean Float64?",
            "std Float64?",
        ];
        assert_eq!(columns(&schema), expected);
        assert!(all_described(&schema));
    }
}
