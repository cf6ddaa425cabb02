//! Decodes TIFF files of one plane of grey with the [`tiff`] crate.
//!
//! [TIFF 6.0](https://www.itu.int/itudoc/itu-t/com16/tiff-fx/docs/tiff6.pdf). A TIFF has no
//! checksum. What cannot be inflated, or is too short, is an error; a changed sample is not
//! noticed.

use std::io::Cursor;

use ::tiff::ColorType;
use ::tiff::decoder::{Decoder as Reader, Limits as CrateLimits};
use ::tiff::tags::Tag;

use crate::error::{Damage, DecodeError, Unsupported, check_shape, message};
use crate::limits::Limits;
use crate::shape::{BitDepth, PlaneShape};

/// Values of the tag `Compression` that are read: none, LZW, and both numbers of deflate.
const COMPRESSIONS: [u16; 4] = [1, 5, 8, 32946];
/// Most bytes of one value of a directory, such as the offsets of all strips.
const VALUE_AT_MOST: usize = 1 << 20;

/// An open TIFF whose only image is a plane of grey.
struct Plane<'a> {
    reader: Reader<Cursor<&'a [u8]>>,
    shape: PlaneShape,
}

/// Opens a file, and checks that it is what can be decoded.
fn open<'a>(file: &'a [u8], limits: &Limits) -> Result<Plane<'a>, DecodeError> {
    let mut reader = Reader::new(Cursor::new(file))?.with_limits(crate_limits(limits));
    let (width, height) = reader.dimensions()?;
    limits.check_dimensions(height, width)?;
    let refused = |what: String| DecodeError::from(Unsupported::Tiff { what });
    let depth = match reader.colortype()? {
        ColorType::Gray(8) => BitDepth::Eight,
        ColorType::Gray(16) => BitDepth::Sixteen,
        other => return Err(refused(format!("samples of type {other:?}"))),
    };
    let mut number = |tag, default| -> Result<u16, DecodeError> {
        Ok(reader.find_tag_unsigned::<u16>(tag)?.unwrap_or(default))
    };
    match number(Tag::PhotometricInterpretation, 1)? {
        1 => {}
        0 => return Err(refused("white as zero".to_owned())),
        other => return Err(refused(format!("photometric interpretation {other}"))),
    }
    let compression = number(Tag::Compression, 1)?;
    if !COMPRESSIONS.contains(&compression) {
        return Err(refused(format!("compression {compression}")));
    }
    match number(Tag::Predictor, 1)? {
        1 | 2 => {}
        other => return Err(refused(format!("predictor {other}"))),
    }
    match number(Tag::FillOrder, 1)? {
        1 => {}
        other => return Err(refused(format!("fill order {other}"))),
    }
    let formats = reader.find_tag_unsigned_vec::<u16>(Tag::SampleFormat)?;
    if formats
        .unwrap_or_default()
        .iter()
        .any(|format| *format != 1)
    {
        return Err(refused("samples that are not unsigned".to_owned()));
    }
    if reader.more_images() {
        return Err(Unsupported::TiffPages.into());
    }
    let shape = PlaneShape {
        height,
        width,
        depth,
    };
    // The plane, and a strip or tile of the same size beside it.
    limits.check_memory(2 * shape.byte_len() as u64)?;
    Ok(Plane { reader, shape })
}

pub(crate) fn crate_limits(limits: &Limits) -> CrateLimits {
    let mut of_crate = CrateLimits::default();
    of_crate.decoding_buffer_size = limits.max_bytes;
    of_crate.intermediate_buffer_size = limits.max_bytes;
    of_crate.ifd_value_size = VALUE_AT_MOST;
    of_crate
}

/// Reads the shape of the plane in a file.
pub(crate) fn read_shape(file: &[u8], limits: &Limits) -> Result<PlaneShape, DecodeError> {
    open(file, limits).map(|plane| plane.shape)
}

/// Decodes a file into `plane`, whose shape must be `expected`.
pub(crate) fn decode(
    file: &[u8],
    expected: PlaneShape,
    limits: &Limits,
    plane: &mut [u8],
) -> Result<(), DecodeError> {
    let Plane { mut reader, shape } = open(file, limits)?;
    check_shape(shape, expected, plane.len())?;
    reader.read_image_bytes(plane)?;
    if shape.depth == BitDepth::Sixteen && cfg!(target_endian = "big") {
        // The crate gives samples in the order of the machine.
        plane
            .as_chunks_mut::<2>()
            .0
            .iter_mut()
            .for_each(|sample| sample.reverse());
    }
    Ok(())
}

impl From<::tiff::TiffError> for DecodeError {
    fn from(error: ::tiff::TiffError) -> Self {
        Damage::Tiff {
            message: message(&error),
        }
        .into()
    }
}
