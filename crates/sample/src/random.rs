//! Streams of random numbers, one for each named object such as a site.

use rand::{Rng as _, SeedableRng as _};
use rand_chacha::ChaCha8Rng;

/// A stream of random numbers that depends only on the seed and a name, so that
/// the order in which threads draw sites does not change the pixels.
///
/// Numbers are derived from random words by additions, subtractions,
/// multiplications, divisions and square roots only. IEEE 754 defines their
/// results exactly. It does not define those of `sin`, `exp` and `ln`, which
/// differ between platforms.
pub(super) struct Stream(ChaCha8Rng);

impl Stream {
    /// Starts the stream called `name` of `seed`.
    pub(super) fn new(seed: u64, name: &str) -> Self {
        // FNV-1a never changes; the hasher of the standard library may.
        let hash = name.bytes().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
            (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
        });
        let mut key = [0; 32];
        key[..8].copy_from_slice(&seed.to_le_bytes());
        key[8..16].copy_from_slice(&hash.to_le_bytes());
        Self(ChaCha8Rng::from_seed(key))
    }

    /// Returns a number that is uniform in 0..1.
    pub(super) fn unit(&mut self) -> f32 {
        (self.0.next_u32() >> 8) as f32 / 16_777_216.0
    }

    /// Returns a number that is uniform in `low..high`.
    pub(super) fn between(&mut self, low: f32, high: f32) -> f32 {
        low + (high - low) * self.unit()
    }

    /// Returns true with the given probability.
    pub(super) fn chance(&mut self, probability: f32) -> bool {
        self.unit() < probability
    }

    /// Returns a nearly normal number: mean 0, standard deviation 1, at most ±3.5.
    pub(super) fn bell(&mut self) -> f32 {
        bell(self.0.next_u32().to_le_bytes())
    }

    /// Returns a factor with mean 1 and standard deviation `spread`, at least 0.2.
    pub(super) fn around_one(&mut self, spread: f32) -> f32 {
        (1.0 + spread * self.bell()).max(0.2)
    }

    /// Returns a unit vector in a random direction.
    pub(super) fn direction(&mut self) -> [f32; 2] {
        loop {
            let [x, y] = [self.between(-1.0, 1.0), self.between(-1.0, 1.0)];
            let square = x * x + y * y;
            if square > 0.01 && square < 1.0 {
                let length = square.sqrt();
                return [x / length, y / length];
            }
        }
    }

    /// Returns `count` values of [`Stream::bell`] in one call, which is faster.
    pub(super) fn bells(&mut self, count: usize) -> Vec<f32> {
        let mut bytes = vec![0; 4 * count];
        self.0.fill_bytes(&mut bytes);
        let (words, _) = bytes.as_chunks();
        words.iter().copied().map(bell).collect()
    }
}

/// Sums four uniform bytes, which approximates a normal distribution.
fn bell(bytes: [u8; 4]) -> f32 {
    let sum: u16 = bytes.iter().copied().map(u16::from).sum();
    (f32::from(sum) - 510.0) / 147.8
}
