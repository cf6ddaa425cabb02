//! The decoder that conversions use.

use crate::distribution::SummaryScratch;
use crate::error::{Damage, DecodeError};
use crate::filter;
use crate::image_format::ImageFormat;
use crate::inflated::{InflateScratch, Inflated};
use crate::limits::Limits;
use crate::oddity::Oddities;
use crate::overview::{OverviewScratch, overview_of};
use crate::png_crate;
use crate::shape::PlaneShape;
use crate::statistics::{PlaneSummary, summarise};
use crate::{jpeg2000, stack, tiff};

/// Decodes one image after another and reuses its memory. Make one for each worker.
pub struct Decoder {
    limits: Limits,
    inflate: InflateScratch,
    summary: SummaryScratch,
    overview: OverviewScratch,
    oddities: Oddities,
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
            overview: OverviewScratch::default(),
            oddities: Oddities::default(),
        }
    }

    /// What is wrong with the file that was decoded last, and does not concern its pixels.
    #[must_use]
    pub fn oddities(&self) -> Oddities {
        self.oddities
    }

    /// Decodes one image file into `plane`, measures the pixels and hashes them.
    ///
    /// `plane` is row-major `(y, x)`, 16-bit samples little-endian, and exactly
    /// `expected.byte_len()` bytes long. After an error its content is unspecified.
    ///
    /// # Errors
    ///
    /// - [`DecodeError::Buffer`]: `plane` has another length.
    /// - [`DecodeError::Limit`]: the image is beyond the limits.
    /// - [`DecodeError::Damaged`]: the pixels are not complete, or a checksum of them is
    ///   wrong. Other faults of a file are [oddities](Self::oddities).
    /// - [`DecodeError::Member`]: one of these, of a file of a [stack](crate::Stack).
    /// - [`DecodeError::Unsupported`]: the shape is not `expected`; a pixel is coloured or not
    ///   opaque; an animation; a critical chunk that PNG does not define; a kind of TIFF or
    ///   JPEG 2000 that is not read.
    pub fn decode(
        &mut self,
        file: &[u8],
        expected: PlaneShape,
        plane: &mut [u8],
    ) -> Result<PlaneSummary, DecodeError> {
        self.oddities = Oddities::default();
        stack::decode(file, expected, plane, |file, plane| {
            self.decode_file(file, expected, plane)
        })?;
        Ok(summarise(plane, expected, &mut self.summary))
    }

    /// Decodes one image file as [`Self::decode`] does, and computes the overview of its plane
    /// while that is in the cache. `overview` has the bytes of
    /// [`overview_shape`](crate::overview_shape). After an error its content is unspecified.
    ///
    /// # Errors
    ///
    /// The errors of [`Self::decode`].
    pub fn decode_with_overview(
        &mut self,
        file: &[u8],
        expected: PlaneShape,
        plane: &mut [u8],
        overview: &mut [u8],
    ) -> Result<PlaneSummary, DecodeError> {
        let summary = self.decode(file, expected, plane)?;
        overview_of(plane, expected, overview, &mut self.overview);
        Ok(summary)
    }

    /// Decodes a file that is no stack.
    fn decode_file(
        &mut self,
        file: &[u8],
        expected: PlaneShape,
        plane: &mut [u8],
    ) -> Result<(), DecodeError> {
        match ImageFormat::of(file) {
            ImageFormat::Png => self.decode_png(file, expected, plane),
            ImageFormat::Tiff => tiff::decode(file, expected, &self.limits, plane),
            ImageFormat::Jpeg2000 => jpeg2000::decode(file, expected, &self.limits, plane),
            ImageFormat::Stack => Err(Damage::Stack.into()),
        }
    }

    fn decode_png(
        &mut self,
        png: &[u8],
        expected: PlaneShape,
        plane: &mut [u8],
    ) -> Result<(), DecodeError> {
        let image = Inflated::read(png, expected, plane.len(), &self.limits, &mut self.inflate)?;
        let header = &image.header;
        if header.is_plain_grey() && image.container.transparency.is_none() {
            let row_bytes = header.row_bytes(expected.width) as usize;
            filter::unfilter(image.filtered, row_bytes, expected.depth, plane);
        } else {
            png_crate::decode_stream(&image, self.limits, plane)?;
        }
        self.oddities.extend(image.container.oddities);
        Ok(())
    }
}
