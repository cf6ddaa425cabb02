//! Size and sample type of a plane.

use std::fmt;

/// Bits of one grey sample.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum BitDepth {
    /// 8 bit: samples 0 to 255, one byte each.
    Eight,
    /// 16 bit: samples 0 to 65,535, two bytes each, little-endian in a plane.
    Sixteen,
}

impl BitDepth {
    /// Bytes that one sample takes in a plane: 1 or 2.
    #[must_use]
    pub const fn bytes_per_sample(self) -> usize {
        match self {
            Self::Eight => 1,
            Self::Sixteen => 2,
        }
    }

    /// The largest sample, the value of a saturated pixel: 255 or 65,535.
    #[must_use]
    pub const fn max_value(self) -> u16 {
        match self {
            Self::Eight => 0xFF,
            Self::Sixteen => 0xFFFF,
        }
    }

    /// Bits of one sample: 8 or 16.
    #[must_use]
    pub const fn bits(self) -> u8 {
        match self {
            Self::Eight => 8,
            Self::Sixteen => 16,
        }
    }
}

/// Size and sample type of one plane.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct PlaneShape {
    /// Rows, the `y` axis.
    pub height: u32,
    /// Columns, the `x` axis.
    pub width: u32,
    /// Sample type.
    pub depth: BitDepth,
}

impl PlaneShape {
    /// Number of pixels.
    #[must_use]
    pub const fn pixels(self) -> u64 {
        self.height as u64 * self.width as u64
    }

    /// Bytes of the plane in memory: `height x width x bytes_per_sample`.
    ///
    /// Saturates at `usize::MAX`. A plane of that size is beyond all
    /// [`Limits`](crate::Limits) and is never decoded.
    #[must_use]
    pub fn byte_len(self) -> usize {
        usize::try_from(self.pixels())
            .unwrap_or(usize::MAX)
            .saturating_mul(self.depth.bytes_per_sample())
    }
}

impl fmt::Display for PlaneShape {
    /// Height x width, in the order of the array's axes.
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            height,
            width,
            depth,
        } = self;
        write!(out, "{height} x {width}, {} bit", depth.bits())
    }
}
