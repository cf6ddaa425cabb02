//! The distribution of 8-bit samples without a histogram, which costs two loads
//! and a store for each pixel: this takes 512 pixels at once.
//!
//! Bit b of all pixels makes one *bit plane*. How many pixels have all of some
//! bits is a bit count of the intersection of those planes, and from such counts
//! follows how many pixels have each value of four bits. Counting the upper four
//! says among which sixteen values a rank is; counting, in a second pass, the
//! lower four of the pixels that are among these says which one it is. There are
//! seldom more than three such groups for all ranks together.
//!
//! AVX-512 has a bit count for whole registers, and GFNI the instruction that
//! turns squares of 8 × 8 bits; without them a histogram is faster.
#![allow(unsafe_code, reason = "AVX-512 intrinsics; each block has its proof")]
#![allow(
    clippy::indexing_slicing,
    reason = "indices are bits, and values of four bits"
)]

use std::arch::x86_64::{
    __m512i, _mm512_add_epi32, _mm512_add_epi64, _mm512_and_si512, _mm512_gf2p8affine_epi64_epi8,
    _mm512_loadu_si512, _mm512_madd_epi16, _mm512_max_epu8, _mm512_min_epu8,
    _mm512_permutex2var_epi64, _mm512_permutexvar_epi8, _mm512_popcnt_epi64,
    _mm512_reduce_add_epi64, _mm512_sad_epu8, _mm512_set1_epi8, _mm512_set1_epi64,
    _mm512_setzero_si512, _mm512_storeu_si512, _mm512_test_epi64_mask, _mm512_unpackhi_epi8,
    _mm512_unpackhi_epi32, _mm512_unpacklo_epi8, _mm512_unpacklo_epi32, _mm512_xor_si512,
};

use crate::distribution::{Distribution, Ranks};

/// Bytes of a register.
const REGISTER: usize = 64;
/// Pixels whose bits fill a register.
const AT_ONCE: usize = 8 * REGISTER;
const BITS: usize = 8;
/// Values of half the bits.
const VALUES: usize = 16;

/// A register in memory.
type Words = [u64; BITS];

/// [`AT_ONCE`] pixels, the lowest bit of all of them first, in an order that all
/// bits have in common.
type Block = [Words; BITS];

/// Whether the machine has the instructions.
pub(crate) fn are_fast() -> bool {
    is_x86_feature_detected!("avx512f")
        && is_x86_feature_detected!("avx512bw")
        && is_x86_feature_detected!("avx512vbmi")
        && is_x86_feature_detected!("avx512vpopcntdq")
        && is_x86_feature_detected!("gfni")
}

/// As many bytes as a plane has pixels, reused from plane to plane.
#[derive(Debug, Default)]
pub(crate) struct BitPlanes(Vec<Block>);

impl BitPlanes {
    /// The distribution of an 8-bit plane; `None` where the machine lacks the
    /// instructions.
    pub(crate) fn distribution(&mut self, plane: &[u8], ranks: &Ranks) -> Option<Distribution> {
        if !are_fast() {
            return None;
        }
        // SAFETY: the machine has what the callee asks for.
        Some(unsafe { self.measure(plane, ranks) })
    }

    #[target_feature(enable = "avx512f,avx512bw,avx512vbmi,avx512vpopcntdq,gfni")]
    fn measure(&mut self, plane: &[u8], ranks: &Ranks) -> Distribution {
        let Self(blocks) = self;
        let (whole, rest) = plane.as_chunks();
        blocks.resize(plane.len().div_ceil(AT_ONCE), Block::default());
        let mut sums = Sums::new();
        let mut upper = Counts::new();
        for (pixels, block) in whole.iter().zip(&mut *blocks) {
            sums.add(pixels);
            sort(pixels, block);
            upper.add::<true>(block, 0);
        }
        if let Some(block) = blocks.get_mut(whole.len()) {
            let mut padded = [0; AT_ONCE];
            padded[..rest.len()].copy_from_slice(rest);
            sort(&padded, block);
            upper.add::<true>(block, 0);
        }
        let padding = (blocks.len() * AT_ONCE - plane.len()) as u64;
        let upper = upper.of_values(padding);

        let mut lower = [None; VALUES];
        let mut value_at = |rank| {
            let (high, rank) = place(&upper, rank);
            let lower = lower[high].get_or_insert_with(|| {
                let mut lower = Counts::new();
                for block in &*blocks {
                    lower.add::<false>(block, high);
                }
                lower.of_values(if high == 0 { padding } else { 0 })
            });
            let (low, _) = place(lower, rank);
            (high << 4 | low) as u16
        };
        let at_ranks = ranks.map(|pair| pair.map(&mut value_at));
        let Totals {
            sum,
            squares,
            min,
            max,
        } = sums.totals(rest);
        Distribution {
            sum: sum.into(),
            sum_of_squares: squares.into(),
            min: min.into(),
            max: max.into(),
            saturated: if max == u8::MAX { saturated(blocks) } else { 0 },
            at_ranks,
        }
    }
}

/// How many pixels have all bits.
#[target_feature(enable = "avx512f,avx512vpopcntdq")]
fn saturated(blocks: &[Block]) -> u64 {
    let mut total = _mm512_setzero_si512();
    for block in blocks {
        let all = block.iter().fold(_mm512_set1_epi64(-1), |all, bits| {
            _mm512_and_si512(all, load(bits))
        });
        total = _mm512_add_epi64(total, _mm512_popcnt_epi64(all));
    }
    _mm512_reduce_add_epi64(total) as u64
}

/// How many pixels have all the bits of the index, of four bits, and perhaps
/// others; a number in each lane.
struct Counts([__m512i; VALUES]);

impl Counts {
    #[target_feature(enable = "avx512f")]
    fn new() -> Self {
        Self([_mm512_setzero_si512(); VALUES])
    }

    /// Counts the upper four bits; or, of the pixels whose upper bits are `high`,
    /// the lower four.
    #[inline]
    #[target_feature(enable = "avx512f,avx512vpopcntdq")]
    fn add<const UPPER: bool>(&mut self, block: &Block, high: usize) {
        let [lower @ .., u0, u1, u2, u3] = block;
        let upper = [u0, u1, u2, u3].map(|words| load(words));
        let mut having = [_mm512_set1_epi64(-1); VALUES];
        let bits = if UPPER {
            upper
        } else {
            for (bit, bits) in upper.into_iter().enumerate() {
                let flip = _mm512_set1_epi64((high as i64 >> bit & 1) - 1);
                having[0] = _mm512_and_si512(having[0], _mm512_xor_si512(bits, flip));
            }
            // Bright pixels are few, and lie together.
            if _mm512_test_epi64_mask(having[0], having[0]) == 0 {
                return;
            }
            [0, 1, 2, 3].map(|bit| load(&lower[bit]))
        };
        for (bit, bits) in bits.into_iter().enumerate() {
            for others in 0..1 << bit {
                having[1 << bit | others] = _mm512_and_si512(having[others], bits);
            }
        }
        for (total, having) in self.0.iter_mut().zip(having) {
            *total = _mm512_add_epi64(*total, _mm512_popcnt_epi64(having));
        }
    }

    /// How many have which value, without the `padding`, which has value 0.
    #[target_feature(enable = "avx512f")]
    fn of_values(self, padding: u64) -> [u64; VALUES] {
        let mut counts = self.0.map(|total| _mm512_reduce_add_epi64(total) as u64);
        for bit in 0..4 {
            for value in (0..VALUES).filter(|value| value >> bit & 1 == 0) {
                counts[value] -= counts[value | 1 << bit];
            }
        }
        counts[0] -= padding;
        counts
    }
}

/// The value at a rank, and the rank among its equals.
fn place(counts: &[u64; VALUES], mut rank: u64) -> (usize, u64) {
    for (value, count) in counts.iter().enumerate() {
        match rank.checked_sub(*count) {
            Some(behind) => rank = behind,
            None => return (value, rank),
        }
    }
    (VALUES - 1, rank)
}

/// Running sums and extremes, one to each lane.
struct Sums {
    sum: __m512i,
    squares: __m512i,
    darkest: __m512i,
    brightest: __m512i,
}

struct Totals {
    sum: u64,
    squares: u64,
    min: u8,
    max: u8,
}

impl Sums {
    #[target_feature(enable = "avx512f")]
    fn new() -> Self {
        Self {
            sum: _mm512_setzero_si512(),
            squares: _mm512_setzero_si512(),
            darkest: _mm512_set1_epi8(-1),
            brightest: _mm512_setzero_si512(),
        }
    }

    #[inline]
    #[target_feature(enable = "avx512f,avx512bw")]
    fn add(&mut self, pixels: &[u8; AT_ONCE]) {
        let zero = _mm512_setzero_si512();
        // 32 × 255² at most in each of its lanes.
        let mut squares = zero;
        for pixels in pixels.as_chunks().0 {
            let pixels = load_bytes(pixels);
            self.darkest = _mm512_min_epu8(self.darkest, pixels);
            self.brightest = _mm512_max_epu8(self.brightest, pixels);
            self.sum = _mm512_add_epi64(self.sum, _mm512_sad_epu8(pixels, zero));
            let low = _mm512_unpacklo_epi8(pixels, zero);
            let high = _mm512_unpackhi_epi8(pixels, zero);
            squares = _mm512_add_epi32(squares, _mm512_madd_epi16(low, low));
            squares = _mm512_add_epi32(squares, _mm512_madd_epi16(high, high));
        }
        self.squares = _mm512_add_epi64(self.squares, _mm512_unpacklo_epi32(squares, zero));
        self.squares = _mm512_add_epi64(self.squares, _mm512_unpackhi_epi32(squares, zero));
    }

    /// Of all pixels that were added, and of `rest`.
    #[target_feature(enable = "avx512f")]
    fn totals(&self, rest: &[u8]) -> Totals {
        let mut sum = _mm512_reduce_add_epi64(self.sum) as u64;
        let mut squares = _mm512_reduce_add_epi64(self.squares) as u64;
        for pixel in rest {
            sum += u64::from(*pixel);
            squares += u64::from(*pixel).pow(2);
        }
        let (darkest, brightest) = (bytes(self.darkest), bytes(self.brightest));
        Totals {
            sum,
            squares,
            min: darkest.iter().chain(rest).copied().min().unwrap_or(0),
            max: brightest.iter().chain(rest).copied().max().unwrap_or(0),
        }
    }
}

/// Sorts the bits of pixels.
#[inline]
#[target_feature(enable = "avx512f,avx512vbmi,gfni")]
fn sort(pixels: &[u8; AT_ONCE], block: &mut Block) {
    let mut registers = [_mm512_setzero_si512(); BITS];
    for (register, pixels) in registers.iter_mut().zip(pixels.as_chunks().0) {
        // A matrix times each of the eight unit vectors gives its columns: byte b
        // of each word gets bit b of its eight pixels.
        let units = _mm512_set1_epi64(UNITS);
        let columns = _mm512_gf2p8affine_epi64_epi8::<0>(units, load_bytes(pixels));
        *register = _mm512_permutexvar_epi8(load_bytes(&TURN), columns);
    }
    transpose(&mut registers);
    for (words, register) in block.iter_mut().zip(registers) {
        store(words, register);
    }
}

/// The unit vectors of 8 bits.
const UNITS: i64 = i64::from_le_bytes([1, 2, 4, 8, 16, 32, 64, 128]);

/// Byte b of word w to byte w of word b.
const TURN: [u8; REGISTER] = {
    let mut order = [0; REGISTER];
    let mut at = 0;
    while at < REGISTER {
        order[at] = (at % 8 * 8 + at / 8) as u8;
        at += 1;
    }
    order
};

/// Transposes the square of words. Interleaving register i with register i + 4
/// turns the bits of (register, position) round by one; after three turns the
/// two have changed places.
#[inline]
#[target_feature(enable = "avx512f")]
fn transpose(registers: &mut [__m512i; BITS]) {
    let lower = load(&[0, 8, 1, 9, 2, 10, 3, 11]);
    let upper = load(&[4, 12, 5, 13, 6, 14, 7, 15]);
    for _ in 0..BITS.ilog2() {
        let before = *registers;
        for i in 0..BITS / 2 {
            let (even, odd) = (before[i], before[i + BITS / 2]);
            registers[2 * i] = _mm512_permutex2var_epi64(even, lower, odd);
            registers[2 * i + 1] = _mm512_permutex2var_epi64(even, upper, odd);
        }
    }
}

#[inline]
#[target_feature(enable = "avx512f")]
fn load(words: &Words) -> __m512i {
    // SAFETY: the reference is to 64 readable bytes, and the instruction asks
    // for no alignment.
    unsafe { _mm512_loadu_si512(words.as_ptr().cast()) }
}

#[inline]
#[target_feature(enable = "avx512f")]
fn load_bytes(bytes: &[u8; REGISTER]) -> __m512i {
    // SAFETY: the reference is to 64 readable bytes, and the instruction asks
    // for no alignment.
    unsafe { _mm512_loadu_si512(bytes.as_ptr().cast()) }
}

#[inline]
#[target_feature(enable = "avx512f")]
fn store(words: &mut Words, register: __m512i) {
    // SAFETY: the reference is to 64 bytes that may be written, and the
    // instruction asks for no alignment.
    unsafe { _mm512_storeu_si512(words.as_mut_ptr().cast(), register) }
}

#[target_feature(enable = "avx512f")]
fn bytes(register: __m512i) -> [u8; REGISTER] {
    let mut words = Words::default();
    store(&mut words, register);
    let mut bytes = [0; REGISTER];
    for (eight, word) in bytes.as_chunks_mut().0.iter_mut().zip(words) {
        *eight = word.to_le_bytes();
    }
    bytes
}
