//! A second opinion, for those who verify what the fast path did.

use crate::chunk::{self, Container};
use crate::error::{BufferError, DecodeError, Unsupported};
use crate::filter;
use crate::inflate::{Decompressor, inflate};
use crate::limits::Limits;
use crate::png_crate;
use crate::shape::PlaneShape;

/// Decodes every image through the [`png`] crate, whose inflate and unfilter
/// steps share no code with those of [`Decoder`](crate::Decoder). Slower, and
/// meant for comparing the pixels of both.
///
/// It refuses the same files: the chunk walk and the zlib stream are checked
/// first, as strictly, because the library would let pass a cut Adler-32,
/// surplus pixels and rubbish behind the end.
pub struct ReferenceDecoder {
    limits: Limits,
    decompressor: Decompressor,
    gathered: Vec<u8>,
    inflated: Vec<u8>,
}

impl ReferenceDecoder {
    /// A decoder that believes headers up to `limits`.
    #[must_use]
    pub fn new(limits: Limits) -> Self {
        Self {
            limits,
            decompressor: Decompressor::new(),
            gathered: Vec::new(),
            inflated: Vec::new(),
        }
    }

    /// Decodes one PNG into `plane`: row-major `(y, x)`, 16-bit samples
    /// little-endian, exactly `expected.byte_len()` bytes. After an error its
    /// content is unspecified.
    ///
    /// # Errors
    ///
    /// As [`Decoder::decode`](crate::Decoder::decode).
    pub fn decode(
        &mut self,
        png: &[u8],
        expected: PlaneShape,
        plane: &mut [u8],
    ) -> Result<(), DecodeError> {
        if plane.len() != expected.byte_len() {
            return Err(BufferError::Length {
                expected: expected.byte_len(),
                actual: plane.len(),
            }
            .into());
        }
        let header = chunk::read_header(png, &self.limits)?;
        let found = header.shape;
        if found != expected {
            return Err(Unsupported::Shape { found, expected }.into());
        }
        let container = Container::walk(png, &self.limits)?;
        let stream = container.stream(&mut self.gathered);
        // Within the limit on memory, so it fits an address.
        self.inflated.resize(header.inflated_bytes() as usize, 0);
        inflate(&mut self.decompressor, stream, &mut self.inflated)?;
        filter::check(&self.inflated, &header)?;
        png_crate::decode_file(&header, &container, png, stream, self.limits, plane)
    }
}
