//! Converts samples of any colour type to grey, if every pixel is grey and opaque.
#![allow(
    clippy::indexing_slicing,
    reason = "columns are below the width, and `chunks_exact` cuts rows for that many pixels"
)]

use crate::chunk::Chunk;
use crate::container::Container;
use crate::error::{Damage, DecodeError, Unsupported};
use crate::header::{Colour, Header};
use crate::shape::{BitDepth, PlaneShape};

/// Reads stored samples as pixels. Knows the palette, and which colour or which palette
/// entries are transparent.
///
/// [PNG, 11.2.2](https://www.w3.org/TR/png-3/#11PLTE) and
/// [11.3.1.1](https://www.w3.org/TR/png-3/#11tRNS)
pub(crate) struct SampleReader<'a> {
    header: &'a Header,
    palette: &'a [[u8; 3]],
    /// Alpha of the first palette entries; the others are opaque.
    palette_alpha: &'a [u8],
    /// Red, green and blue of the colour that is transparent.
    transparent: Option<[u16; 3]>,
}

/// Red, green, blue, alpha.
type Pixel = [u16; 4];

impl<'a> SampleReader<'a> {
    pub(crate) fn new(header: &'a Header, container: &Container<'a>) -> Result<Self, Damage> {
        let palette = match (header.colour, container.palette) {
            (Colour::Palette, None) => return Err(Damage::MissingPalette),
            (Colour::Palette, Some(chunk)) => chunk.data.as_chunks().0,
            // With other colour types a palette is a suggestion for displays.
            _ => &[],
        };
        let mut reader = Self {
            header,
            palette,
            palette_alpha: &[],
            transparent: None,
        };
        if let Some(chunk) = container.transparency {
            reader.set_transparency(&chunk);
        }
        Ok(reader)
    }

    /// Takes a transparency chunk, which fits the colour type.
    fn set_transparency(&mut self, chunk: &Chunk<'a>) {
        // The specification says to ignore bits above those of the samples.
        let mask = u16::MAX >> (16 - u16::from(self.header.bits));
        let sample = |bytes: [u8; 2]| self.header.widened(u16::from_be_bytes(bytes) & mask);
        match (self.header.colour, chunk.data) {
            (Colour::Grey, &[v0, v1]) => self.transparent = Some([sample([v0, v1]); 3]),
            (Colour::Rgb, &[r0, r1, g0, g1, b0, b1]) => {
                self.transparent = Some([[r0, r1], [g0, g1], [b0, b1]].map(sample));
            }
            (Colour::Palette, alpha) => self.palette_alpha = alpha,
            _ => {}
        }
    }

    /// Writes a plane from stored samples, whose rows are padded to whole bytes. Fails at the
    /// first pixel that is not grey or not opaque.
    pub(crate) fn to_grey(&self, samples: &[u8], plane: &mut [u8]) -> Result<(), DecodeError> {
        let PlaneShape { width, depth, .. } = self.header.shape;
        let row_bytes = self.header.row_bytes(width) as usize;
        let target_bytes = width as usize * depth.bytes_per_sample();
        let rows = samples
            .chunks_exact(row_bytes)
            .zip(plane.chunks_exact_mut(target_bytes));
        for (y, (source, target)) in (0..).zip(rows) {
            for x in 0..width {
                let grey = match self.header.colour {
                    Colour::Palette => self.palette_grey(source, y, x)?,
                    _ => self.direct_grey(source, y, x)?,
                };
                match depth {
                    BitDepth::Eight => target[x as usize] = grey as u8,
                    BitDepth::Sixteen => {
                        target[2 * x as usize..][..2].copy_from_slice(&grey.to_le_bytes());
                    }
                }
            }
        }
        Ok(())
    }

    /// The value of a pixel that is stored as samples.
    fn direct_grey(&self, row: &[u8], y: u32, x: u32) -> Result<u16, Unsupported> {
        let [red, green, blue, alpha] = self.direct(row, x as usize);
        if red != green || green != blue {
            return Err(Unsupported::Colour {
                y,
                x,
                red,
                green,
                blue,
            });
        }
        if alpha != self.header.shape.depth.max_value() {
            return Err(Unsupported::Transparency { y, x, alpha });
        }
        Ok(red)
    }

    /// A pixel that is stored as samples.
    fn direct(&self, row: &[u8], x: usize) -> Pixel {
        let (samples, opaque) = (
            self.header.colour.samples(),
            self.header.shape.depth.max_value(),
        );
        let sample = |index: usize| {
            let at = x * samples + index;
            match self.header.bits {
                16 => u16::from_be_bytes([row[2 * at], row[2 * at + 1]]),
                8 => u16::from(row[at]),
                bits => self.header.widened(packed(row, x, bits).into()),
            }
        };
        let [red, green, blue, alpha] = match self.header.colour {
            Colour::Grey | Colour::Palette => [sample(0), sample(0), sample(0), opaque],
            Colour::GreyAlpha => [sample(0), sample(0), sample(0), sample(1)],
            Colour::Rgb => [sample(0), sample(1), sample(2), opaque],
            Colour::RgbAlpha => [sample(0), sample(1), sample(2), sample(3)],
        };
        if self.transparent == Some([red, green, blue]) {
            return [red, green, blue, 0];
        }
        [red, green, blue, alpha]
    }

    /// The value of a pixel that is stored as a palette index.
    fn palette_grey(&self, row: &[u8], y: u32, x: u32) -> Result<u16, DecodeError> {
        let index = packed(row, x as usize, self.header.bits);
        let Some(&[red, green, blue]) = self.palette.get(usize::from(index)) else {
            let entries = self.palette.len();
            return Err(Damage::PaletteIndex {
                y,
                x,
                index,
                entries,
            }
            .into());
        };
        if red != green || green != blue {
            return Err(Unsupported::PaletteColour {
                y,
                x,
                index,
                red,
                green,
                blue,
            }
            .into());
        }
        match self.palette_alpha.get(usize::from(index)) {
            // Entries without an alpha value are opaque.
            None | Some(&u8::MAX) => Ok(red.into()),
            Some(&alpha) => {
                let alpha = alpha.into();
                Err(Unsupported::Transparency { y, x, alpha }.into())
            }
        }
    }
}

/// The sample of a pixel in a row of samples of at most 8 bits. The first pixel of a byte
/// is in its high bits.
fn packed(row: &[u8], x: usize, bits: u8) -> u8 {
    let bits = usize::from(bits);
    let first_bit = x * bits;
    let shift = 8 - bits - first_bit % 8;
    row[first_bit / 8] >> shift & (0xFF >> (8 - bits))
}
