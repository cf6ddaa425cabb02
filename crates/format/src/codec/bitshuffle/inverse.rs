//! The inverse of bitshuffle, in portable code: only chunks of noise need it.
#![allow(
    clippy::indexing_slicing,
    reason = "a plane has one byte for each group of eight samples"
)]

use super::tiles::transpose_bits;

/// Sorts the bits of `planes` back into `samples`.
pub(super) fn unshuffle<const BYTES: usize>(planes: &[u8], samples: &mut [[u8; BYTES]]) {
    let plane_bytes = samples.len() / 8;
    for (group, samples) in samples.as_chunks_mut::<8>().0.iter_mut().enumerate() {
        for byte in 0..BYTES {
            let plane = |bit: usize| planes[(8 * byte + bit) * plane_bytes + group];
            let bits = u64::from_le_bytes(std::array::from_fn(plane));
            let values = transpose_bits(bits).to_le_bytes();
            for (sample, value) in samples.iter_mut().zip(values) {
                sample[byte] = value;
            }
        }
    }
}
