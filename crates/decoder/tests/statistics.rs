//! Compares statistics with those of NumPy and with textbook definitions, and the hash with
//! that of the reference implementation.
#![allow(
    clippy::indexing_slicing,
    clippy::unwrap_used,
    reason = "a test's helpers may fail as the test may"
)]

use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use rxrx_decoder::{BitDepth, PlaneShape, PlaneSummary, Statistics, SummaryScratch, summarise};

fn bytes(samples: &[u16], depth: BitDepth) -> Vec<u8> {
    match depth {
        BitDepth::Eight => samples.iter().map(|sample| *sample as u8).collect(),
        BitDepth::Sixteen => samples.iter().flat_map(|s| s.to_le_bytes()).collect(),
    }
}

fn shape(height: usize, width: usize, depth: BitDepth) -> PlaneShape {
    PlaneShape {
        height: height as u32,
        width: width as u32,
        depth,
    }
}

/// Measures a plane whose rows have `width` samples.
fn measure(samples: &[u16], width: usize, depth: BitDepth) -> PlaneSummary {
    let shape = shape(samples.len() / width, width, depth);
    summarise(&bytes(samples, depth), shape, &mut SummaryScratch::new())
}

#[track_caller]
fn assert_near(actual: Statistics, expected: Statistics) {
    let near = |a: f64, b: f64| (a - b).abs() <= 1e-12 * b.abs();
    let message = format!("{actual:?}\n{expected:?}");
    assert!(near(actual.mean, expected.mean), "{message}");
    assert!(near(actual.std, expected.std), "{message}");
    assert_eq!(actual.min, expected.min, "{message}");
    assert_eq!(actual.max, expected.max, "{message}");
    assert_eq!(actual.p001, expected.p001, "{message}");
    assert_eq!(actual.p01, expected.p01, "{message}");
    assert_eq!(actual.p50, expected.p50, "{message}");
    assert_eq!(actual.p99, expected.p99, "{message}");
    assert!(near(actual.p999, expected.p999), "{message}");
    assert_eq!(actual.saturated, expected.saturated, "{message}");
    assert!(near(actual.focus, expected.focus), "{message}");
    assert_eq!(actual.sum, expected.sum, "{message}");
    assert_eq!(actual.sum_of_squares, expected.sum_of_squares, "{message}");
}

/// Half of the samples are dark, like in fluorescence images. The test below has the formula
/// in NumPy.
fn golden_samples(pixels: u64, depth: BitDepth) -> Vec<u16> {
    (0..pixels)
        .map(|i| {
            let value = (i * 2_654_435_761 % (1 << 32)) >> 7;
            let value = if i % 2 == 0 { value % 23 } else { value };
            value as u16 & depth.max_value()
        })
        .collect()
}

/// The expected values were computed with NumPy 2.4.6 and xxhash 4.1.0 for Python:
///
/// ```python
/// i = numpy.arange(n, dtype="uint64")
/// v = (i * 2654435761 % 2**32) >> 7
/// v = (numpy.where(i % 2 == 0, v % 23, v) & numpy.iinfo(dtype).max).astype(dtype)
/// p = numpy.percentile(v, [0.1, 1, 50, 99, 99.9])
/// v.mean(dtype="f8"), v.astype("f8").std(), (v == numpy.iinfo(dtype).max).mean()
/// xxhash.xxh3_128_hexdigest(v.tobytes())
/// f = v.reshape(h, w).astype("f8")
/// (f[:-2, 1:-1] + f[2:, 1:-1] + f[1:-1, :-2] + f[1:-1, 2:] - 4 * f[1:-1, 1:-1]).var()
/// v.sum(dtype="u8"), (v.astype("u8") ** 2).sum()
/// ```
#[test]
fn equal_to_numpy_and_to_the_reference_hash() {
    let statistics = |mean,
                      std,
                      max,
                      [p001, p01, p50, p99, p999]: [f64; 5],
                      saturated,
                      focus,
                      [sum, squares]: [u64; 2]| {
        Statistics {
            mean,
            std,
            min: 0,
            max,
            p001,
            p01,
            p50,
            p99,
            p999,
            saturated,
            focus,
            sum,
            sum_of_squares: squares,
        }
    };
    let goldens = [
        (
            (61, 37),
            BitDepth::Eight,
            statistics(
                69.331_413_380_593_7,
                78.577_196_218_277_07,
                255,
                [0.0, 0.0, 21.0, 250.440_000_000_000_05, 255.0],
                0.002_658_396_101_019_052,
                276_125.461_008_741_35,
                [156_481, 24_784_615],
            ),
            0x12e1_4d0d_91b1_2fd5_cdd9_bdcb_d88a_209e,
        ),
        (
            (61, 37),
            BitDepth::Sixteen,
            statistics(
                16_404.785_556_047_853,
                21_156.318_595_808_232,
                65_456,
                [
                    0.0,
                    0.0,
                    22.0,
                    64_212.880_000_000_005,
                    65_315.344_000_000_005,
                ],
                0.0,
                20_501_249_696.079_71,
                [37_025_601, 1_617_607_260_391],
            ),
            0xa479_1f71_b3c1_5170_386e_8d45_e79a_e8b5,
        ),
        (
            (1, 1),
            BitDepth::Eight,
            statistics(0.0, 0.0, 0, [0.0; 5], 0.0, 0.0, [0; 2]),
            0xa6cd_5e93_9200_0f6a_c44b_dff4_074e_ecdb,
        ),
        (
            (1, 2),
            BitDepth::Sixteen,
            statistics(
                14_201.5,
                14_201.5,
                28_403,
                [
                    28.403_000_000_000_002,
                    284.030_000_000_000_03,
                    14_201.5,
                    28_118.97,
                    28_374.597,
                ],
                0.0,
                0.0,
                [28_403, 806_730_409],
            ),
            0x8b1c_a1bd_1b45_8155_f327_d462_4e0b_c5f1,
        ),
        (
            (1, 100_001),
            BitDepth::Sixteen,
            statistics(
                16_388.101_928_980_71,
                21_146.488_662_949_047,
                65_534,
                [0.0, 0.0, 22.0, 64_226.0, 65_403.000_000_000_015],
                0.0,
                0.0,
                [1_638_826_581, 71_575_102_504_557],
            ),
            0x67cf_db17_9bd2_b13b_3078_783a_8719_d993,
        ),
    ];
    for ((height, width), depth, expected, hash) in goldens {
        let samples = golden_samples((height * width) as u64, depth);
        let summary = measure(&samples, width, depth);
        assert_near(summary.statistics, expected);
        assert_eq!(summary.xxh3_128, hash);
    }
}

/// Computes statistics from the sorted samples, by their definitions.
fn by_definition(samples: &[u16], width: usize, depth: BitDepth) -> Statistics {
    let n = samples.len() as f64;
    let mut sorted = samples.to_vec();
    sorted.sort_unstable();
    let mean = samples.iter().map(|s| u64::from(*s)).sum::<u64>() as f64 / n;
    let variance = samples
        .iter()
        .map(|s| (f64::from(*s) - mean).powi(2))
        .sum::<f64>()
        / n;
    let percentile = |percent: f64| {
        let position = percent / 100.0 * (n - 1.0);
        let below = f64::from(sorted[position.floor() as usize]);
        let above = f64::from(sorted[position.ceil() as usize]);
        below + (above - below) * position.fract()
    };
    Statistics {
        mean,
        std: variance.sqrt(),
        min: sorted[0],
        max: *sorted.last().unwrap(),
        p001: percentile(0.1),
        p01: percentile(1.0),
        p50: percentile(50.0),
        p99: percentile(99.0),
        p999: percentile(99.9),
        saturated: samples.iter().filter(|s| **s == depth.max_value()).count() as f64 / n,
        focus: focus_by_definition(samples, width),
        sum: samples.iter().map(|s| u64::from(*s)).sum(),
        sum_of_squares: samples.iter().map(|s| u64::from(*s).pow(2)).sum(),
    }
}

fn focus_by_definition(samples: &[u16], width: usize) -> f64 {
    let height = samples.len() / width;
    let at = |y: usize, x: usize| f64::from(samples[y * width + x]);
    let mut values = Vec::new();
    for y in 1..height.saturating_sub(1) {
        for x in 1..width.saturating_sub(1) {
            let around = at(y - 1, x) + at(y + 1, x) + at(y, x - 1) + at(y, x + 1);
            values.push(around - 4.0 * at(y, x));
        }
    }
    let n = values.len().max(1) as f64;
    let mean = values.iter().sum::<f64>() / n;
    values
        .iter()
        .map(|value| (value - mean).powi(2))
        .sum::<f64>()
        / n
}

#[test]
fn statistics_of_random_planes_equal_their_definitions() {
    let mut random = ChaCha8Rng::seed_from_u64(5);
    let mut scratch = SummaryScratch::new();
    for round in 0..400 {
        let depth = match random.random() {
            true => BitDepth::Eight,
            false => BitDepth::Sixteen,
        };
        let maximum = depth.max_value();
        let low = random.random_range(0..=maximum);
        let high = random.random_range(low..=maximum);
        let (height, width) = match round % 40 {
            0 => (random.random_range(3..6), random.random_range(2000..5000)),
            _ => (random.random_range(1..50), random.random_range(1..60)),
        };
        let samples: Vec<u16> = (0..height * width)
            .map(|_| match random.random_range(0..20) {
                0 => maximum,
                _ => random.random_range(low..=high),
            })
            .collect();
        let (plane, shape) = (bytes(&samples, depth), shape(height, width, depth));
        let actual = summarise(&plane, shape, &mut scratch).statistics;
        let expected = by_definition(&samples, width, depth);
        let near = |a: f64, b: f64| (a - b).abs() <= 1e-11 * b.abs().max(1e-6);
        let pairs = [
            (actual.mean, expected.mean),
            (actual.std, expected.std),
            (actual.p001, expected.p001),
            (actual.p01, expected.p01),
            (actual.p50, expected.p50),
            (actual.p99, expected.p99),
            (actual.p999, expected.p999),
            (actual.focus, expected.focus),
        ];
        for (actual, expected) in pairs {
            assert!(near(actual, expected), "round {round}: {actual} {expected}");
        }
        assert_eq!(actual.min, expected.min);
        assert_eq!(actual.max, expected.max);
        assert_eq!(actual.saturated, expected.saturated);
        assert_eq!(actual.sum, expected.sum);
        assert_eq!(actual.sum_of_squares, expected.sum_of_squares);
    }
}

/// The mean of squares minus the square of the mean, in floating point, would lose all
/// digits here.
#[test]
fn the_deviation_of_bright_flat_planes_is_exact() {
    let mut samples = vec![65_535; 1_000_000];
    samples[0] = 65_534;
    let statistics = measure(&samples, 1000, BitDepth::Sixteen).statistics;
    let n = 1e6_f64;
    let expected = ((n - 1.0) / (n * n)).sqrt();
    assert!((statistics.std - expected).abs() < 1e-12 * expected);
    assert_eq!(statistics.saturated, 0.999_999);
    let flat = measure(&[65_535; 4096], 64, BitDepth::Sixteen).statistics;
    assert_eq!((flat.mean, flat.std), (65_535.0, 0.0));
}

/// A chessboard has the largest Laplacian. In the longest rows its squares do not overflow.
#[test]
fn a_chessboard_has_the_largest_focus() {
    for (depth, width) in [(BitDepth::Eight, 32_768), (BitDepth::Sixteen, 32_768)] {
        let maximum = depth.max_value();
        let samples: Vec<u16> = (0..5 * width)
            .map(|i| ((i / width + i) % 2) as u16 * maximum)
            .collect();
        let focus = measure(&samples, width, depth).statistics.focus;
        let expected = (4.0 * f64::from(maximum)).powi(2);
        assert!((focus - expected).abs() <= 1e-12 * expected, "{focus}");
    }
    let flat = measure(&[7; 12], 4, BitDepth::Eight).statistics.focus;
    assert_eq!(flat, 0.0);
}

#[test]
fn all_statistics_of_an_empty_plane_are_zero() {
    for depth in [BitDepth::Eight, BitDepth::Sixteen] {
        let statistics = measure(&[], 1, depth).statistics;
        assert_eq!(statistics.mean, 0.0);
        assert_eq!(statistics.std, 0.0);
        assert_eq!(statistics.p99, 0.0);
        assert_eq!(statistics.saturated, 0.0);
        assert_eq!((statistics.focus, statistics.sum), (0.0, 0));
    }
}
