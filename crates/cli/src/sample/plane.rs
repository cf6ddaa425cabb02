//! One image file.

use std::fs;
use std::path::Path;

use super::SampleError;

/// Writes `size` × `size` grey bytes as the PNGs of RxRx1 are written: not
/// interlaced, adaptive filters, zlib level 9. Returns the file's size in bytes.
///
/// # Errors
///
/// [`SampleError::Encode`] if the encoder refuses the pixels,
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

/// Level 9 takes five sixths of the time of a sample: in pictures as smooth and
/// faint as these, nearly every three bytes have occurred before, and each
/// place is tried. Level 8 would take two thirds as long for the same size.
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
