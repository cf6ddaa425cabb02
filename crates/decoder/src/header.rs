//! The image header, `IHDR`.
//!
//! [PNG, 11.2.1](https://www.w3.org/TR/png-3/#11IHDR)

use crate::error::{Damage, DecodeError};
use crate::limits::Limits;
use crate::shape::{BitDepth, PlaneShape};

/// The colour type: which samples a pixel has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Colour {
    Grey,
    Rgb,
    Palette,
    GreyAlpha,
    RgbAlpha,
}

impl Colour {
    /// Samples of one pixel.
    pub(crate) const fn samples(self) -> usize {
        match self {
            Self::Grey | Self::Palette => 1,
            Self::GreyAlpha => 2,
            Self::Rgb => 3,
            Self::RgbAlpha => 4,
        }
    }
}

/// A header whose fields are legal, supported and within the limits.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Header {
    pub(crate) shape: PlaneShape,
    pub(crate) colour: Colour,
    /// Bits of a stored sample; less than 8 only in grey and palette images.
    pub(crate) bits: u8,
    pub(crate) interlaced: bool,
    /// The chunk's data as stored in the file.
    pub(crate) raw: [u8; 13],
}

impl Header {
    /// Parses and checks the 13 bytes of `IHDR`.
    pub(crate) fn parse(raw: &[u8; 13], limits: &Limits) -> Result<Self, DecodeError> {
        let &[
            w0,
            w1,
            w2,
            w3,
            h0,
            h1,
            h2,
            h3,
            bits,
            colour,
            compression,
            filter,
            interlace,
        ] = raw;
        let width = u32::from_be_bytes([w0, w1, w2, w3]);
        let height = u32::from_be_bytes([h0, h1, h2, h3]);
        for (field, value, legal) in [
            ("width", width, 1..=0x7FFF_FFFF),
            ("height", height, 1..=0x7FFF_FFFF),
            ("compression method", compression.into(), 0..=0),
            ("filter method", filter.into(), 0..=0),
            ("interlace method", interlace.into(), 0..=1),
        ] {
            if !legal.contains(&value) {
                return Err(Damage::HeaderField { field, value }.into());
            }
        }
        let (colour, depth) = sample_kind(colour, bits)?;
        let header = Self {
            shape: PlaneShape {
                height,
                width,
                depth,
            },
            colour,
            bits,
            interlaced: interlace == 1,
            raw: *raw,
        };
        limits.check_dimensions(height, width)?;
        limits.check_memory(header.memory())?;
        Ok(header)
    }

    /// Bits of a stored pixel, all its samples together.
    pub(crate) fn pixel_bits(&self) -> usize {
        self.colour.samples() * usize::from(self.bits)
    }

    /// Bytes of one stored row of `width` pixels, without its filter byte.
    pub(crate) fn row_bytes(&self, width: u32) -> u64 {
        (u64::from(width) * self.pixel_bits() as u64).div_ceil(8)
    }

    /// Whether the rows, once unfiltered, are the rows of the plane.
    pub(crate) fn is_plain_grey(&self) -> bool {
        self.colour == Colour::Grey && self.bits >= 8 && !self.interlaced
    }

    /// Whether the samples are grey of less than 8 bits, which are widened.
    ///
    /// [PNG, 13.12](https://www.w3.org/TR/png-3/#13Sample-depth-rescaling): a sample is a
    /// part of the largest one. So 1, 2 and 4 bits become 8 or 16 without rounding, and a
    /// program that makes files smaller takes fewer bits only if that gives the same image.
    pub(crate) fn is_widened(&self) -> bool {
        self.colour == Colour::Grey && self.bits < 8
    }

    /// A stored sample in the depth of the plane.
    pub(crate) fn widened(&self, sample: u16) -> u16 {
        if self.is_widened() {
            let largest = (1 << self.bits) - 1;
            // At most the largest sample of the depth: both divide without rest.
            return sample.min(largest) * (self.shape.depth.max_value() / largest);
        }
        sample
    }

    /// Columns and rows of each interlace pass that has pixels. An image that is not
    /// interlaced has one pass.
    ///
    /// [PNG, 8.1](https://www.w3.org/TR/png-3/#8InterlaceMethods)
    pub(crate) fn passes(&self) -> impl Iterator<Item = (u32, u32)> + use<> {
        /// First column, column step, first row, row step.
        const ADAM7: [[u32; 4]; 7] = [
            [0, 8, 0, 8],
            [4, 8, 0, 8],
            [0, 4, 4, 8],
            [2, 4, 0, 4],
            [0, 2, 2, 4],
            [1, 2, 0, 2],
            [0, 1, 1, 2],
        ];
        const WHOLE: [[u32; 4]; 1] = [[0, 1, 0, 1]];
        let PlaneShape { height, width, .. } = self.shape;
        let passes: &[[u32; 4]] = if self.interlaced { &ADAM7 } else { &WHOLE };
        passes.iter().filter_map(move |&[x, dx, y, dy]| {
            let columns = width.saturating_sub(x).div_ceil(dx);
            let rows = height.saturating_sub(y).div_ceil(dy);
            (columns > 0 && rows > 0).then_some((columns, rows))
        })
    }

    /// Bytes of the inflated zlib stream: filter bytes and rows of all passes.
    pub(crate) fn inflated_bytes(&self) -> u64 {
        self.passes()
            .map(|(columns, rows)| u64::from(rows).saturating_mul(1 + self.row_bytes(columns)))
            .fold(0, u64::saturating_add)
    }

    /// Bytes of memory that decoding takes, the caller's plane included.
    pub(crate) fn memory(&self) -> u64 {
        let PlaneShape {
            height,
            width,
            depth,
        } = self.shape;
        let plane = self
            .shape
            .pixels()
            .saturating_mul(depth.bytes_per_sample() as u64);
        let samples = if self.is_plain_grey() {
            0
        } else {
            u64::from(height).saturating_mul(self.row_bytes(width))
        };
        self.inflated_bytes()
            .saturating_add(plane)
            .saturating_add(samples)
    }
}

/// Checks which bit depths a colour type may have. Less than 8 bits become 8.
///
/// [PNG, table 12](https://www.w3.org/TR/png-3/#3colourType)
fn sample_kind(colour_type: u8, bits: u8) -> Result<(Colour, BitDepth), DecodeError> {
    let colour = match colour_type {
        0 => Colour::Grey,
        2 => Colour::Rgb,
        3 => Colour::Palette,
        4 => Colour::GreyAlpha,
        6 => Colour::RgbAlpha,
        value => {
            let (field, value) = ("colour type", value.into());
            return Err(Damage::HeaderField { field, value }.into());
        }
    };
    match (colour, bits) {
        (Colour::Palette, 1 | 2 | 4 | 8) => Ok((colour, BitDepth::Eight)),
        (Colour::Palette, _) => Err(Damage::HeaderDepth { bits, colour_type }.into()),
        (_, 8) => Ok((colour, BitDepth::Eight)),
        (_, 16) => Ok((colour, BitDepth::Sixteen)),
        (Colour::Grey, 1 | 2 | 4) => Ok((colour, BitDepth::Eight)),
        (_, _) => Err(Damage::HeaderDepth { bits, colour_type }.into()),
    }
}
