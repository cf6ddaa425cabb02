use crate::chunk::{self, Container};
use crate::distribution::SummaryScratch;
use crate::error::{BufferError, DecodeError, Unsupported};
use crate::filter;
use crate::inflate::{Decompressor, inflate};
use crate::limits::Limits;
use crate::png_crate;
use crate::shape::PlaneShape;
use crate::statistics::{PlaneSummary, summarise};

/// Decodes one image after another, reusing its memory: make one per worker.
pub struct Decoder {
    limits: Limits,
    decompressor: Decompressor,
    /// The zlib stream, where it is spread over several chunks.
    gathered: Vec<u8>,
    /// Filter bytes and filtered rows.
    inflated: Vec<u8>,
    summary: SummaryScratch,
}

impl Decoder {
    /// A decoder that believes headers up to `limits`. Allocates little until
    /// it meets the first image.
    #[must_use]
    pub fn new(limits: Limits) -> Self {
        Self {
            limits,
            decompressor: Decompressor::new(),
            gathered: Vec::new(),
            inflated: Vec::new(),
            summary: SummaryScratch::new(),
        }
    }

    /// Decodes one PNG into `plane`, and measures and hashes what it wrote.
    ///
    /// `plane` is row-major `(y, x)`, 16-bit samples little-endian, and exactly
    /// `expected.byte_len()` bytes long. After an error its content is
    /// unspecified.
    ///
    /// # Errors
    ///
    /// - [`DecodeError::Buffer`]: `plane` has another length.
    /// - [`DecodeError::Limit`]: the image is beyond the limits.
    /// - [`DecodeError::Damaged`]: the file is not a complete PNG, any checksum
    ///   in it is wrong, or bytes are missing or left over anywhere.
    /// - [`DecodeError::Unsupported`]: a shape other than `expected`, grey of 1,
    ///   2 or 4 bits, a pixel that is coloured or not opaque, an animation, a
    ///   critical chunk that PNG does not define.
    pub fn decode(
        &mut self,
        png: &[u8],
        expected: PlaneShape,
        plane: &mut [u8],
    ) -> Result<PlaneSummary, DecodeError> {
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
        if header.is_plain_grey() && container.transparency.is_none() {
            let row_bytes = header.row_bytes(header.shape.width) as usize;
            filter::unfilter(&self.inflated, row_bytes, found.depth, plane);
        } else {
            png_crate::decode(&header, &container, stream, self.limits, plane)?;
        }
        Ok(summarise(plane, found, &mut self.summary))
    }
}
