//! Thirty-two bytes that are computed with at once: one register of AVX2, or two
//! of NEON.
//!
//! What is written with it is safe code and the same on both; all that is unsafe
//! about the instructions is in the modules below. A [`Register`] has two
//! *halves* of sixteen bytes, because AVX2 moves bytes only within them and NEON
//! has no more. Functions that use it begin with
//!
//! ```text
//! #[cfg_attr(target_arch = "x86_64", target_feature(enable = "avx2"))]
//! ```
//!
//! and may be called where [`has_registers`] says so.

#[cfg(target_arch = "x86_64")]
mod avx2;
#[cfg(all(target_arch = "aarch64", target_endian = "little"))]
mod neon;
#[cfg(any(
    test,
    not(any(
        target_arch = "x86_64",
        all(target_arch = "aarch64", target_endian = "little")
    ))
))]
mod portable;
#[cfg(test)]
mod tests;

#[cfg(target_arch = "x86_64")]
pub(crate) use avx2::{Register, Sums, has_registers};
#[cfg(all(target_arch = "aarch64", target_endian = "little"))]
pub(crate) use neon::{Register, Sums, has_registers};
#[cfg(not(any(
    target_arch = "x86_64",
    all(target_arch = "aarch64", target_endian = "little")
)))]
pub(crate) use portable::{Register, Sums, has_registers};

/// Bytes of half a register.
pub(crate) const HALF: usize = 16;
/// Bytes of a register.
pub(crate) const WHOLE: usize = 2 * HALF;
