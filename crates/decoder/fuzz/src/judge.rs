//! The verdict: what two decoders must agree on.

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

/// Decodes a file with both.
///
/// # Panics
///
/// - Ours gives pixels that the `png` crate does not, or none where it gives a
///   grey and opaque picture; save for what is [stricter](extra_strictness) by
///   intent.
/// - Ours names a pixel that is coloured or transparent, and it is not so.
/// - The summary is not that of the pixels.
pub fn judge(png: &[u8]) {
    match ours(png) {
        Ok(plane) => {
            // An ancillary chunk says nothing about the samples; that the
            // library dislikes one is no concern of ours.
            let theirs = theirs(png).or_else(|| theirs(&bare(png)));
            let theirs = theirs.expect("we accept it, the png crate refuses");
            let expected = theirs
                .plane()
                .expect("we accept a picture that is not grey");
            assert!(plane == expected, "other pixels than the png crate's");
        }
        Err(DecodeError::Unsupported(unsupported)) => check_unsupported(png, &unsupported),
        Err(DecodeError::Damaged(damage)) if extra_strictness(png, &damage) => {}
        Err(DecodeError::Damaged(damage)) => {
            assert!(theirs(png).is_none(), "the png crate accepts it: {damage}");
        }
        // Beyond the limits, which the library does not share.
        Err(_) => {}
    }
}

fn ours(png: &[u8]) -> Result<Vec<u8>, DecodeError> {
    thread_local! {
        // Used again and again, as in earnest: nothing may stay behind.
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

/// What the `png` crate makes of a file: 8 or 16 bit, palettes resolved,
/// transparency as alpha.
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

    /// Little-endian, if every pixel is grey and opaque.
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
    // Such a palette makes version 0.18.1 panic when it resolves it.
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

/// The picture is sound, and what we say of it is so.
fn check_unsupported(png: &[u8], unsupported: &Unsupported) {
    let pixel_at = |y: u32, x: u32| {
        let theirs = theirs(png).or_else(|| theirs(&bare(png)));
        let theirs = theirs.expect("we call it sound, the png crate refuses");
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
        // Found in the header or in a chunk's name.
        _ => {}
    }
}

/// Where ours is stricter than the `png` crate, on purpose: each byte of a
/// file means something, or the file is damaged.
fn extra_strictness(png: &[u8], damage: &Damage) -> bool {
    match damage {
        // What stands before the rubbish must still be judged alike.
        Damage::TrailingData { offset, .. } => {
            judge(&png[..*offset]);
            true
        }
        // The library is done when the picture is. Whether the stream ends
        // there, whether at all, and what follows, it does not ask.
        Damage::DataAfterStream | Damage::TooMuchPixelData { .. } | Damage::Inflate { .. } => {
            rest_is_sound(png)
        }
        // So it never meets a checksum that begins, or ends, in a later chunk.
        Damage::Adler32 { .. } => picture_ends_a_chunk_early(png),
        // The library passes over a transparency or a palette that is out of
        // place or out of shape; without it, the file must be judged alike.
        Damage::ChunkLength { chunk, offset, .. } | Damage::ChunkOrder { chunk, offset }
            if matches!(&chunk.0, b"tRNS" | b"PLTE") =>
        {
            judge(&without(png, *offset));
            true
        }
        // The library makes such a pixel black.
        Damage::PaletteIndex { .. } => true,
        _ => false,
    }
}

/// The stream inflates to a whole picture at least; and with a new stream for
/// just that picture, the file is judged alike and has the same pixels.
fn rest_is_sound(png: &[u8]) -> bool {
    let mut inflated = inflated(&stream(png));
    let error = ours(&with_stream(png, &inflated)).err();
    if let Some(DecodeError::Damaged(Damage::TooMuchPixelData { expected })) = error {
        inflated.truncate(expected);
    } else if let Some(DecodeError::Damaged(Damage::TooLittlePixelData { .. })) = error {
        return false;
    }
    let sound = with_stream(png, &inflated);
    judge(&sound);
    if let (Some(theirs), Some(rebuilt)) = (theirs(png), self::theirs(&sound)) {
        assert!(theirs.samples == rebuilt.samples, "the library is misled");
    }
    true
}

/// The picture is complete without the last `IDAT`.
fn picture_ends_a_chunk_early(png: &[u8]) -> bool {
    let stream = stream(png);
    let last = chunks(png).filter(|chunk| &chunk[4..8] == b"IDAT" && chunk.len() > 12);
    let last = last.last().map_or(0, |chunk| chunk.len() - 12);
    inflated(&stream[..stream.len() - last]).len() == inflated(&stream).len()
}

/// What a stream gives until it ends or breaks.
fn inflated(stream: &[u8]) -> Vec<u8> {
    let mut decompressor = fdeflate::Decompressor::new();
    decompressor.ignore_adler32();
    // Deflate makes a thousand bytes of one at most.
    let mut inflated = vec![0; LIMITS.max_bytes.min(1040 * stream.len())];
    let mut length = 0;
    // Byte by byte: an error takes with it what the same call has given.
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

/// All of `IDAT`.
fn stream(png: &[u8]) -> Vec<u8> {
    let data = chunks(png).filter(|chunk| &chunk[4..8] == b"IDAT");
    data.flat_map(|chunk| &chunk[8..chunk.len() - 4])
        .copied()
        .collect()
}

/// The file with these rows in a single `IDAT`.
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

/// The file without chunks that have no bearing on samples.
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

/// The file without the chunk at `offset`, or all from there on if it is cut.
fn without(png: &[u8], offset: usize) -> Vec<u8> {
    let (before, rest) = png.split_at(offset);
    let length = chunks(&png[offset - 8..])
        .next()
        .map_or(rest.len(), <[u8]>::len);
    [before, &rest[length..]].concat()
}

/// Whole chunks, from length to CRC.
fn chunks(png: &[u8]) -> impl Iterator<Item = &[u8]> {
    let mut rest = png.get(8..).unwrap_or_default();
    std::iter::from_fn(move || {
        let length = u32::from_be_bytes(*rest.first_chunk()?) as usize;
        let (chunk, behind) = rest.split_at_checked(length.checked_add(12)?)?;
        rest = behind;
        Some(chunk)
    })
}
