//! Reads `embeddings.parquet`.

use arrow_array::cast::AsArray;
use arrow_array::types::Float32Type;
use arrow_array::{Array, ListArray};
use arrow_schema::DataType;
use bytes::Bytes;
use rxrx_metadata::Embeddings;

use super::batches::each_batch;
use super::error::ReadTableError;
use crate::keys::EMBEDDINGS;

/// The column that says whether a site has a vector.
const PRESENT: &str = "has_embedding";

/// The rows of the table in array order.
#[derive(Debug)]
pub struct EmbeddingsTable {
    /// The id of each site.
    pub site_ids: Vec<String>,
    /// The vector of each site, where it has one.
    pub embeddings: Embeddings,
}

/// Reads the table of `sites` sites, with vectors of `length`.
///
/// # Errors
/// [`ReadTableError`]: the object is not Parquet, columns or types differ from those of
/// the format, rows are out of order, or a vector has another length.
pub fn embeddings_of(
    bytes: Bytes,
    sites: usize,
    length: usize,
) -> Result<EmbeddingsTable, ReadTableError> {
    let size = bytes.len();
    let too_large = || ReadTableError::TooLarge {
        table: EMBEDDINGS,
        bytes: size,
    };
    let mut table = EmbeddingsTable {
        site_ids: Vec::new(),
        embeddings: Embeddings::absent(sites, length).ok_or_else(too_large)?,
    };
    each_batch(EMBEDDINGS, bytes, sites, length.max(1), |batch| {
        let order = batch.integers("site_index")?;
        batch.required("site_index", &order)?;
        let ids = batch.required("site_id", batch.texts("site_id")?)?;
        let column = "embedding";
        let vectors: &ListArray = batch.typed(column, list(), |values| {
            let list = values.as_list_opt::<i32>()?;
            (list.value_type() == DataType::Float32).then_some(list)
        })?;
        // In format 3 a site without a vector has a null.
        let present = match batch.has_column(PRESENT) {
            true => Some(batch.required(PRESENT, batch.flags(PRESENT)?)?),
            false => None,
        };
        for row in 0..batch.len() {
            let site = batch.first_row + row;
            if usize::try_from(order.value(row)) != Ok(site) {
                let reason = format!("{}, expected the row's number", order.value(row));
                return Err(batch.cell(row, "site_index", reason));
            }
            table.site_ids.push(ids.value(row).to_owned());
            match present.map(|present| present.value(row)) {
                Some(_) if vectors.is_null(row) => return Err(batch.cell(row, column, "is null")),
                Some(true) => {}
                None if vectors.is_valid(row) => {}
                Some(false) | None => continue,
            }
            let vector = vectors.value(row);
            let numbers = vector.as_primitive::<Float32Type>();
            let Some(room) = table.embeddings.insert(site) else {
                return Err(batch.cell(row, "site_index", "is beyond the last site"));
            };
            if numbers.len() != room.len() || numbers.null_count() > 0 {
                let reason = format!("has {} numbers, expected {}", numbers.len(), room.len());
                return Err(batch.cell(row, column, reason));
            }
            room.copy_from_slice(numbers.values());
        }
        Ok(())
    })?;
    Ok(table)
}

fn list() -> DataType {
    DataType::new_list(DataType::Float32, false)
}
