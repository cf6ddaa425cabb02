//! A stack: the image files of several depths, of which one plane is made.
//!
//! ```text
//! signature  8 bytes
//! member     length of the name  u32     (little-endian)
//!            length of the file  u64
//!            name                UTF-8
//!            file
//! member …
//! ```
//!
//! The sources of `rxrx-input` make such sequences of bytes in memory, so that a stack takes
//! the way of one image file to the decoder. A file of INPUT that has this form is read as a
//! stack, too.

use crate::error::{Damage, DecodeError};
use crate::shape::{BitDepth, PlaneShape};

/// The first bytes of a stack. No image format begins with them.
const SIGNATURE: [u8; 8] = *b"\0rxstck\x01";

/// The image files of several depths of one site and channel, as they are put together in
/// memory. The plane of a stack has the largest value of each pixel over all depths: a maximum
/// intensity projection.
#[derive(Debug)]
pub struct Stack<'a>(&'a mut Vec<u8>);

impl<'a> Stack<'a> {
    /// Replaces the content of `bytes` with an empty stack.
    pub fn begin(bytes: &'a mut Vec<u8>) -> Self {
        bytes.clear();
        bytes.extend_from_slice(&SIGNATURE);
        Self(bytes)
    }

    /// Adds an image file. Errors of the decoder name it by `name`.
    pub fn push(&mut self, name: &str, file: &[u8]) {
        self.0.extend_from_slice(&(name.len() as u32).to_le_bytes());
        self.0.extend_from_slice(&(file.len() as u64).to_le_bytes());
        self.0.extend_from_slice(name.as_bytes());
        self.0.extend_from_slice(file);
    }
}

/// Whether bytes are those of a stack.
pub(crate) fn is_stack(file: &[u8]) -> bool {
    file.starts_with(&SIGNATURE)
}

/// An image file of a stack.
pub(crate) struct Member<'a> {
    pub(crate) name: &'a str,
    pub(crate) file: &'a [u8],
}

/// Reads the members of a stack.
pub(crate) fn members(stack: &[u8]) -> impl Iterator<Item = Result<Member<'_>, DecodeError>> {
    let mut rest = stack.get(SIGNATURE.len()..).unwrap_or_default();
    let mut is_first = true;
    std::iter::from_fn(move || {
        if rest.is_empty() && !is_first {
            return None;
        }
        is_first = false;
        let Some((member, after)) = first_member(rest) else {
            rest = &[];
            return Some(Err(Damage::Stack.into()));
        };
        rest = after;
        Some(Ok(member))
    })
}

/// Splits the first member off.
fn first_member(bytes: &[u8]) -> Option<(Member<'_>, &[u8])> {
    let (name_len, rest) = bytes.split_first_chunk::<4>()?;
    let (file_len, rest) = rest.split_first_chunk::<8>()?;
    let name_len = usize::try_from(u32::from_le_bytes(*name_len)).ok()?;
    let file_len = usize::try_from(u64::from_le_bytes(*file_len)).ok()?;
    let (name, rest) = rest.split_at_checked(name_len)?;
    let (file, rest) = rest.split_at_checked(file_len)?;
    let name = std::str::from_utf8(name).ok()?;
    Some((Member { name, file }, rest))
}

/// Decodes a stack, or one image file, into `plane`, whose shape is `expected`, by
/// `decode_file`, which refuses stacks.
pub(crate) fn decode(
    file: &[u8],
    expected: PlaneShape,
    plane: &mut [u8],
    mut decode_file: impl FnMut(&[u8], &mut [u8]) -> Result<(), DecodeError>,
) -> Result<(), DecodeError> {
    if !is_stack(file) {
        return decode_file(file, plane);
    }
    let mut layer = Vec::new();
    for (number, member) in members(file).enumerate() {
        let Member { name, file } = member?;
        let of_member = |error: DecodeError| error.of_member(name);
        if number == 0 {
            decode_file(file, plane).map_err(of_member)?;
        } else {
            layer.resize(plane.len(), 0);
            decode_file(file, &mut layer).map_err(of_member)?;
            take_largest(plane, &layer, expected.depth);
        }
    }
    Ok(())
}

/// Replaces each sample of `plane` with that of `other` where it is larger.
fn take_largest(plane: &mut [u8], other: &[u8], depth: BitDepth) {
    match depth {
        BitDepth::Eight => {
            for (sample, other) in plane.iter_mut().zip(other) {
                *sample = (*sample).max(*other);
            }
        }
        BitDepth::Sixteen => {
            let samples = plane.as_chunks_mut::<2>().0.iter_mut();
            for (sample, other) in samples.zip(other.as_chunks::<2>().0) {
                let largest = u16::from_le_bytes(*sample).max(u16::from_le_bytes(*other));
                *sample = largest.to_le_bytes();
            }
        }
    }
}
