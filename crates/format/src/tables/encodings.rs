//! Encodings of columns. All others have a dictionary, as long as it makes them smaller.

use arrow_schema::{DataType, Field};
use parquet::basic::Encoding;

/// Whole numbers that are near the one before them; no column of a user has one of these names.
/// Differences of more than 32 bits are read wrongly by fastparquet 2026.9, without an error:
/// sums have them, and offsets in shards of more than 2 GiB.
const DIFFERENCES: [&str; 3] = ["site_index", "byte_offset", "byte_length"];

/// Values that seldom repeat, so that a dictionary costs more than it saves. Texts that begin
/// as the one before them would be smaller as `DELTA_BYTE_ARRAY`, which fastparquet refuses.
const DISTINCT: [&str; 10] = [
    "site_id",
    "source",
    "source_bytes",
    "xxh3_128",
    "sum",
    "sum_of_squares",
    "mean",
    "std",
    "focus",
    "embedding",
];

/// Returns the encoding of a column that is to have no dictionary. A column of the user may
/// have one of these names and another type.
pub(super) fn without_dictionary(field: &Field) -> Option<Encoding> {
    let is_among = |names: &[&str]| names.contains(&field.name().as_str());
    match field.data_type() {
        DataType::Int32 | DataType::Int64 if is_among(&DIFFERENCES) => {
            Some(Encoding::DELTA_BINARY_PACKED)
        }
        _ if is_among(&DISTINCT) => Some(Encoding::PLAIN),
        _ => None,
    }
}
