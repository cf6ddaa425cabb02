//! Decodes with the [`png`] crate: every image that is not plain grey, and every image of
//! the reference decoder.

use std::io::Cursor;

use png::{DecodeOptions, Limits as CrateLimits, Transformations};

use crate::chunk::SIGNATURE;
use crate::chunk_name::ChunkName;
use crate::error::{Damage, DecodeError, LimitExceeded};
use crate::header::{Colour, Header};
use crate::inflated::Inflated;
use crate::limits::Limits;
use crate::shape::BitDepth;
use crate::to_grey::SampleReader;

/// Decodes an image from its header, palette and zlib stream, which passed our own checks.
/// So a file is accepted or refused for the same reasons as on the fast path.
pub(crate) fn decode_stream(
    image: &Inflated<'_>,
    limits: Limits,
    plane: &mut [u8],
) -> Result<(), DecodeError> {
    let reader = SampleReader::new(&image.header, &image.container)?;
    let samples = samples(&image.header, &minimal_png(image), limits)?;
    reader.to_grey(&samples, plane)
}

/// Decodes an image from the file itself, so that the samples do not depend on our own
/// reading of chunks and inflating. If the crate refuses an ancillary chunk, which has no
/// influence on samples, it gets a file without such chunks.
pub(crate) fn decode_file(
    image: &Inflated<'_>,
    png: &[u8],
    limits: Limits,
    plane: &mut [u8],
) -> Result<(), DecodeError> {
    let header = &image.header;
    let reader = SampleReader::new(header, &image.container)?;
    let samples = match samples(header, png, limits) {
        Ok(samples) => samples,
        Err(_) => samples(header, &minimal_png(image), limits)?,
    };
    if header.colour != Colour::Grey
        || header.is_widened()
        || image.container.transparency.is_some()
    {
        return reader.to_grey(&samples, plane);
    }
    // Grey samples are the pixels, but for the byte order.
    match header.shape.depth {
        BitDepth::Eight => plane.copy_from_slice(&samples),
        BitDepth::Sixteen => {
            let pixels = plane.as_chunks_mut::<2>().0.iter_mut();
            for (pixel, &[high, low]) in pixels.zip(samples.as_chunks().0) {
                *pixel = [low, high];
            }
        }
    }
    Ok(())
}

/// Decodes a file to samples as they are stored: row-major, rows padded to whole bytes.
fn samples(header: &Header, png: &[u8], limits: Limits) -> Result<Vec<u8>, DecodeError> {
    let mut options = DecodeOptions::default();
    options.set_ignore_adler32(false);
    options.set_ignore_crc(false);
    options.set_skip_ancillary_crc_failures(false);
    let mut decoder = png::Decoder::new_with_options(Cursor::new(png), options);
    decoder.set_limits(CrateLimits {
        bytes: limits.max_bytes,
    });
    decoder.set_transformations(Transformations::IDENTITY);
    let refused = |error| match error {
        png::DecodingError::LimitsExceeded => DecodeError::from(LimitExceeded::Memory {
            needed: header.inflated_bytes(),
            limit: limits.max_bytes,
        }),
        error => Damage::Library {
            message: error.to_string(),
        }
        .into(),
    };
    let mut reader = decoder.read_info().map_err(refused)?;
    let rows = u64::from(header.shape.height);
    let mut samples = vec![0; (rows * header.row_bytes(header.shape.width)) as usize];
    reader.next_frame(&mut samples).map_err(refused)?;
    reader.finish().map_err(refused)?;
    Ok(samples)
}

/// Writes a file with the same samples and without ancillary chunks.
fn minimal_png(image: &Inflated<'_>) -> Vec<u8> {
    // Less than a chunk may have; the stream of several chunks may be longer.
    const MAX_DATA: usize = 1 << 30;
    let stream = image.container.stream;
    let mut png = Vec::with_capacity(stream.len() + 1024);
    png.extend_from_slice(&SIGNATURE);
    push_chunk(&mut png, ChunkName::HEADER, &image.header.raw);
    if let Some(palette) = image.container.palette {
        push_chunk(&mut png, ChunkName::PALETTE, palette.data);
    }
    for part in stream.chunks(MAX_DATA) {
        push_chunk(&mut png, ChunkName::DATA, part);
    }
    push_chunk(&mut png, ChunkName::END, &[]);
    png
}

fn push_chunk(png: &mut Vec<u8>, name: ChunkName, data: &[u8]) {
    let mut crc = libdeflater::Crc::new();
    crc.update(&name.0);
    crc.update(data);
    png.extend_from_slice(&(data.len() as u32).to_be_bytes());
    png.extend_from_slice(&name.0);
    png.extend_from_slice(data);
    png.extend_from_slice(&crc.sum().to_be_bytes());
}
