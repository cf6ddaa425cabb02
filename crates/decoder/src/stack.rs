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
//! Only this program makes such sequences of bytes, in memory, so that a stack takes the way
//! of one image file from the source to the decoder.

use crate::error::{Damage, DecodeError};
use crate::shape::{BitDepth, PlaneShape};

/// The first bytes of a stack. No image format begins with them.
const SIGNATURE: [u8; 8] = *b"\0rxstck\x01";
/// Bytes of the two lengths of a member.
const LENGTHS: usize = 12;

/// The image files of several depths of one site and channel. The plane of a stack has the
/// largest value of each pixel over all depths: a maximum intensity projection.
#[derive(Clone, Copy, Debug)]
pub struct Stack;

impl Stack {
    /// Whether bytes are those of a stack.
    pub(crate) fn is_stack(file: &[u8]) -> bool {
        file.starts_with(&SIGNATURE)
    }

    /// Replaces the content of `stack` with an empty stack.
    pub fn begin(stack: &mut Vec<u8>) {
        stack.clear();
        stack.extend_from_slice(&SIGNATURE);
    }

    /// Adds an image file to a stack. Errors of the decoder name it by `name`.
    pub fn push(stack: &mut Vec<u8>, name: &str, file: &[u8]) {
        stack.extend_from_slice(&(name.len() as u32).to_le_bytes());
        stack.extend_from_slice(&(file.len() as u64).to_le_bytes());
        stack.extend_from_slice(name.as_bytes());
        stack.extend_from_slice(file);
    }

    /// Returns the bytes that a stack has, of members with such names and lengths.
    pub fn byte_len<'a>(members: impl Iterator<Item = (&'a str, u64)>) -> u64 {
        let beside = |name: &str| (LENGTHS + name.len()) as u64;
        members.fold(SIGNATURE.len() as u64, |sum, (name, length)| {
            sum.saturating_add(beside(name)).saturating_add(length)
        })
    }
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
/// `decode_file`, which refuses stacks. `layer` is memory that is reused.
pub(crate) fn decode(
    file: &[u8],
    expected: PlaneShape,
    plane: &mut [u8],
    layer: &mut Vec<u8>,
    mut decode_file: impl FnMut(&[u8], &mut [u8]) -> Result<(), DecodeError>,
) -> Result<(), DecodeError> {
    if !Stack::is_stack(file) {
        return decode_file(file, plane);
    }
    for (number, member) in members(file).enumerate() {
        let Member { name, file } = member?;
        let of_member = |error: DecodeError| error.of_member(name);
        if number == 0 {
            decode_file(file, plane).map_err(of_member)?;
        } else {
            layer.resize(plane.len(), 0);
            decode_file(file, layer).map_err(of_member)?;
            take_largest(plane, layer, expected.depth);
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
