//! The format of an image file, and what its header says.

use crate::container;
use crate::error::{Damage, DecodeError};
use crate::header::{Colour, Header};
use crate::limits::Limits;
use crate::shape::PlaneShape;
use crate::stack;
use crate::{jpeg2000, tiff};

/// Formats of image files. The first bytes of a file tell which it is, not its name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum ImageFormat {
    /// [PNG](https://www.w3.org/TR/png-3/).
    Png,
    /// TIFF and BigTIFF.
    Tiff,
    /// JPEG 2000: a JP2 file or a codestream.
    Jpeg2000,
    /// A [stack](crate::Stack) of files of these formats.
    Stack,
}

/// First bytes of TIFF and BigTIFF in both byte orders.
const TIFF: [&[u8]; 4] = [b"II*\0", b"MM\0*", b"II+\0", b"MM\0+"];
/// First bytes of a JP2 file and of a codestream.
const JPEG2000: [&[u8]; 2] = [b"\0\0\0\x0CjP  ", b"\xFF\x4F\xFF\x51"];

impl ImageFormat {
    /// Recognises a file by its first bytes. What is neither TIFF nor JPEG 2000 is read
    /// as a PNG, whose errors say what was found.
    #[must_use]
    pub fn of(file: &[u8]) -> Self {
        let begins = |starts: &[&[u8]]| starts.iter().any(|start| file.starts_with(start));
        if begins(&TIFF) {
            Self::Tiff
        } else if begins(&JPEG2000) {
            Self::Jpeg2000
        } else if stack::is_stack(file) {
            Self::Stack
        } else {
            Self::Png
        }
    }

    /// Whether the first 33 bytes of a file have its header. In other formats it may be
    /// anywhere.
    #[must_use]
    pub const fn has_header_first(self) -> bool {
        matches!(self, Self::Png)
    }

    /// Name and version of the decoder where another one may give other pixels: JPEG 2000
    /// may be lossy, and its standard leaves the rounding open. `None` for formats that
    /// have one result.
    #[must_use]
    pub const fn decoder(self) -> Option<&'static str> {
        match self {
            Self::Png | Self::Tiff | Self::Stack => None,
            Self::Jpeg2000 => Some(jpeg2000::DECODER),
        }
    }
}

/// What the header of an image says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ImageHeader {
    /// The format of the file.
    pub format: ImageFormat,
    /// The shape that the image has as a plane of grey.
    pub shape: PlaneShape,
    /// Whether the samples are of 1, 2 or 4 bits. Such an image fits planes of 8 and of
    /// 16 bit.
    pub is_widened: bool,
    /// The kind of samples of an image that may be coloured, such as `8-bit RGB`.
    pub colour: Option<&'static str>,
}

impl ImageHeader {
    /// Whether the image can be decoded to a plane of that shape, if it is grey.
    #[must_use]
    pub fn fits(&self, shape: PlaneShape) -> bool {
        let widened = PlaneShape {
            depth: shape.depth,
            ..self.shape
        };
        self.shape == shape || (self.is_widened && widened == shape)
    }
}

impl From<&Header> for ImageHeader {
    fn from(header: &Header) -> Self {
        let colour = match (header.colour, header.bits) {
            (Colour::Grey | Colour::GreyAlpha, _) => None,
            (Colour::Palette, _) => Some("palette"),
            (Colour::Rgb, 16) => Some("16-bit RGB"),
            (Colour::Rgb, _) => Some("8-bit RGB"),
            (Colour::RgbAlpha, 16) => Some("16-bit RGBA"),
            (Colour::RgbAlpha, _) => Some("8-bit RGBA"),
        };
        Self {
            format: ImageFormat::Png,
            shape: header.shape,
            is_widened: header.is_widened(),
            colour,
        }
    }
}

/// Reads the header of an image file. The first 33 bytes are enough if the format
/// [has its header first](ImageFormat::has_header_first), otherwise `file` is the whole
/// file. A colour image has the shape that it has as grey;
/// [`Decoder::decode`](crate::Decoder::decode) finds out whether it is grey.
///
/// The header of a stack is that of its first file. Of a PNG, only the signature and the chunk
/// `IHDR` are read, and its CRC is checked.
///
/// # Errors
///
/// - [`DecodeError::Damaged`]: the file is empty, is no image, ends within its header, or
///   the header has values that the format does not define.
/// - [`DecodeError::Unsupported`]: a TIFF or JPEG 2000 image that is not one plane of grey.
/// - [`DecodeError::Limit`]: the image is beyond `limits`.
pub fn read_header(file: &[u8], limits: &Limits) -> Result<ImageHeader, DecodeError> {
    match ImageFormat::of(file) {
        ImageFormat::Png => Ok((&container::read_header(file, limits)?).into()),
        format @ ImageFormat::Tiff => Ok(ImageHeader::of_plane(
            format,
            tiff::read_shape(file, limits)?,
        )),
        format @ ImageFormat::Jpeg2000 => Ok(ImageHeader::of_plane(
            format,
            jpeg2000::read_shape(file, limits)?,
        )),
        ImageFormat::Stack => match stack::members(file).next() {
            // A stack in a stack is damage, which decoding finds.
            Some(Ok(member)) if !stack::is_stack(member.file) => {
                let header = read_header(member.file, limits);
                header.map_err(|error| error.of_member(member.name))
            }
            _ => Err(Damage::Stack.into()),
        },
    }
}

impl ImageHeader {
    fn of_plane(format: ImageFormat, shape: PlaneShape) -> Self {
        Self {
            format,
            shape,
            is_widened: false,
            colour: None,
        }
    }
}

/// Reads the size and sample type of an image, as [`read_header`] does.
///
/// # Errors
///
/// Those of [`read_header`].
pub fn read_shape(file: &[u8], limits: &Limits) -> Result<PlaneShape, DecodeError> {
    read_header(file, limits).map(|header| header.shape)
}
