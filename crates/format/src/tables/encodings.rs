//! Encodings of columns. All others have a dictionary, as long as it makes them smaller.

use arrow_schema::{DataType, Field};
use parquet::basic::Encoding;

/// Whole numbers that are near the one before them, or that seldom repeat. Differences of more
/// than 32 bits, which sums have, are read wrongly by fastparquet 2026.9, without an error.
const DIFFERENCES: [&str; 4] = ["site_index", "byte_offset", "byte_length", "source_bytes"];

/// Values that seldom repeat, so that a dictionary costs more than it saves. Texts that begin
/// as the one before them would be smaller as `DELTA_BYTE_ARRAY`, which fastparquet refuses.
const DISTINCT: [&str; 9] = [
    "site_id",
    "source",
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
