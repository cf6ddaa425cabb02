//! Values for tests.

/// Bytes that no codec makes smaller: a linear congruential generator, the same at
/// each call.
pub fn noise(length: usize) -> Vec<u8> {
    let mut state = 1u32;
    let step = || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (state >> 24) as u8
    };
    std::iter::repeat_with(step).take(length).collect()
}
