//! PNG with text chunks.

use std::io::Write;

use crate::canvas::Canvas;
use crate::error::FigureError;

/// Writes a picture with texts: pairs of keyword and text.
pub(crate) fn write(
    canvas: &Canvas,
    texts: &[(String, String)],
    out: impl Write,
) -> Result<(), FigureError> {
    let too_large = |_| FigureError::TooLarge {
        width: canvas.width,
        height: canvas.height,
    };
    let width = u32::try_from(canvas.width).map_err(too_large)?;
    let height = u32::try_from(canvas.height).map_err(too_large)?;
    let mut encoder = png::Encoder::new(out, width, height);
    encoder.set_color(png::ColorType::Rgb);
    encoder.set_depth(png::BitDepth::Eight);
    encoder.set_compression(png::Compression::Balanced);
    for (keyword, text) in texts {
        encoder.add_itxt_chunk(keyword.clone(), text.clone())?;
    }
    let mut writer = encoder.write_header()?;
    writer.write_image_data(&canvas.bytes)?;
    Ok(writer.finish()?)
}
