//! Compares two decoders, and defines where they may differ.

use std::cell::RefCell;
use std::io::Cursor;

use png::{DecodeOptions, Transformations};
use rxrx_decoder::{
    BitDepth, Damage, DecodeError, Decoder, Limits, PlaneSummary, ReferenceDecoder, SummaryScratch,
    Unsupported, read_shape, summarise,
};

use super::picture::{push_chunk, zlib};

const LIMITS: Limits = Limits {
    max_width: 1 << 12,
    max_height: 1 << 12,
    max_bytes: 1 << 22,
};

/// Decodes a file with both decoders and compares the results.
///
/// # Panics
///
/// - Ours gives other pixels than the `png` crate.
/// - Ours refuses a grey and opaque image that the `png` crate accepts, and the reason is
///   not one of the [stricter checks](is_stricter).
/// - Ours names a coloured or transparent pixel, and the `png` crate gives another one.
/// - The summary is not that of the pixels.
pub fn compare(png: &[u8]) {
    match ours(png) {
        Ok(plane) => {
            // The crate may refuse a chunk, which has no influence on samples, or take a
            // transparency chunk that may not be there.
            let candidates = [png.to_vec(), bare(png), pixels_only(png)];
            let mut planes = candidates.iter().filter_map(|png| theirs(png)?.plane());
            let expected = planes.next().expect("we accept it, the png crate refuses");
            assert!(plane == expected, "other pixels than the png crate's");
        }
        Err(DecodeError::Unsupported(unsupported)) => check_unsupported(png, &unsupported),
        Err(DecodeError::Damaged(damage)) if is_stricter(png, &damage) => {}
        Err(DecodeError::Damaged(damage)) => {
            assert!(theirs(png).is_none(), "the png crate accepts it: {damage}");
        }
        // The image is beyond our limits, which the crate does not have.
        Err(_) => {}
    }
}

fn ours(png: &[u8]) -> Result<Vec<u8>, DecodeError> {
    thread_local! {
        // Used for all files, to find state that one image leaves to the next.
        static DECODER: RefCell<(Decoder, SummaryScratch)> =
            RefCell::new((Decoder::new(LIMITS), SummaryScratch::new()));
    }
    let shape = read_shape(png, &LIMITS)?;
    let mut plane = vec![0xA5; shape.byte_len()];
    DECODER.with_borrow_mut(|(decoder, scratch)| {
        let summary = decoder.decode(png, shape, &mut plane)?;
        let PlaneSummary {
            statistics,
            xxh3_128,
        } = summarise(&plane, shape, scratch);
        assert_eq!(summary.statistics, statistics);
        assert_eq!(summary.xxh3_128, xxh3_128);
        let mut reference = vec![0x5A; shape.byte_len()];
        let agreed = ReferenceDecoder::new(LIMITS).decode(png, shape, &mut reference);
        assert_eq!(agreed, Ok(()));
        assert!(
            plane == reference,
            "other pixels than the reference decoder's"
        );
        Ok(plane)
    })
}

/// The result of the `png` crate: 8 or 16 bit, palettes resolved, transparency as alpha.
struct Theirs {
    width: usize,
    samples: Vec<u8>,
    depth: BitDepth,
    channels: usize,
}

impl Theirs {
    /// Red, green, blue and alpha.
    fn pixel(&self, index: usize) -> Option<[u16; 4]> {
        let bytes = self.depth.bytes_per_sample();
        let pixel = self.samples.get(index * self.channels * bytes..)?;
        let pixel = pixel.get(..self.channels * bytes)?;
        let sample = |channel: usize| match self.depth {
            BitDepth::Eight => pixel[channel].into(),
            BitDepth::Sixteen => u16::from_be_bytes([pixel[2 * channel], pixel[2 * channel + 1]]),
        };
        let opaque = self.depth.max_value();
        Some(match self.channels {
            1 => [sample(0), sample(0), sample(0), opaque],
            2 => [sample(0), sample(0), sample(0), sample(1)],
            3 => [sample(0), sample(1), sample(2), opaque],
            _ => [0, 1, 2, 3].map(sample),
        })
    }

    /// The plane, 16-bit samples little-endian, if every pixel is grey and opaque.
    fn plane(&self) -> Option<Vec<u8>> {
        let mut plane = Vec::new();
        for index in 0..self.samples.len() / self.channels / self.depth.bytes_per_sample() {
            let [red, green, blue, alpha] = self.pixel(index)?;
            if red != green || green != blue || alpha != self.depth.max_value() {
                return None;
            }
            plane.extend_from_slice(&red.to_le_bytes()[..self.depth.bytes_per_sample()]);
        }
        Some(plane)
    }
}

fn theirs(png: &[u8]) -> Option<Theirs> {
    // Version 0.18.1 panics when it resolves a palette of such a length.
    let is_odd = |chunk: &[u8]| &chunk[4..8] == b"PLTE" && !(chunk.len() - 12).is_multiple_of(3);
    if chunks(png).any(is_odd) && png.get(25) == Some(&3) {
        return None;
    }
    let mut options = DecodeOptions::default();
    options.set_ignore_adler32(false);
    options.set_ignore_crc(false);
    options.set_skip_ancillary_crc_failures(false);
    let mut decoder = png::Decoder::new_with_options(Cursor::new(png), options);
    decoder.set_limits(png::Limits {
        bytes: LIMITS.max_bytes,
    });
    decoder.set_transformations(Transformations::EXPAND);
    let mut reader = decoder.read_info().ok()?;
    let length = reader
        .output_buffer_size()
        .filter(|length| *length <= 16 * LIMITS.max_bytes)?;
    let mut samples = vec![0; length];
    let frame = reader.next_frame(&mut samples).ok()?;
    reader.finish().ok()?;
    samples.truncate(frame.buffer_size());
    Some(Theirs {
        width: frame.width as usize,
        samples,
        depth: match frame.bit_depth {
            png::BitDepth::Sixteen => BitDepth::Sixteen,
            _ => BitDepth::Eight,
        },
        channels: frame.color_type.samples(),
    })
}

/// Checks that the crate accepts the file, and that the pixel we name is as we say.
fn check_unsupported(png: &[u8], unsupported: &Unsupported) {
    let pixel_at = |y: u32, x: u32| {
        let theirs = theirs(png).or_else(|| theirs(&bare(png)));
        let theirs = theirs.expect("we call it valid, the png crate refuses");
        theirs.pixel(y as usize * theirs.width + x as usize)
    };
    match *unsupported {
        Unsupported::Colour {
            y,
            x,
            red,
            green,
            blue,
        } => {
            let Some([r, g, b, _]) = pixel_at(y, x) else {
                panic!("no such pixel");
            };
            assert_eq!([r, g, b], [red, green, blue]);
        }
        Unsupported::PaletteColour {
            y,
            x,
            red,
            green,
            blue,
            ..
        } => {
            let Some([r, g, b, _]) = pixel_at(y, x) else {
                panic!("no such pixel");
            };
            assert_eq!([r, g, b], [red, green, blue].map(u16::from));
        }
        Unsupported::Transparency { y, x, alpha } => {
            let Some([.., a]) = pixel_at(y, x) else {
                panic!("no such pixel");
            };
            assert_eq!(a, alpha);
        }
        // The reason is in the header or in the name of a chunk.
        _ => {}
    }
}

/// Whether ours refuses the file by a check that the `png` crate does not have: every byte
/// of a file must be accounted for.
fn is_stricter(png: &[u8], damage: &Damage) -> bool {
    match damage {
        // The crate stops at the last pixel. It does not check whether the stream ends,
        // where it ends, and what follows.
        Damage::TooMuchPixelData { .. } | Damage::Inflate { .. } => pixels_are_valid(png),
        // For that reason it does not read a checksum that is partly in a later chunk.
        Damage::Adler32 { .. } => image_ends_a_chunk_early(png),
        // The crate ignores a transparency or palette chunk of wrong length or in the
        // wrong place. Without the chunk, both must agree.
        Damage::ChunkLength { chunk, offset, .. } | Damage::ChunkOrder { chunk, offset }
            if matches!(&chunk.0, b"tRNS" | b"PLTE") =>
        {
            compare(&without(png, *offset));
            true
        }
        // The crate makes such a pixel black.
        Damage::PaletteIndex { .. } => true,
        _ => false,
    }
}

/// Whether the stream inflates to a whole image. If so, checks that both decoders agree on
/// the file with a new stream for just this image, and that its pixels are the same.
fn pixels_are_valid(png: &[u8]) -> bool {
    let mut inflated = inflated(&stream(png));
    let error = ours(&with_stream(png, &inflated)).err();
    if let Some(DecodeError::Damaged(Damage::TooMuchPixelData { expected })) = error {
        inflated.truncate(expected);
    } else if let Some(DecodeError::Damaged(Damage::TooLittlePixelData { .. })) = error {
        return false;
    }
    let valid = with_stream(png, &inflated);
    compare(&valid);
    if let (Some(theirs), Some(rebuilt)) = (theirs(png), self::theirs(&valid)) {
        assert!(
            theirs.samples == rebuilt.samples,
            "the crate gives other samples for a new stream"
        );
    }
    true
}

/// Whether the image is complete without the last `IDAT`.
fn image_ends_a_chunk_early(png: &[u8]) -> bool {
    let stream = stream(png);
    let last = chunks(png).filter(|chunk| &chunk[4..8] == b"IDAT" && chunk.len() > 12);
    let last = last.last().map_or(0, |chunk| chunk.len() - 12);
    inflated(&stream[..stream.len() - last]).len() == inflated(&stream).len()
}

/// Inflates a stream until it ends or an error occurs.
fn inflated(stream: &[u8]) -> Vec<u8> {
    let mut decompressor = fdeflate::Decompressor::new();
    decompressor.ignore_adler32();
    // Deflate expands one byte to about a thousand bytes at most.
    let mut inflated = vec![0; LIMITS.max_bytes.min(1040 * stream.len())];
    let mut length = 0;
    // Byte by byte, because an error discards the output of the same call.
    for byte in stream.chunks(1) {
        match decompressor.read(byte, &mut inflated, length, false) {
            Ok((_, more)) => length += more,
            Err(_) => break,
        }
        if decompressor.is_done() {
            break;
        }
    }
    inflated.truncate(length);
    inflated
}

/// Joins the data of all `IDAT` chunks.
fn stream(png: &[u8]) -> Vec<u8> {
    let data = chunks(png).filter(|chunk| &chunk[4..8] == b"IDAT");
    data.flat_map(|chunk| &chunk[8..chunk.len() - 4])
        .copied()
        .collect()
}

/// Replaces the `IDAT` chunks by a single one with these rows.
fn with_stream(png: &[u8], rows: &[u8]) -> Vec<u8> {
    let mut file = png[..8].to_vec();
    let mut is_first = true;
    for chunk in chunks(png) {
        if &chunk[4..8] != b"IDAT" {
            file.extend_from_slice(chunk);
        } else if is_first {
            push_chunk(&mut file, b"IDAT", &zlib(rows));
            is_first = false;
        }
    }
    file
}

/// Removes the chunks that have no influence on samples.
fn bare(png: &[u8]) -> Vec<u8> {
    let mut bare = png[..8].to_vec();
    for chunk in chunks(png) {
        if matches!(
            &chunk[4..8],
            b"IHDR" | b"PLTE" | b"tRNS" | b"IDAT" | b"IEND"
        ) {
            bare.extend_from_slice(chunk);
        }
    }
    bare
}

/// Removes all chunks but header, palette and pixels, and what follows the zlib stream.
fn pixels_only(png: &[u8]) -> Vec<u8> {
    let rows = inflated(&stream(png));
    let mut file = png[..8].to_vec();
    for chunk in chunks(png) {
        if matches!(&chunk[4..8], b"IHDR" | b"PLTE") {
            file.extend_from_slice(chunk);
        }
    }
    push_chunk(&mut file, b"IDAT", &zlib(&rows));
    push_chunk(&mut file, b"IEND", &[]);
    file
}

/// Removes the chunk at `offset`, or the rest of the file if the chunk is truncated.
fn without(png: &[u8], offset: usize) -> Vec<u8> {
    let (before, rest) = png.split_at(offset);
    let length = chunks(&png[offset - 8..])
        .next()
        .map_or(rest.len(), <[u8]>::len);
    [before, &rest[length..]].concat()
}

/// Iterates over the whole chunks, each from length to CRC.
fn chunks(png: &[u8]) -> impl Iterator<Item = &[u8]> {
    let mut rest = png.get(8..).unwrap_or(&[]);
    std::iter::from_fn(move || {
        let length = u32::from_be_bytes(*rest.first_chunk()?) as usize;
        let (chunk, behind) = rest.split_at_checked(length.checked_add(12)?)?;
        rest = behind;
        Some(chunk)
    })
}
