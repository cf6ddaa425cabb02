//! Computes with 32 bytes at a time: one register of AVX2, or two of NEON.
//!
//! Code that uses [`U8x32`] is safe, and the same for both instruction sets. The unsafe
//! code around the instructions is in the modules `avx2` and `neon`; tests compare it
//! with `portable`, which is plain Rust. A `U8x32` has two *halves* of 16 bytes, because
//! AVX2 moves bytes only within them and NEON has no longer registers. Functions that
//! use it begin with
//!
//! ```text
//! #[cfg_attr(target_arch = "x86_64", target_feature(enable = "avx2"))]
//! ```
//!
//! and may be called if [`is_available`] returns true.

#[cfg(target_arch = "x86_64")]
mod avx2;
#[cfg(all(
    target_arch = "aarch64",
    target_feature = "neon",
    target_endian = "little"
))]
mod neon;
#[cfg(any(
    test,
    not(any(
        target_arch = "x86_64",
        all(
            target_arch = "aarch64",
            target_feature = "neon",
            target_endian = "little"
        )
    ))
))]
mod portable;
#[cfg(test)]
mod tests;
mod width;

#[cfg(target_arch = "x86_64")]
pub(crate) use avx2::{Sums, U8x32, is_available};
#[cfg(all(
    target_arch = "aarch64",
    target_feature = "neon",
    target_endian = "little"
))]
pub(crate) use neon::{Sums, U8x32, is_available};
#[cfg(not(any(
    target_arch = "x86_64",
    all(
        target_arch = "aarch64",
        target_feature = "neon",
        target_endian = "little"
    )
)))]
pub(crate) use portable::{Sums, U8x32, is_available};
pub(crate) use width::{HALF, WHOLE};
