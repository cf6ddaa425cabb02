//! The decoder that conversions use.

use crate::distribution::SummaryScratch;
use crate::error::DecodeError;
use crate::filter;
use crate::inflated::{InflateScratch, Inflated};
use crate::limits::Limits;
use crate::png_crate;
use crate::shape::PlaneShape;
use crate::statistics::{PlaneSummary, summarise};

/// Decodes one image after another and reuses its memory. Make one for each worker.
pub struct Decoder {
    limits: Limits,
    inflate: InflateScratch,
    summary: SummaryScratch,
}

impl Decoder {
    /// Makes a decoder that refuses images beyond `limits`. Allocates little until the
    /// first image.
    #[must_use]
    pub fn new(limits: Limits) -> Self {
        Self {
            limits,
            inflate: InflateScratch::new(),
            summary: SummaryScratch::new(),
        }
    }

    /// Decodes one PNG into `plane`, measures the pixels and hashes them.
    ///
    /// `plane` is row-major `(y, x)`, 16-bit samples little-endian, and exactly
    /// `expected.byte_len()` bytes long. After an error its content is unspecified.
    ///
    /// # Errors
    ///
    /// - [`DecodeError::Buffer`]: `plane` has another length.
    /// - [`DecodeError::Limit`]: the image is beyond the limits.
    /// - [`DecodeError::Damaged`]: the file is not a complete PNG, a checksum in it is
    ///   wrong, or bytes are missing or left over.
    /// - [`DecodeError::Unsupported`]: the shape is not `expected`; grey of 1, 2 or 4 bits;
    ///   a pixel is coloured or not opaque; an animation; a critical chunk that PNG does
    ///   not define.
    pub fn decode(
        &mut self,
        png: &[u8],
        expected: PlaneShape,
        plane: &mut [u8],
    ) -> Result<PlaneSummary, DecodeError> {
        let image = Inflated::read(png, expected, plane.len(), &self.limits, &mut self.inflate)?;
        let header = &image.header;
        if header.is_plain_grey() && image.container.transparency.is_none() {
            let row_bytes = header.row_bytes(expected.width) as usize;
            filter::unfilter(image.filtered, row_bytes, expected.depth, plane);
        } else {
            png_crate::decode_stream(&image, self.limits, plane)?;
        }
        Ok(summarise(plane, expected, &mut self.summary))
    }
}
