//! The decoder against the `png` crate: the same pixels, or both refuse.
//!
//! The first byte of an input says what the others are, see [`Kind`].
//! `tests/corpus.rs` of the decoder runs the corpus without a fuzzer.

mod judge;
mod picture;

pub use judge::judge;
pub use picture::{Damage, Picture, cook};

/// What an input is made of.
#[derive(Clone, Copy, Debug)]
pub enum Kind {
    /// A file, to be taken as it is.
    File,
    /// A file whose CRCs are made right first, so that what lies behind them
    /// is reached.
    Repaired,
    /// The recipe of a [`Picture`], encoded and then damaged or not.
    Picture,
}

impl Kind {
    /// The first byte of such an input, and of no other kind's.
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
/// Where the two decoders differ in more than [`judge`] allows.
pub fn run(input: &[u8]) {
    let Some((first_byte, rest)) = input.split_first() else {
        return;
    };
    match Kind::of(*first_byte) {
        Kind::File => judge(rest),
        Kind::Repaired => judge(&repaired(rest)),
        Kind::Picture => judge(&picture::cook(rest)),
    }
}

/// The same chunks with right CRCs, as far as there are whole chunks.
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
