//! The distribution of 8-bit samples by counting bits, 512 pixels at a time. A histogram
//! costs two loads and a store for each pixel.
//!
//! Bit b of all pixels makes one *bit plane*. The number of pixels that have all of some
//! bits set is a bit count over the intersection of those planes, and from such counts
//! follows the number of pixels with each value of four bits. The first pass counts the
//! upper four bits, which tells the sixteen values among which each rank is. The second pass
//! counts the lower four bits of those pixels, which tells the value. All ranks together
//! seldom need more than three second passes.
//!
//! AVX-512 has a bit count for whole registers, and GFNI has an instruction that transposes
//! 8 x 8 bits. Without them a histogram is faster.
#![allow(unsafe_code, reason = "AVX-512 intrinsics; each block has its proof")]
#![allow(
    clippy::indexing_slicing,
    reason = "indices are bits and values of four bits; the last block is shorter than `AT_ONCE`"
)]

use std::arch::x86_64::{
    __m512i, _mm512_add_epi32, _mm512_add_epi64, _mm512_and_si512, _mm512_gf2p8affine_epi64_epi8,
    _mm512_loadu_si512, _mm512_madd_epi16, _mm512_max_epu8, _mm512_min_epu8,
    _mm512_permutex2var_epi64, _mm512_permutexvar_epi8, _mm512_popcnt_epi64,
    _mm512_reduce_add_epi64, _mm512_sad_epu8, _mm512_set1_epi8, _mm512_set1_epi64,
    _mm512_setzero_si512, _mm512_storeu_si512, _mm512_test_epi64_mask, _mm512_unpackhi_epi8,
    _mm512_unpackhi_epi32, _mm512_unpacklo_epi8, _mm512_unpacklo_epi32, _mm512_xor_si512,
};

use super::values::{Distribution, Ranks};
use rxrx_cpu::CpuLevel;

/// Bytes of a register.
const REGISTER: usize = 64;
/// Pixels of which one bit each fills a register.
const AT_ONCE: usize = 8 * REGISTER;
const BITS: usize = 8;
/// Values of four bits.
const VALUES: usize = 16;

/// The bytes of a register, in memory.
type Words = [u64; BITS];

/// The bits of [`AT_ONCE`] pixels: first the lowest bit of all pixels, last the highest. The
/// order of the pixels is equal for all bits, but is not that of the plane.
type Block = [Words; BITS];

/// Whether the processor has the instructions, and this process may use them.
fn is_available() -> bool {
    CpuLevel::Avx512.is_allowed()
        && is_x86_feature_detected!("avx512f")
        && is_x86_feature_detected!("avx512bw")
        && is_x86_feature_detected!("avx512vbmi")
        && is_x86_feature_detected!("avx512vpopcntdq")
        && is_x86_feature_detected!("gfni")
}

/// The bit planes of a plane. Takes one byte a pixel, which is reused for the next plane.
#[derive(Debug, Default)]
pub(super) struct BitPlanes(Vec<Block>);

impl BitPlanes {
    /// Finds the distribution of an 8-bit plane. `None` if the processor lacks the
    /// instructions.
    pub(super) fn distribution(&mut self, plane: &[u8], ranks: &Ranks) -> Option<Distribution> {
        if !is_available() {
            return None;
        }
        // SAFETY: `is_available` has found all the instructions that the callee needs.
        Some(unsafe { self.measure(plane, ranks) })
    }

    #[target_feature(enable = "avx512f,avx512bw,avx512vbmi,avx512vpopcntdq,gfni")]
    fn measure(&mut self, plane: &[u8], ranks: &Ranks) -> Distribution {
        let Self(blocks) = self;
        let (whole, rest) = plane.as_chunks();
        blocks.resize(plane.len().div_ceil(AT_ONCE), Block::default());
        let mut sums = Sums::new();
        let mut upper = SubsetCounts::new();
        for (pixels, block) in whole.iter().zip(&mut *blocks) {
            sums.add(pixels);
            split_bits(pixels, block);
            upper.add::<true>(block, 0);
        }
        if let Some(block) = blocks.get_mut(whole.len()) {
            let mut padded = [0; AT_ONCE];
            padded[..rest.len()].copy_from_slice(rest);
            split_bits(&padded, block);
            upper.add::<true>(block, 0);
        }
        let padding = (blocks.len() * AT_ONCE - plane.len()) as u64;
        let upper = upper.into_value_counts(padding);

        let mut lower = [None; VALUES];
        let mut value_at = |rank| {
            let (high, rank) = locate(&upper, rank);
            let lower = lower[high].get_or_insert_with(|| {
                let mut lower = SubsetCounts::new();
                for block in &*blocks {
                    lower.add::<false>(block, high);
                }
                lower.into_value_counts(if high == 0 { padding } else { 0 })
            });
            let (low, _) = locate(lower, rank);
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

/// Counts the pixels that have all bits set.
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

/// For each value of four bits, the number of pixels that have at least the bits of this
/// value set. Each count is the sum over the lanes of a register.
struct SubsetCounts([__m512i; VALUES]);

impl SubsetCounts {
    #[target_feature(enable = "avx512f")]
    fn new() -> Self {
        Self([_mm512_setzero_si512(); VALUES])
    }

    /// Counts the upper four bits of all pixels. Or, if not `UPPER`, counts the lower four
    /// bits of those pixels whose upper four are `high`.
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
            // Bright pixels are few and close together, so many blocks have none.
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

    /// Computes the number of pixels with each value. Leaves out the padding, whose value
    /// is 0.
    #[target_feature(enable = "avx512f")]
    fn into_value_counts(self, padding: u64) -> [u64; VALUES] {
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

/// Finds the value at a rank, and the rank among the pixels with this value.
fn locate(counts: &[u64; VALUES], mut rank: u64) -> (usize, u64) {
    for (value, count) in counts.iter().enumerate() {
        match rank.checked_sub(*count) {
            Some(rest) => rank = rest,
            None => return (value, rank),
        }
    }
    // Not reached: ranks are less than the number of pixels, which is the sum of the counts.
    (VALUES - 1, rank)
}

/// Running sums and extremes, separate in each lane.
struct Sums {
    sum: __m512i,
    squares: __m512i,
    darkest: __m512i,
    brightest: __m512i,
}

/// Sums and extremes over all lanes.
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
        // At most 32 x 255² in each lane.
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

    /// Combines the lanes with the pixels of `rest`.
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
            min: darkest
                .iter()
                .chain(rest)
                .fold(u8::MAX, |min, pixel| min.min(*pixel)),
            max: brightest
                .iter()
                .chain(rest)
                .fold(0, |max, pixel| max.max(*pixel)),
        }
    }
}

/// Collects bit b of all pixels in element b of `block`.
#[inline]
#[target_feature(enable = "avx512f,avx512vbmi,gfni")]
fn split_bits(pixels: &[u8; AT_ONCE], block: &mut Block) {
    let mut registers = [_mm512_setzero_si512(); BITS];
    for (register, pixels) in registers.iter_mut().zip(pixels.as_chunks().0) {
        // The product of a bit matrix and each of the eight unit vectors is one of its
        // columns: byte b of each word gets bit b of its eight pixels.
        let units = _mm512_set1_epi64(UNITS);
        let columns = _mm512_gf2p8affine_epi64_epi8::<0>(units, load_bytes(pixels));
        *register = _mm512_permutexvar_epi8(load_bytes(&BYTE_TRANSPOSE), columns);
    }
    transpose(&mut registers);
    for (words, register) in block.iter_mut().zip(registers) {
        store(words, register);
    }
}

/// The eight unit vectors of 8 bits.
const UNITS: i64 = i64::from_le_bytes([1, 2, 4, 8, 16, 32, 64, 128]);

/// Moves byte b of word w to byte w of word b.
const BYTE_TRANSPOSE: [u8; REGISTER] = {
    let mut order = [0; REGISTER];
    let mut at = 0;
    while at < REGISTER {
        order[at] = (at % 8 * 8 + at / 8) as u8;
        at += 1;
    }
    order
};

/// Transposes 8 x 8 words in three stages. Each stage interleaves register i with register
/// i + 4, which rotates the binary digits of (register, position) by one digit; after three
/// stages the two have changed places. `filter::transposition` has a drawing of it.
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
    // SAFETY: the reference is to 64 readable bytes, and the instruction needs no
    // alignment.
    unsafe { _mm512_loadu_si512(words.as_ptr().cast()) }
}

#[inline]
#[target_feature(enable = "avx512f")]
fn load_bytes(bytes: &[u8; REGISTER]) -> __m512i {
    // SAFETY: the reference is to 64 readable bytes, and the instruction needs no
    // alignment.
    unsafe { _mm512_loadu_si512(bytes.as_ptr().cast()) }
}

#[inline]
#[target_feature(enable = "avx512f")]
fn store(words: &mut Words, register: __m512i) {
    // SAFETY: the reference is to 64 writable bytes, and the instruction needs no
    // alignment.
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
