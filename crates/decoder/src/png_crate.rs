//! The path for every image that is not plain grey: through the [`png`] crate.
#![allow(
    clippy::indexing_slicing,
    reason = "lengths are checked once, before the loops over rows; fuzzer and corruption tests agree"
)]

use std::io::Cursor;

use png::{DecodeOptions, Limits as LibraryLimits, Transformations};

use crate::chunk::{ChunkName, Container, SIGNATURE};
use crate::error::{Damage, DecodeError, LimitExceeded};
use crate::header::{Colour, Header};
use crate::limits::Limits;
use crate::shape::BitDepth;
use crate::to_grey;

/// Decodes an image whose chunks, zlib stream and filter bytes have passed our
/// own checks, so that a file gets the same verdict on either path.
pub(crate) fn decode(
    header: &Header,
    container: &Container<'_>,
    stream: &[u8],
    limits: Limits,
    plane: &mut [u8],
) -> Result<(), DecodeError> {
    let legend = to_grey::Legend::new(header, container)?;
    let bare = bare_png(header, container, stream);
    let samples = samples(header, &bare, limits)?;
    legend.narrow(&samples, plane)
}

/// The same from the file as it is, so that neither our chunk walk nor our
/// inflate step has a part in the samples. The library dislikes some ancillary
/// chunks that say nothing about them; then it gets the file without.
pub(crate) fn decode_file(
    header: &Header,
    container: &Container<'_>,
    png: &[u8],
    stream: &[u8],
    limits: Limits,
    plane: &mut [u8],
) -> Result<(), DecodeError> {
    let legend = to_grey::Legend::new(header, container)?;
    let samples = match samples(header, png, limits) {
        Ok(samples) => samples,
        Err(_) => samples(header, &bare_png(header, container, stream), limits)?,
    };
    if header.colour != Colour::Grey || container.transparency.is_some() {
        return legend.narrow(&samples, plane);
    }
    // The samples are the plane, but for the order of two bytes.
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

/// Samples as they are stored, row-major, rows padded to whole bytes.
fn samples(header: &Header, png: &[u8], limits: Limits) -> Result<Vec<u8>, DecodeError> {
    let mut options = DecodeOptions::default();
    options.set_ignore_adler32(false);
    options.set_ignore_crc(false);
    options.set_skip_ancillary_crc_failures(false);
    let mut decoder = png::Decoder::new_with_options(Cursor::new(png), options);
    decoder.set_limits(LibraryLimits {
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

/// The same image without its ancillary chunks: they have no bearing on the
/// samples, so the library's opinion of them must have none on the verdict.
fn bare_png(header: &Header, container: &Container<'_>, stream: &[u8]) -> Vec<u8> {
    // Several chunks put together may be longer than one chunk may be.
    const LONGEST: usize = 1 << 30;
    let mut png = Vec::with_capacity(stream.len() + 1024);
    png.extend_from_slice(&SIGNATURE);
    push_chunk(&mut png, ChunkName::HEADER, &header.raw);
    if let Some(palette) = container.palette {
        push_chunk(&mut png, ChunkName::PALETTE, palette.data);
    }
    for part in stream.chunks(LONGEST) {
        push_chunk(&mut png, ChunkName::DATA, part);
    }
    push_chunk(&mut png, ChunkName::END, &[]);
    png
}

fn push_chunk(png: &mut Vec<u8>, name: ChunkName, data: &[u8]) {
    png.extend_from_slice(&(data.len() as u32).to_be_bytes());
    let covered = png.len();
    png.extend_from_slice(&name.0);
    png.extend_from_slice(data);
    let crc = libdeflater::crc32(&png[covered..]);
    png.extend_from_slice(&crc.to_be_bytes());
}
