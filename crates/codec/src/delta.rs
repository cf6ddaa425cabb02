//! [`numcodecs.delta`]: each sample but the first of a chunk becomes its
//! difference from the one before in C order, modulo the range of its type.
//!
//! [`numcodecs.delta`]: https://numcodecs.readthedocs.io/en/stable/filter/delta.html
#![allow(
    clippy::indexing_slicing,
    reason = "the loops run over blocks whose lengths are computed beside them"
)]

#[cfg(target_arch = "x86_64")]
mod avx2;
#[cfg(all(target_arch = "aarch64", target_feature = "neon"))]
mod neon;

use crate::simd::SimdLevel;

/// Samples that are copied at a time: few enough for the first level of cache, many
/// enough to fill vector registers.
const BLOCK: usize = 2048;

/// Replaces the samples of a chunk by their differences, in place.
///
/// `pixels` are in C order, samples of `sample_bytes` bytes, 1 or 2, little-endian.
pub fn encode_delta(pixels: &mut [u8], sample_bytes: usize) {
    match sample_bytes {
        1 => differences(pixels, u8::wrapping_sub),
        2 => differences(pixels.as_chunks_mut().0, |this, before| {
            let (this, before) = (u16::from_le_bytes(this), u16::from_le_bytes(before));
            this.wrapping_sub(before).to_le_bytes()
        }),
        // No array has such samples.
        _ => debug_assert!(false, "samples of {sample_bytes} bytes"),
    }
}

/// Replaces the differences of a chunk by its samples, in place: the inverse of
/// [`encode_delta`].
pub fn decode_delta(pixels: &mut [u8], sample_bytes: usize, level: SimdLevel) {
    match sample_bytes {
        1 => sums::<1>(pixels, level),
        2 => sums::<2>(pixels, level),
        // No array has such samples.
        _ => debug_assert!(false, "samples of {sample_bytes} bytes"),
    }
}

/// Replaces each sample by the sum of all samples up to it.
fn sums<const BYTES: usize>(pixels: &mut [u8], level: SimdLevel) {
    let done = by_registers::<BYTES>(pixels, level);
    // The last sample of the registers is the sum of all of them.
    let (before, rest) = pixels.split_at_mut(done);
    let mut sum = before.last_chunk().map_or(0, |last| number::<BYTES>(*last));
    for sample in rest.as_chunks_mut::<BYTES>().0 {
        sum = sum.wrapping_add(number(*sample));
        let [low, high] = sum.to_le_bytes();
        sample[0] = low;
        if let Some(second) = sample.get_mut(1) {
            *second = high;
        }
    }
}

/// A sample as a number; of the sum of numbers only as many bytes count as a sample has.
#[inline(always)]
fn number<const BYTES: usize>(sample: [u8; BYTES]) -> u16 {
    let high = sample.get(1).copied().unwrap_or_default();
    u16::from_le_bytes([sample[0], high])
}

/// Sums the samples of as many whole registers as there are, and returns the number of
/// their bytes: none where the processor has no such registers.
fn by_registers<const BYTES: usize>(pixels: &mut [u8], level: SimdLevel) -> usize {
    #[cfg(target_arch = "x86_64")]
    if level >= SimdLevel::Avx2 {
        return avx2::sums::<BYTES>(pixels).unwrap_or(0);
    }
    #[cfg(all(target_arch = "aarch64", target_feature = "neon"))]
    if level > SimdLevel::Portable {
        return neon::sums::<BYTES>(pixels);
    }
    let _ = (pixels, level);
    0
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
        encode_delta(&mut pixels, 1);
        assert_eq!(pixels, [5, 254, 252, 1]);

        let mut pixels: Vec<u8> = [256u16, 255, 65535]
            .iter()
            .flat_map(|v| v.to_le_bytes())
            .collect();
        encode_delta(&mut pixels, 2);
        let expected: Vec<u8> = [256u16, 65535, 65280]
            .iter()
            .flat_map(|v| v.to_le_bytes())
            .collect();
        assert_eq!(pixels, expected);
    }

    /// Every number of samples near the sizes of registers and blocks.
    fn lengths() -> impl Iterator<Item = usize> {
        (0..140).chain([BLOCK - 1, BLOCK, BLOCK + 1, 3 * BLOCK + 17])
    }

    #[test]
    fn numcodecs_decodes_every_length() {
        for samples in lengths() {
            let pixels = noise(samples);
            let mut encoded = pixels.clone();
            encode_delta(&mut encoded, 1);
            assert_eq!(cumulative_sum(&encoded), pixels, "{samples} samples");

            let pixels = noise(2 * samples);
            let mut encoded = pixels.clone();
            encode_delta(&mut encoded, 2);
            assert_eq!(cumulative_sum_16(&encoded), pixels, "{samples} samples");
        }
    }

    #[test]
    fn every_instruction_set_gives_the_same_sums() {
        for level in SimdLevel::ALL {
            for samples in lengths() {
                let differences = noise(2 * samples + 1);
                let mut pixels = differences[..samples].to_vec();
                decode_delta(&mut pixels, 1, level);
                let expected = cumulative_sum(&differences[..samples]);
                assert_eq!(pixels, expected, "{level:?}, {samples} samples");

                // The last byte is no sample.
                let mut pixels = differences.clone();
                decode_delta(&mut pixels, 2, level);
                let expected = cumulative_sum_16(&differences);
                assert_eq!(
                    pixels[..2 * samples],
                    expected,
                    "{level:?}, {samples} samples"
                );
                assert_eq!(pixels.last(), differences.last());
            }
        }
    }
}
