//! A hash of 128 bits, which stands for a state that was seen.

use std::hash::Hasher;

/// Odd numbers without a pattern.
const FACTORS: (u64, u64) = (0xff51_afd7_ed55_8ccd, 0xc4ce_b9fe_1a85_ec53);

/// Two hashes of 64 bits, made side by side.
pub(super) struct Fingerprint {
    first: u64,
    second: u64,
}

impl Default for Fingerprint {
    fn default() -> Self {
        Self {
            first: FACTORS.1,
            second: FACTORS.0,
        }
    }
}

impl Fingerprint {
    /// Written without a loop: an unoptimised build spends most of its time here.
    fn mix(&mut self, value: u64) {
        let first = (self.first.rotate_left(23) ^ value).wrapping_mul(FACTORS.0);
        self.first = first ^ first >> 32;
        let second = (self.second.rotate_left(29) ^ value).wrapping_mul(FACTORS.1);
        self.second = second ^ second >> 32;
    }

    pub(super) fn finish_wide(&self) -> u128 {
        u128::from(self.first) << 64 | u128::from(self.second)
    }
}

impl Hasher for Fingerprint {
    fn write(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.mix(u64::from(*byte));
        }
    }

    fn write_u8(&mut self, value: u8) {
        self.mix(u64::from(value));
    }

    fn write_u32(&mut self, value: u32) {
        self.mix(u64::from(value));
    }

    fn write_usize(&mut self, value: usize) {
        self.mix(value as u64);
    }

    fn write_isize(&mut self, value: isize) {
        self.mix(value as u64);
    }

    fn finish(&self) -> u64 {
        self.first
    }
}

/// Takes a part of a fingerprint for its hash.
#[derive(Default)]
pub(super) struct TakeAsHash(u64);

impl Hasher for TakeAsHash {
    fn write(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.0 = self.0 << 8 | u64::from(*byte);
        }
    }

    fn write_u128(&mut self, value: u128) {
        self.0 = value as u64;
    }

    fn finish(&self) -> u64 {
        self.0
    }
}
