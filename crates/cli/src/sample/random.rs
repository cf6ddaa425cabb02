//! Random numbers that belong to one thing, such as a site.

use rand::{RngCore as _, SeedableRng as _};
use rand_chacha::ChaCha8Rng;

/// A source of random numbers that depends on the seed and on a name alone,
/// so that the order in which threads draw sites changes nothing.
///
/// Numbers are made from raw words by the four operations and square roots
/// only. These are exact by IEEE 754; `sin`, `exp` and `ln` are not, and would
/// give other bytes on another platform.
pub(super) struct Stream(ChaCha8Rng);

impl Stream {
    /// The stream called `name` under `seed`.
    pub(super) fn new(seed: u64, name: &str) -> Self {
        // FNV-1a: stable for ever, unlike the standard library's hasher.
        let hash = name.bytes().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
            (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
        });
        let mut key = [0; 32];
        key[..8].copy_from_slice(&seed.to_le_bytes());
        key[8..16].copy_from_slice(&hash.to_le_bytes());
        Self(ChaCha8Rng::from_seed(key))
    }

    /// Uniform in 0..1.
    pub(super) fn unit(&mut self) -> f32 {
        (self.0.next_u32() >> 8) as f32 / 16_777_216.0
    }

    /// Uniform in `low..high`.
    pub(super) fn between(&mut self, low: f32, high: f32) -> f32 {
        low + (high - low) * self.unit()
    }

    /// True once in `1 / probability` calls.
    pub(super) fn chance(&mut self, probability: f32) -> bool {
        self.unit() < probability
    }

    /// A bell curve: mean 0, standard deviation 1, never beyond ±3.5.
    pub(super) fn bell(&mut self) -> f32 {
        bell(self.0.next_u32().to_le_bytes())
    }

    /// A factor around 1: `spread` is its standard deviation, 0.2 its least value.
    pub(super) fn around_one(&mut self, spread: f32) -> f32 {
        (1.0 + spread * self.bell()).max(0.2)
    }

    /// A unit vector of any direction.
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

    /// `count` values of [`Stream::bell`]; one call, as an image needs many.
    pub(super) fn bells(&mut self, count: usize) -> Vec<f32> {
        let mut bytes = vec![0; 4 * count];
        self.0.fill_bytes(&mut bytes);
        let (words, _) = bytes.as_chunks();
        words.iter().copied().map(bell).collect()
    }
}

/// Four uniform bytes summed: near enough to a normal distribution for light.
fn bell(bytes: [u8; 4]) -> f32 {
    let sum: u16 = bytes.iter().copied().map(u16::from).sum();
    (f32::from(sum) - 510.0) / 147.8
}
