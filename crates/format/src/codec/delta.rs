//! [`numcodecs.delta`]: each sample but the first of a chunk becomes its
//! difference from the one before in C order, modulo the range of its type.
//!
//! [`numcodecs.delta`]: https://numcodecs.readthedocs.io/en/stable/filter/delta.html
#![allow(
    clippy::indexing_slicing,
    reason = "the loops run over blocks whose lengths are computed beside them"
)]

use rxrx_metadata::DataType;

/// Samples that are copied at a time: few enough for the first level of cache, many
/// enough to fill vector registers.
const BLOCK: usize = 2048;

/// Replaces the samples of a chunk by their differences, in place.
///
/// `pixels` are in C order, 16-bit samples little-endian.
pub(super) fn encode_delta(pixels: &mut [u8], data_type: DataType) {
    match data_type {
        DataType::UInt8 => differences(pixels, u8::wrapping_sub),
        DataType::UInt16 => differences(pixels.as_chunks_mut().0, |this, before| {
            let (this, before) = (u16::from_le_bytes(this), u16::from_le_bytes(before));
            this.wrapping_sub(before).to_le_bytes()
        }),
    }
}

/// Replaces the differences of a chunk by its samples, in place: the inverse of
/// [`encode_delta`].
pub(super) fn decode_delta(pixels: &mut [u8], data_type: DataType) {
    match data_type {
        DataType::UInt8 => {
            let mut sum = 0u8;
            for sample in pixels {
                sum = sum.wrapping_add(*sample);
                *sample = sum;
            }
        }
        DataType::UInt16 => {
            let mut sum = 0u16;
            for sample in pixels.as_chunks_mut().0 {
                sum = sum.wrapping_add(u16::from_le_bytes(*sample));
                *sample = sum.to_le_bytes();
            }
        }
    }
}

/// Replaces samples by their differences. Each difference needs the original of the sample
/// before it. The loop takes that from a copy, so that no step depends on another one and
/// the compiler can vectorise it.
fn differences<T: Copy + Default>(samples: &mut [T], subtract: impl Fn(T, T) -> T) {
    let mut before = [T::default(); BLOCK + 1];
    for block in samples.chunks_mut(BLOCK) {
        if let Some(copy) = before.get_mut(1..=block.len()) {
            copy.copy_from_slice(block);
        }
        for (sample, before) in block.iter_mut().zip(&before) {
            *sample = subtract(*sample, *before);
        }
        before[0] = before[block.len()];
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::noise;

    /// Decodes as `numcodecs.Delta("|u1")` does, by `numpy.cumsum`.
    fn cumulative_sum(differences: &[u8]) -> Vec<u8> {
        let sum = |sum: &mut u8, difference: &u8| {
            *sum = sum.wrapping_add(*difference);
            Some(*sum)
        };
        differences.iter().scan(0, sum).collect()
    }

    /// Decodes as `numcodecs.Delta("<u2")` does.
    fn cumulative_sum_16(differences: &[u8]) -> Vec<u8> {
        let samples = differences.as_chunks().0.iter();
        let sum = |sum: &mut u16, difference: &[u8; 2]| {
            *sum = sum.wrapping_add(u16::from_le_bytes(*difference));
            Some(sum.to_le_bytes())
        };
        samples.scan(0, sum).flatten().collect()
    }

    #[test]
    fn wraps_around() {
        let mut pixels = [5, 3, 255, 0];
        encode_delta(&mut pixels, DataType::UInt8);
        assert_eq!(pixels, [5, 254, 252, 1]);

        let mut pixels: Vec<u8> = [256u16, 255, 65535]
            .iter()
            .flat_map(|v| v.to_le_bytes())
            .collect();
        encode_delta(&mut pixels, DataType::UInt16);
        let expected: Vec<u8> = [256u16, 65535, 65280]
            .iter()
            .flat_map(|v| v.to_le_bytes())
            .collect();
        assert_eq!(pixels, expected);
    }

    #[test]
    fn numcodecs_decodes_every_length() {
        for samples in [0, 1, 2, BLOCK - 1, BLOCK, BLOCK + 1, 3 * BLOCK + 17] {
            let pixels = noise(samples);
            let mut encoded = pixels.clone();
            encode_delta(&mut encoded, DataType::UInt8);
            assert_eq!(cumulative_sum(&encoded), pixels, "{samples} samples");
            decode_delta(&mut encoded, DataType::UInt8);
            assert_eq!(encoded, pixels, "{samples} samples");

            let pixels = noise(2 * samples);
            let mut encoded = pixels.clone();
            encode_delta(&mut encoded, DataType::UInt16);
            assert_eq!(cumulative_sum_16(&encoded), pixels, "{samples} samples");
            decode_delta(&mut encoded, DataType::UInt16);
            assert_eq!(encoded, pixels, "{samples} samples");
        }
    }
}
