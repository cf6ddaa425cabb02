//! Reads `channel_stats.parquet`.

use arrow_array::types::Int64Type;
use arrow_array::{Array, PrimitiveArray, StringArray};
use bytes::Bytes;

use super::batch::Batch;
use super::batches::each_batch;
use super::error::ReadTableError;
use crate::keys::CHANNEL_STATS;
use crate::tables::channel_stats::{ChannelStats, PlateLabel, Scope};

/// The column of the plates.
pub(super) enum Plates<'a> {
    Numbers(PrimitiveArray<Int64Type>),
    Names(&'a StringArray),
}

impl Plates<'_> {
    /// The plate of a row; `None` if it is null.
    pub(super) fn label(&self, row: usize) -> Option<PlateLabel> {
        match self {
            Self::Numbers(numbers) => numbers
                .is_valid(row)
                .then(|| PlateLabel::Number(numbers.value(row))),
            Self::Names(names) => names
                .is_valid(row)
                .then(|| PlateLabel::Name(names.value(row).to_owned())),
        }
    }
}

/// The plates of a batch, whose type is that of the plates in the metadata table.
pub(super) fn plates(batch: &Batch) -> Result<Plates<'_>, ReadTableError> {
    match batch.texts("plate") {
        Ok(names) => Ok(Plates::Names(names)),
        Err(_) => batch.integers("plate").map(Plates::Numbers),
    }
}

/// Reads the table, which must have `rows` rows.
///
/// # Errors
/// [`ReadTableError`]: the object is not Parquet, columns or types differ from those of
/// the format, or a scope is unknown or contradicts other cells.
pub fn channel_stats_of(
    bytes: Bytes,
    rows: usize,
    channels: &[String],
) -> Result<Vec<ChannelStats>, ReadTableError> {
    let mut table = Vec::new();
    each_batch(CHANNEL_STATS, bytes, rows, 1, |batch| {
        let scopes = batch.required("scope", batch.texts("scope")?)?;
        let experiments = batch.texts("experiment")?;
        let plates = plates(batch)?;
        let names = batch.required("channel", batch.texts("channel")?)?;
        let (planes, pixels) = (batch.integers("planes")?, batch.integers("pixels")?);
        let planes = batch.required("planes", &planes)?;
        let pixels = batch.required("pixels", &pixels)?;
        let (mean, std) = (batch.floats("mean")?, batch.floats("std")?);
        for row in 0..batch.len() {
            let experiment = experiments
                .is_valid(row)
                .then(|| experiments.value(row).to_owned());
            let plate = plates.label(row);
            let scope = match (scopes.value(row), experiment, plate) {
                ("dataset", None, None) => Scope::Dataset,
                ("experiment", Some(experiment), None) => Scope::Experiment(experiment),
                ("plate", Some(experiment), Some(plate)) => Scope::Plate(experiment, plate),
                ("plate_controls", Some(experiment), Some(plate)) => {
                    Scope::PlateControls(experiment, plate)
                }
                ("train", None, None) => Scope::Train,
                (other, ..) => {
                    let reason = format!("{other:?} is no scope with that experiment and plate");
                    return Err(batch.cell(row, "scope", reason));
                }
            };
            let channel = names.value(row);
            let channel = channels.iter().position(|name| name == channel);
            let count = |column: &str, value: i64| {
                u64::try_from(value)
                    .map_err(|_| batch.cell(row, column, format!("{value} is no number of them")))
            };
            table.push(ChannelStats {
                scope,
                channel: channel
                    .ok_or_else(|| batch.cell(row, "channel", "is no channel of the dataset"))?,
                planes: count("planes", planes.value(row))?,
                pixels: count("pixels", pixels.value(row))?,
                mean: mean.is_valid(row).then(|| mean.value(row)),
                std: std.is_valid(row).then(|| std.value(row)),
            });
        }
        Ok(())
    })?;
    Ok(table)
}
