//! A second decoder, for verifying the results of the first one.

use crate::error::{Damage, DecodeError};
use crate::image_format::ImageFormat;
use crate::inflated::{InflateScratch, Inflated};
use crate::limits::Limits;
use crate::png_crate;
use crate::shape::PlaneShape;
use crate::{jpeg2000, stack, tiff};

/// Decodes every image with the [`png`] crate, to compare the pixels with those of
/// [`Decoder`](crate::Decoder). It is slower.
///
/// | step | code |
/// |---|---|
/// | pixels: inflate, unfilter, deinterlace | independent: the [`png`] crate, from the file itself |
/// | pixels of images that are not plain grey: conversion to grey | shared |
/// | checks of chunks, zlib stream and filter bytes | shared |
///
/// The shared checks make both decoders refuse the same files. The [`png`] crate alone
/// accepts a truncated Adler-32, surplus pixel data and bytes after the end.
///
/// TIFF and JPEG 2000 are decoded by the same code as in [`Decoder`](crate::Decoder), and so
/// are the largest values of a [stack](crate::Stack) found.
///
/// There is one exception to "from the file itself": if the [`png`] crate refuses an
/// ancillary chunk, it gets a copy of the file without such chunks.
pub struct ReferenceDecoder {
    limits: Limits,
    inflate: InflateScratch,
}

impl ReferenceDecoder {
    /// Makes a decoder that refuses images beyond `limits`.
    #[must_use]
    pub fn new(limits: Limits) -> Self {
        Self {
            limits,
            inflate: InflateScratch::new(),
        }
    }

    /// Decodes one image file into `plane`, which is row-major `(y, x)`, 16-bit samples
    /// little-endian, and exactly `expected.byte_len()` bytes long. After an error its
    /// content is unspecified.
    ///
    /// # Errors
    ///
    /// [`DecodeError`], for the reasons that
    /// [`Decoder::decode`](crate::Decoder::decode) lists.
    pub fn decode(
        &mut self,
        file: &[u8],
        expected: PlaneShape,
        plane: &mut [u8],
    ) -> Result<(), DecodeError> {
        stack::decode(file, expected, plane, |file, plane| {
            self.decode_file(file, expected, plane)
        })
    }

    /// Decodes a file that is no stack.
    fn decode_file(
        &mut self,
        file: &[u8],
        expected: PlaneShape,
        plane: &mut [u8],
    ) -> Result<(), DecodeError> {
        let limits = &self.limits;
        match ImageFormat::of(file) {
            ImageFormat::Png => {
                let scratch = &mut self.inflate;
                let image = Inflated::read(file, expected, plane.len(), limits, scratch)?;
                png_crate::decode_file(&image, file, *limits, plane)
            }
            ImageFormat::Tiff => tiff::decode(file, expected, limits, plane),
            ImageFormat::Jpeg2000 => jpeg2000::decode(file, expected, limits, plane),
            ImageFormat::Stack => Err(Damage::Stack.into()),
        }
    }
}
