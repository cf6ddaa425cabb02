//! Encodings of columns. All others have a dictionary, as long as it makes them smaller.

use arrow_schema::{DataType, Field};
use parquet::basic::Encoding;

/// Whole numbers that are near the one before them, or that seldom repeat.
const DIFFERENCES: [&str; 6] = [
    "site_index",
    "byte_offset",
    "byte_length",
    "source_bytes",
    "sum",
    "sum_of_squares",
];

/// Texts that begin as the one before them.
const PREFIXES: [&str; 3] = ["site_id", "well_id", "source"];

/// Values that seldom repeat, so that a dictionary costs more than it saves.
const DISTINCT: [&str; 5] = ["xxh3_128", "mean", "std", "focus", "embedding"];

/// Returns the encoding of a column that is to have no dictionary. A column of the user may
/// have one of these names and another type.
pub(super) fn without_dictionary(field: &Field) -> Option<Encoding> {
    let is_among = |names: &[&str]| names.contains(&field.name().as_str());
    match field.data_type() {
        DataType::Int32 | DataType::Int64 if is_among(&DIFFERENCES) => {
            Some(Encoding::DELTA_BINARY_PACKED)
        }
        DataType::Utf8 if is_among(&PREFIXES) => Some(Encoding::DELTA_BYTE_ARRAY),
        DataType::Int32 | DataType::Int64 => None,
        _ if is_among(&DISTINCT) => Some(Encoding::PLAIN),
        _ => None,
    }
}
