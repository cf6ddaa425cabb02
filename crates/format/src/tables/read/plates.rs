//! Reads `plates.parquet`.

use arrow_array::Array;
use bytes::Bytes;

use super::batches::each_batch;
use super::channel_stats::plates;
use super::error::ReadTableError;
use crate::keys::PLATES;
use crate::tables::plates::{COUNTS, PlateRow, mean_columns};

/// Reads the table, which must have `rows` rows, of a dataset with those `channels`.
///
/// # Errors
/// [`ReadTableError`]: the object is not Parquet, columns or types differ from those of the
/// format, or a cell has an impossible value.
pub fn plates_of(
    bytes: Bytes,
    rows: usize,
    channels: &[String],
) -> Result<Vec<PlateRow>, ReadTableError> {
    let mean_columns = mean_columns(channels);
    let mut read = Vec::new();
    each_batch(PLATES, bytes, rows, 1, |batch| {
        let experiments = batch.required("experiment", batch.texts("experiment")?)?;
        let plates = plates(batch)?;
        let counts = COUNTS.map(|(name, _)| batch.integers(name));
        let means: Vec<_> = mean_columns
            .iter()
            .map(|name| batch.floats(name))
            .collect::<Result<_, _>>()?;
        let first = read.len();
        read.extend((0..batch.len()).map(|row| {
            PlateRow {
                experiment: experiments.value(row).to_owned(),
                plate: plates.label(row),
                first_site: 0,
                sites: 0,
                wells: 0,
                missing: 0,
                bad: 0,
                means: means
                    .iter()
                    .map(|means| means.is_valid(row).then(|| means.value(row)))
                    .collect(),
            }
        }));
        for ((name, place), values) in COUNTS.into_iter().zip(counts) {
            let values = values?;
            for (row, plate) in read.iter_mut().skip(first).enumerate() {
                let value = u64::try_from(values.value(row)).ok();
                let value = value.filter(|_| values.is_valid(row));
                *place(plate) =
                    value.ok_or_else(|| batch.cell(row, name, "is no number of them"))?;
            }
        }
        Ok(())
    })?;
    Ok(read)
}
