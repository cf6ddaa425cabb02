//! Compares the decoder with the `png` crate: both give equal pixels, or both refuse.
//!
//! The first byte of an input tells its [`Kind`]. `tests/corpus.rs` of the decoder runs the
//! corpus without a fuzzer.

mod compare;
pub mod formats;
mod picture;

pub use compare::compare;
pub use picture::{Damage, Picture, build_png};

/// The kind of an input.
#[derive(Clone, Copy, Debug)]
pub enum Kind {
    /// A file, used unchanged.
    File,
    /// A file whose CRCs are corrected first, so that the decoders read beyond them.
    Repaired,
    /// The description of a [`Picture`], which is encoded and perhaps damaged.
    Picture,
}

impl Kind {
    /// A first byte that marks an input of this kind.
    pub const fn first_byte(self) -> u8 {
        self as u8
    }

    fn of(first_byte: u8) -> Self {
        match first_byte % 4 {
            0 => Self::File,
            1 => Self::Repaired,
            _ => Self::Picture,
        }
    }
}

/// Runs one input.
///
/// # Panics
///
/// If the two decoders differ in more than [`compare`] allows.
pub fn run(input: &[u8]) {
    let Some((first_byte, rest)) = input.split_first() else {
        return;
    };
    match Kind::of(*first_byte) {
        Kind::File => compare(rest),
        Kind::Repaired => compare(&repaired(rest)),
        Kind::Picture => compare(&picture::build_png(rest)),
    }
}

/// Corrects the CRCs of all whole chunks.
fn repaired(png: &[u8]) -> Vec<u8> {
    let mut png = png.to_vec();
    let mut at = 8;
    while let Some(length) = png.get(at..).and_then(|rest| rest.first_chunk()) {
        let end = at + 8 + u32::from_be_bytes(*length) as usize;
        if png.len() < end + 4 {
            break;
        }
        let crc = libdeflater::crc32(&png[at + 4..end]);
        png[end..end + 4].copy_from_slice(&crc.to_be_bytes());
        at = end + 4;
    }
    png
}
