//! Reads `channels.parquet`.

use super::batches::each_batch;
use super::error::ReadTableError;
use crate::channel_description::{ChannelDescription, WindowOrigin};
use crate::keys::CHANNELS;
use arrow_array::{Array, Float64Array, StringArray};
use bytes::Bytes;

/// Reads the table of an array whose root describes those `channels`. What the table does
/// not say is as there.
///
/// # Errors
/// [`ReadTableError`]: the object is not Parquet, columns or types differ from those of
/// the format, rows are not in order, or a cell has an impossible value.
pub fn channels_of(
    bytes: Bytes,
    channels: &[ChannelDescription],
) -> Result<Vec<ChannelDescription>, ReadTableError> {
    let mut read = Vec::new();
    each_batch(CHANNELS, bytes, channels.len(), 1, |batch| {
        let order = batch.integers("channel_index")?;
        let order = batch.required("channel_index", &order)?;
        let name = batch.required("channel", batch.texts("channel")?)?;
        let (stain, structure) = (batch.texts("stain")?, batch.texts("structure")?);
        let color = batch.required("color", batch.texts("color")?)?;
        let bounds = [
            batch.integers("window_start")?,
            batch.integers("window_end")?,
        ];
        let from = batch.texts("window_from")?;
        let (excitation, emission) = (batch.floats("excitation_nm")?, batch.floats("emission_nm")?);
        for (row, known) in channels
            .iter()
            .skip(batch.first_row)
            .take(batch.len())
            .enumerate()
        {
            let index = order.value(row);
            if usize::try_from(index) != Ok(batch.first_row + row) {
                let reason = format!("{index}, expected the row's number");
                return Err(batch.cell(row, "channel_index", reason));
            }
            let intensity = |column: &str, position: usize| {
                let values = bounds.get(position).filter(|values| values.is_valid(row));
                let value = values.and_then(|values| u32::try_from(values.value(row)).ok());
                value.ok_or_else(|| batch.cell(row, column, "is no intensity"))
            };
            let origin = |text: &str| {
                let origin = WindowOrigin::named(text);
                origin.ok_or_else(|| batch.cell(row, "window_from", format!("is {text:?}")))
            };
            let mut channel = known.clone();
            channel.name = name.value(row).to_owned();
            channel.stain = text(stain, row).unwrap_or_default().to_owned();
            channel.structure = text(structure, row).unwrap_or_default().to_owned();
            channel.color = color.value(row).to_owned();
            channel.window.start = intensity("window_start", 0)?;
            channel.window.end = intensity("window_end", 1)?;
            channel.window_from = text(from, row).map(origin).transpose()?;
            channel.excitation_nm = number(excitation, row);
            channel.emission_nm = number(emission, row);
            read.push(channel);
        }
        Ok(())
    })?;
    Ok(read)
}

fn text(values: &StringArray, row: usize) -> Option<&str> {
    values.is_valid(row).then(|| values.value(row))
}

fn number(values: &Float64Array, row: usize) -> Option<f64> {
    values.is_valid(row).then(|| values.value(row))
}
