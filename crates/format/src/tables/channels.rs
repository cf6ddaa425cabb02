//! `channels.parquet`: one row for each channel, in array order, with what the root says of
//! it, so that a query finds stain and structure without Zarr.

use std::sync::Arc;

use arrow_array::{ArrayRef, Float64Array, Int32Array, StringArray};
use arrow_schema::{DataType as Arrow, Schema};

use super::schema::{optional, required};
use super::writer::{TableError, TableWriter};
use crate::channel_description::ChannelDescription;
use crate::keys::CHANNELS;

/// The schema of `channels.parquet`.
pub fn channels_schema() -> Schema {
    Schema::new(vec![
        required(
            "channel_index",
            Arrow::Int32,
            "Position along the second axis of images.zarr/images, from 0; the row number",
        ),
        required(
            "channel",
            Arrow::Utf8,
            "Channel, such as w1; the channel coordinate",
        ),
        optional("stain", Arrow::Utf8, "Dye; null where it is not known"),
        optional(
            "structure",
            Arrow::Utf8,
            "Structure that the dye shows; null where it is not known",
        ),
        required(
            "color",
            Arrow::Utf8,
            "Display colour: six hexadecimal digits, RRGGBB",
        ),
        required(
            "window_start",
            Arrow::Int32,
            "Intensity that is shown black",
        ),
        required(
            "window_end",
            Arrow::Int32,
            "Intensity that is shown at full brightness",
        ),
        optional(
            "window_from",
            Arrow::Utf8,
            "Where the window comes from: given, or data (percentiles of the planes)",
        ),
        optional(
            "excitation_nm",
            Arrow::Float64,
            "Wavelength of the light that excites the dye, in nm; null where it is not known",
        ),
        optional(
            "emission_nm",
            Arrow::Float64,
            "Wavelength of the light that the dye emits, in nm; null where it is not known",
        ),
    ])
}

/// Encodes the table.
///
/// # Errors
/// [`TableError`], a defect.
pub fn channels_table(
    channels: &[ChannelDescription],
    key_values: &[(&str, String)],
) -> Result<Vec<u8>, TableError> {
    let rows = channels.iter();
    let texts = |value: fn(&ChannelDescription) -> Option<&str>| -> ArrayRef {
        Arc::new(StringArray::from_iter(rows.clone().map(value)))
    };
    // Intensities have at most 16 bits.
    let intensities = |value: fn(&ChannelDescription) -> u32| -> ArrayRef {
        let values = rows.clone().map(|channel| value(channel) as i32);
        Arc::new(Int32Array::from_iter_values(values))
    };
    let wavelengths = |value: fn(&ChannelDescription) -> Option<f64>| -> ArrayRef {
        Arc::new(Float64Array::from_iter(rows.clone().map(value)))
    };
    let positions = (0..).take(channels.len());
    let mut writer = TableWriter::new(CHANNELS, channels_schema(), &[], key_values)?;
    writer.write_group(vec![
        Arc::new(Int32Array::from_iter_values(positions)),
        texts(|channel| Some(&channel.name)),
        texts(|channel| known(&channel.stain)),
        texts(|channel| known(&channel.structure)),
        texts(|channel| Some(&channel.color)),
        intensities(|channel| channel.window.start),
        intensities(|channel| channel.window.end),
        texts(|channel| Some(channel.window_from?.name())),
        wavelengths(|channel| channel.excitation_nm),
        wavelengths(|channel| channel.emission_nm),
    ])?;
    writer.finish()
}

/// A text, unless it is empty because nothing is known.
fn known(text: &str) -> Option<&str> {
    (!text.is_empty()).then_some(text)
}
