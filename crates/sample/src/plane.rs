//! Encodes and writes one image file.

use std::fs;
use std::path::Path;

use super::error::SampleError;

/// Writes `size` x `size` grey pixels as a PNG file with the settings of RxRx1's
/// files: not interlaced, adaptive filters, zlib level 9. Returns the size of
/// the file in bytes.
///
/// # Errors
///
/// [`SampleError::Encode`] if the encoder fails,
/// [`SampleError::Write`] if the file cannot be written.
pub(super) fn write(path: &Path, size: u32, pixels: &[u8]) -> Result<u64, SampleError> {
    let png = encode(size, pixels).map_err(|source| SampleError::Encode {
        path: path.to_owned(),
        source,
    })?;
    fs::write(path, &png).map_err(|source| SampleError::Write {
        path: path.to_owned(),
        source,
    })?;
    Ok(png.len() as u64)
}

/// Encodes pixels at level 9, which takes five sixths of the time of a sample:
/// in such smooth and dark images nearly every sequence of three bytes has
/// occurred before, and the compressor tries each occurrence. Level 8 would take
/// two thirds of that time and give the same size.
fn encode(size: u32, pixels: &[u8]) -> Result<Vec<u8>, png::EncodingError> {
    let mut bytes = Vec::with_capacity(pixels.len() / 2);
    let mut encoder = png::Encoder::new(&mut bytes, size, size);
    encoder.set_color(png::ColorType::Grayscale);
    encoder.set_depth(png::BitDepth::Eight);
    encoder.set_deflate_compression(png::DeflateCompression::Level(9));
    encoder.set_filter(png::Filter::Adaptive);
    let mut writer = encoder.write_header()?;
    writer.write_image_data(pixels)?;
    writer.finish()?;
    Ok(bytes)
}
