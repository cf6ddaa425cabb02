//! Compares the instructions of this processor with plain Rust.

use rand::{Rng, RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

use super::{HALF, Sums, U8x32, is_available, portable};

type Bytes = [[u8; HALF]; 2];

/// Compares the results of methods of both.
macro_rules! compare {
    ($a:ident, $b:ident, $($method:ident $(::<$bpp:literal>)?),*) => {$(
        let registers = [$a, $b].map(|bytes: Bytes| U8x32::load(bytes.each_ref()));
        let plain = [$a, $b].map(|bytes: Bytes| portable::U8x32::load(bytes.each_ref()));
        assert_eq!(
            registers[0].$method$(::<$bpp>)?(registers[1]).halves(),
            plain[0].$method$(::<$bpp>)?(plain[1]).halves(),
            "{}: {:?}, {:?}", stringify!($method $(::<$bpp>)?), $a, $b
        );
    )*};
}

#[cfg_attr(target_arch = "x86_64", target_feature(enable = "avx2"))]
fn compare_all(a: Bytes, b: Bytes, c: Bytes) {
    compare!(
        a,
        b,
        lower_halves,
        add,
        sub,
        min,
        max,
        average,
        and,
        or,
        equal,
        shift_in::<1>,
        shift_in::<2>
    );
    let registers = [a, b, c].map(|bytes| U8x32::load(bytes.each_ref()));
    let plain = [a, b, c].map(|bytes| portable::U8x32::load(bytes.each_ref()));

    let below = registers[0]
        .comparable()
        .is_less_than(registers[1].comparable());
    let mask = plain[0].comparable().is_less_than(plain[1].comparable());
    assert_eq!(below.halves(), mask.halves());
    let expected = plain[1].blend(mask, plain[2]).halves();
    assert_eq!(registers[1].blend(below, registers[2]).halves(), expected);
    assert_eq!(
        registers[0].optimisation_barrier().halves(),
        plain[0].optimisation_barrier().halves()
    );
    assert_eq!(U8x32::zero().halves(), portable::U8x32::zero().halves());
    let byte = a[0][0];
    assert_eq!(
        U8x32::splat(byte).halves(),
        portable::U8x32::splat(byte).halves()
    );

    let positions = b[0].map(|byte| byte % HALF as u8);
    assert_eq!(
        registers[0].shuffle(&positions).halves(),
        plain[0].shuffle(&positions).halves()
    );
    for (ours, expected) in [
        (
            registers[0]
                .interleave::<1>(registers[1])
                .map(|register| register.halves()),
            plain[0]
                .interleave::<1>(plain[1])
                .map(|plain| plain.halves()),
        ),
        (
            registers[0]
                .interleave::<2>(registers[1])
                .map(|register| register.halves()),
            plain[0]
                .interleave::<2>(plain[1])
                .map(|plain| plain.halves()),
        ),
    ] {
        assert_eq!(ours, expected);
    }

    let (mut sums, mut expected) = (Sums::zero(), portable::Sums::zero());
    for (register, plain) in registers.into_iter().zip(plain) {
        sums.add(register);
        expected.add(plain);
    }
    assert_eq!(sums.total(), expected.total());
    sums.add_squares([registers[0], registers[1], registers[2], registers[0]]);
    expected.add_squares([plain[0], plain[1], plain[2], plain[0]]);
    assert_eq!(sums.total(), expected.total());
}

#[test]
fn every_operation_equals_plain_rust() {
    if !is_available() {
        return;
    }
    let mut random = ChaCha8Rng::seed_from_u64(3);
    let mut bytes = || {
        let mut bytes = Bytes::default();
        random.fill_bytes(bytes.as_flattened_mut());
        // More extremes and equal bytes than random bytes have.
        for byte in bytes.as_flattened_mut() {
            match random.random_range(0..4) {
                0 => *byte = 0xFF * (*byte & 1),
                1 => *byte &= 3,
                _ => {}
            }
        }
        bytes
    };
    for _ in 0..2000 {
        let [a, b, c] = [bytes(), bytes(), bytes()];
        // SAFETY: the callee needs the instructions that `is_available` has found, and
        // nothing else.
        #[allow(
            unsafe_code,
            unused_unsafe,
            reason = "a call that needs AVX2 on x86-64; on other machines it needs nothing"
        )]
        unsafe {
            compare_all(a, b, c);
        }
    }
}
