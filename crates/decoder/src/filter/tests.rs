//! Compares the filters with the specification, and the fast path with the plain one.

use rand::{Rng, RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

use super::rows::{predict, unfilter_rows};
use super::unfilter;
use crate::shape::BitDepth;

/// The predictor as the specification writes it.
///
/// [PNG, 9.4](https://www.w3.org/TR/png-3/#9Filter-type-4-Paeth)
fn paeth_predictor(a: i32, b: i32, c: i32) -> i32 {
    let p = a + b - c;
    let (pa, pb, pc) = ((p - a).abs(), (p - b).abs(), (p - c).abs());
    if pa <= pb && pa <= pc {
        a
    } else if pb <= pc {
        b
    } else {
        c
    }
}

#[test]
fn predictor_equals_the_specification_for_all_neighbours() {
    for left in 0..=255 {
        for above in 0..=255 {
            for corner in 0..=255 {
                let expected = paeth_predictor(left.into(), above.into(), corner.into());
                assert_eq!(i32::from(predict(left, above, corner)), expected);
            }
        }
    }
}

fn compare<const BPP: usize>(width: usize, height: usize, random: &mut ChaCha8Rng) {
    let row_bytes = width * BPP;
    let mut filtered = vec![0; (row_bytes + 1) * height];
    random.fill_bytes(&mut filtered);
    // Half of the images have one filter in all rows, the others any mixture.
    let pure = random.random_range(0..10);
    for row in filtered.chunks_exact_mut(row_bytes + 1) {
        row[0] = if pure < 5 {
            pure
        } else {
            random.random_range(0..5)
        };
        // Half of the images have small residuals, like real images.
        if pure % 2 == 0 {
            row[1..]
                .iter_mut()
                .for_each(|byte| *byte = (*byte & 7).wrapping_sub(3));
        }
    }
    let mut row_by_row = vec![0xAA; row_bytes * height];
    let mut fastest = vec![0x55; row_bytes * height];
    unfilter_rows::<BPP>(&filtered, row_bytes, &mut row_by_row);
    let depth = [BitDepth::Eight, BitDepth::Sixteen][BPP - 1];
    unfilter(&filtered, row_bytes, depth, &mut fastest);
    assert_eq!(
        row_by_row, fastest,
        "{width} x {height}, {BPP} bytes a pixel"
    );
}

#[test]
fn rows_at_once_equal_row_by_row() {
    let mut random = ChaCha8Rng::seed_from_u64(1);
    for width in 1..70 {
        for height in [1, 2, 7, 8, 9, 15, 16, 17, 31, 32, 33, 65] {
            compare::<1>(width, height, &mut random);
            compare::<2>(width, height, &mut random);
        }
    }
    for _ in 0..60 {
        let (width, height) = (random.random_range(1..700), random.random_range(1..100));
        compare::<1>(width, height, &mut random);
        compare::<2>(width, height, &mut random);
    }
}
