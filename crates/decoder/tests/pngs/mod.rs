//! A PNG writer for tests: any colour type, bit depth, interlacing, filter of each row and
//! number of `IDAT` chunks, valid or damaged. It is written from the specification and shares
//! no code with the decoder: interlacing follows the 8 x 8 pattern, filters follow their
//! definitions.
#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test's helpers may fail as the test may"
)]
#![allow(
    dead_code,
    unreachable_pub,
    reason = "every test binary compiles this module and uses its own part of it"
)]

use libdeflater::{CompressionLvl, Compressor};
use rxrx_decoder::{DecodeError, Decoder, Limits, ReferenceDecoder, read_shape};

pub const GREY: u8 = 0;
pub const RGB: u8 = 2;
pub const PALETTE: u8 = 3;
pub const GREY_ALPHA: u8 = 4;
pub const RGB_ALPHA: u8 = 6;

pub const SIGNATURE: &[u8] = b"\x89PNG\r\n\x1a\n";

/// The interlace pass of each pixel in a square of 8 x 8.
///
/// [PNG, 8.1](https://www.w3.org/TR/png-3/#8InterlaceMethods)
const PASS: [[u8; 8]; 8] = [
    [1, 6, 4, 6, 2, 6, 4, 6],
    [7, 7, 7, 7, 7, 7, 7, 7],
    [5, 6, 5, 6, 5, 6, 5, 6],
    [7, 7, 7, 7, 7, 7, 7, 7],
    [3, 6, 4, 6, 3, 6, 4, 6],
    [7, 7, 7, 7, 7, 7, 7, 7],
    [5, 6, 5, 6, 5, 6, 5, 6],
    [7, 7, 7, 7, 7, 7, 7, 7],
];

pub fn samples_per_pixel(colour_type: u8) -> usize {
    match colour_type {
        GREY | PALETTE => 1,
        GREY_ALPHA => 2,
        RGB => 3,
        RGB_ALPHA => 4,
        other => panic!("no colour type {other}"),
    }
}

/// Decodes a file of unknown shape with a new decoder. Checks that the reference decoder
/// gives the same pixels or the same error.
pub fn decode(png: &[u8]) -> Result<Vec<u8>, DecodeError> {
    let limits = Limits::default();
    let shape = read_shape(png, &limits)?;
    let mut plane = vec![0xA5; shape.byte_len()];
    let decoded = Decoder::new(limits).decode(png, shape, &mut plane);
    let mut reference = vec![0x5A; shape.byte_len()];
    let agreed = ReferenceDecoder::new(limits).decode(png, shape, &mut reference);
    assert_eq!(decoded.clone().map(|_| ()), agreed);
    decoded?;
    assert_eq!(plane, reference);
    Ok(plane)
}

/// An image of 13 x 11 pixels of 8 bit.
pub fn small() -> Picture {
    let samples = (0..13 * 11).map(|i| i * 29 % 251).collect();
    Picture::grey(13, 11, 8, samples)
}

/// Filters of successive rows, repeated from the start if there are more rows.
pub type Filters<'a> = &'a [u8];

#[derive(Clone, Debug)]
pub struct Picture {
    pub width: usize,
    pub height: usize,
    pub bits: u8,
    pub colour_type: u8,
    pub interlaced: bool,
    /// Row-major; the samples of a pixel follow each other.
    pub samples: Vec<u16>,
    /// Chunks between `IHDR` and `IDAT`.
    pub extra: Vec<([u8; 4], Vec<u8>)>,
    /// Number of `IDAT` chunks for the zlib stream.
    pub pieces: usize,
}

impl Picture {
    pub fn new(width: usize, height: usize, bits: u8, colour_type: u8, samples: Vec<u16>) -> Self {
        assert_eq!(
            samples.len(),
            width * height * samples_per_pixel(colour_type)
        );
        Self {
            width,
            height,
            bits,
            colour_type,
            interlaced: false,
            samples,
            extra: Vec::new(),
            pieces: 1,
        }
    }

    pub fn grey(width: usize, height: usize, bits: u8, samples: Vec<u16>) -> Self {
        Self::new(width, height, bits, GREY, samples)
    }

    /// Stores the grey pixels with another colour type, opaque.
    pub fn recoloured(&self, colour_type: u8) -> Self {
        assert_eq!(self.colour_type, GREY);
        let opaque = if self.bits == 16 { 0xFFFF } else { 0xFF };
        let spread = |grey: &u16| match colour_type {
            GREY => vec![*grey],
            GREY_ALPHA => vec![*grey, opaque],
            RGB => vec![*grey; 3],
            RGB_ALPHA => vec![*grey, *grey, *grey, opaque],
            other => panic!("not for colour type {other}"),
        };
        let samples = self.samples.iter().flat_map(spread).collect();
        Self {
            colour_type,
            samples,
            ..self.clone()
        }
    }

    pub fn interlaced(&self) -> Self {
        Self {
            interlaced: true,
            ..self.clone()
        }
    }

    pub fn with_chunk(&self, name: &[u8; 4], data: &[u8]) -> Self {
        let mut picture = self.clone();
        picture.extra.push((*name, data.to_vec()));
        picture
    }

    /// The plane that a decoder must give for a grey picture.
    pub fn plane(&self) -> Vec<u8> {
        assert_eq!(self.colour_type, GREY);
        match self.bits {
            16 => self.samples.iter().flat_map(|s| s.to_le_bytes()).collect(),
            _ => self.samples.iter().map(|s| *s as u8).collect(),
        }
    }

    pub fn header(&self) -> Vec<u8> {
        let mut header = Vec::new();
        header.extend((self.width as u32).to_be_bytes());
        header.extend((self.height as u32).to_be_bytes());
        header.extend([self.bits, self.colour_type, 0, 0, self.interlaced.into()]);
        header
    }

    pub fn encode(&self, filters: Filters<'_>) -> Vec<u8> {
        self.encode_stream(&zlib(&self.filtered(filters)))
    }

    /// Writes a file with any zlib stream, valid or not.
    pub fn encode_stream(&self, stream: &[u8]) -> Vec<u8> {
        let mut chunks = vec![(*b"IHDR", self.header())];
        chunks.extend(self.extra.clone());
        let piece = stream.len().div_ceil(self.pieces).max(1);
        chunks.extend(stream.chunks(piece).map(|part| (*b"IDAT", part.to_vec())));
        chunks.push((*b"IEND", Vec::new()));
        file(&chunks)
    }

    /// Filter bytes and filtered rows of all passes.
    pub fn filtered(&self, filters: Filters<'_>) -> Vec<u8> {
        let mut filters = filters.iter().cycle();
        let mut filtered = Vec::new();
        let passes: &[u8] = if self.interlaced {
            &[1, 2, 3, 4, 5, 6, 7]
        } else {
            &[0]
        };
        for pass in passes {
            let mut above: Option<Vec<u8>> = None;
            for y in 0..self.height {
                let row = self.row(y, *pass);
                if row.is_empty() {
                    continue;
                }
                let zeros = vec![0; row.len()];
                let filter = *filters.next().expect("at least one filter");
                filtered.push(filter);
                let above = above.replace(row.clone()).unwrap_or(zeros);
                filtered.extend(filter_row(filter, &row, &above, self.pixel_bytes()));
            }
        }
        filtered
    }

    fn pixel_bytes(&self) -> usize {
        (samples_per_pixel(self.colour_type) * usize::from(self.bits) / 8).max(1)
    }

    /// Packed bytes of row `y` in a pass; pass 0 has every pixel.
    fn row(&self, y: usize, pass: u8) -> Vec<u8> {
        let samples = samples_per_pixel(self.colour_type);
        let mut bits = Vec::new();
        for x in 0..self.width {
            if pass != 0 && PASS[y % 8][x % 8] != pass {
                continue;
            }
            let at = (y * self.width + x) * samples;
            for sample in &self.samples[at..at + samples] {
                bits.extend((0..self.bits).rev().map(|bit| sample >> bit & 1));
            }
        }
        bits.chunks(8)
            .map(|byte| {
                let value = byte.iter().fold(0, |value, bit| value << 1 | bit);
                (value << (8 - byte.len())) as u8
            })
            .collect()
    }
}

fn filter_row(filter: u8, row: &[u8], above: &[u8], distance: usize) -> Vec<u8> {
    (0..row.len())
        .map(|i| {
            let corner = if i < distance { 0 } else { above[i - distance] };
            let left = if i < distance { 0 } else { row[i - distance] };
            row[i].wrapping_sub(prediction(filter, left, above[i], corner))
        })
        .collect()
}

/// The prediction of a filter as the specification writes it; 0 for illegal filters.
///
/// [PNG, 9.2](https://www.w3.org/TR/png-3/#9Filter-types)
pub fn prediction(filter: u8, left: u8, above: u8, corner: u8) -> u8 {
    let (a, b, c) = (i32::from(left), i32::from(above), i32::from(corner));
    match filter {
        1 => left,
        2 => above,
        3 => ((a + b) / 2) as u8,
        4 => {
            let p = a + b - c;
            let (pa, pb, pc) = ((p - a).abs(), (p - b).abs(), (p - c).abs());
            if pa <= pb && pa <= pc {
                left
            } else if pb <= pc {
                above
            } else {
                corner
            }
        }
        _ => 0,
    }
}

/// Undoes filters by their definitions.
pub fn reference_unfilter(filtered: &[u8], row_bytes: usize, distance: usize) -> Vec<u8> {
    let mut plane: Vec<u8> = Vec::new();
    for row in filtered.chunks_exact(row_bytes + 1) {
        let above = plane.len().checked_sub(row_bytes);
        let start = plane.len();
        for i in 0..row_bytes {
            let left = if i < distance {
                0
            } else {
                plane[start + i - distance]
            };
            let up = above.map_or(0, |above| plane[above + i]);
            let corner = match above {
                Some(above) if i >= distance => plane[above + i - distance],
                _ => 0,
            };
            plane.push(row[1 + i].wrapping_add(prediction(row[0], left, up, corner)));
        }
    }
    plane
}

pub fn zlib(bytes: &[u8]) -> Vec<u8> {
    let mut compressor = Compressor::new(CompressionLvl::new(6).unwrap());
    let mut stream = vec![0; compressor.zlib_compress_bound(bytes.len())];
    let length = compressor.zlib_compress(bytes, &mut stream).unwrap();
    stream.truncate(length);
    stream
}

pub fn chunk(name: &[u8; 4], data: &[u8]) -> Vec<u8> {
    let mut chunk = (data.len() as u32).to_be_bytes().to_vec();
    chunk.extend(name);
    chunk.extend(data);
    chunk.extend(crc32(&chunk[4..]).to_be_bytes());
    chunk
}

pub fn file(chunks: &[([u8; 4], Vec<u8>)]) -> Vec<u8> {
    let mut png = SIGNATURE.to_vec();
    for (name, data) in chunks {
        png.extend(chunk(name, data));
    }
    png
}

/// Computes a CRC bit by bit.
///
/// [PNG, annex D](https://www.w3.org/TR/png-3/#D-CRCAppendix)
fn crc32(bytes: &[u8]) -> u32 {
    let mut crc = u32::MAX;
    for byte in bytes {
        crc ^= u32::from(*byte);
        for _ in 0..8 {
            crc = crc >> 1 ^ if crc & 1 == 1 { 0xEDB8_8320 } else { 0 };
        }
    }
    !crc
}
