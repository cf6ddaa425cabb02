//! The reasons why an image is not decoded.

use crate::chunk_name::ChunkName;
use crate::shape::PlaneShape;

/// The reason why an image was not decoded, grouped by what has to be changed: the file,
/// this program, the limits or the calling code.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum DecodeError {
    /// The file is no complete, consistent image.
    #[error(transparent)]
    Damaged(#[from] Damage),
    /// The file is valid, but is not an image that this program supports.
    #[error(transparent)]
    Unsupported(#[from] Unsupported),
    /// The image is beyond the limits of the caller.
    #[error(transparent)]
    Limit(#[from] LimitExceeded),
    /// The caller's buffer does not fit the shape that the caller expects.
    #[error(transparent)]
    Buffer(#[from] BufferError),
    /// One of the files of a [stack](crate::Stack) was not decoded.
    #[error("{name}: {source}")]
    Member {
        /// The file.
        name: String,
        /// The reason.
        source: Box<DecodeError>,
    },
}

/// The damage of a file that is no complete, consistent image.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Damage {
    /// The file has no bytes.
    #[error("the file is empty")]
    Empty,
    /// The first bytes are those of no format that is read.
    #[error("neither PNG, TIFF nor JPEG 2000: the file begins with \"{}\"", .found.escape_ascii())]
    Signature {
        /// The first bytes of the file, at most eight.
        found: Vec<u8>,
    },
    /// The file ends inside its signature or inside a chunk.
    #[error("truncated: {part} at byte {offset} needs {needed} bytes, {available} are left")]
    Truncated {
        /// The part that is incomplete.
        part: Part,
        /// Offset of the part in the file.
        offset: usize,
        /// Bytes of the whole part.
        needed: usize,
        /// Bytes of it that are there.
        available: usize,
    },
    /// The CRC of a chunk is wrong.
    #[error(
        "chunk {chunk} at byte {offset}: CRC-32 is {computed:08x}, the file stores {stored:08x}"
    )]
    ChunkCrc {
        /// Type of the chunk.
        chunk: ChunkName,
        /// Offset of the chunk, that is of its length field, in the file.
        offset: usize,
        /// CRC-32 that the file stores.
        stored: u32,
        /// CRC-32 of the bytes.
        computed: u32,
    },
    /// A chunk's length is impossible for its type.
    #[error("chunk {chunk} at byte {offset} has an impossible length of {length} bytes")]
    ChunkLength {
        /// Type of the chunk.
        chunk: ChunkName,
        /// Offset of the chunk in the file.
        offset: usize,
        /// Its length field.
        length: u32,
    },
    /// A chunk is in the wrong place, or occurs twice.
    #[error("chunk {chunk} at byte {offset} is out of order")]
    ChunkOrder {
        /// Type of the chunk.
        chunk: ChunkName,
        /// Offset of the chunk in the file.
        offset: usize,
    },
    /// The first chunk is not `IHDR`.
    #[error("no header: the first chunk is {found}, not IHDR")]
    MissingHeader {
        /// Type of the first chunk.
        found: ChunkName,
    },
    /// A palette image has no `PLTE` chunk.
    #[error("a palette image without a palette (PLTE)")]
    MissingPalette,
    /// There is no `IDAT` chunk.
    #[error("no pixels: there is no IDAT chunk")]
    MissingImageData,
    /// The file ends after a complete chunk that is not `IEND`.
    #[error("no IEND: the file ends at byte {length}, after a complete {last} chunk")]
    MissingEnd {
        /// Type of the last chunk.
        last: ChunkName,
        /// Length of the file in bytes.
        length: usize,
    },
    /// A header field holds a value that PNG does not define.
    #[error("the header's {field} is {value}, which PNG does not define")]
    HeaderField {
        /// Name of the field in the specification.
        field: &'static str,
        /// Its value.
        value: u32,
    },
    /// PNG does not define this bit depth for this colour type.
    #[error("bit depth {bits} is not defined for colour type {colour_type}")]
    HeaderDepth {
        /// Bits a sample.
        bits: u8,
        /// Number of the colour type in the specification.
        colour_type: u8,
    },
    /// The compressed data are not a zlib stream, or they are truncated.
    #[error("the {compressed} bytes of IDAT are not a complete zlib stream")]
    Inflate {
        /// Bytes in all IDAT chunks.
        compressed: usize,
    },
    /// The Adler-32 of the pixel data is wrong.
    #[error("the pixel data's Adler-32 is {computed:08x}, the file stores {stored:08x}")]
    Adler32 {
        /// Adler-32 that the file stores.
        stored: u32,
        /// Adler-32 of the inflated bytes.
        computed: u32,
    },
    /// The inflated data are longer than the header promises.
    #[error("too much pixel data: more than the {expected} bytes that the header promises")]
    TooMuchPixelData {
        /// Inflated bytes according to the header.
        expected: usize,
    },
    /// The inflated data are shorter than the header promises.
    #[error("too little pixel data: {actual} of {expected} bytes")]
    TooLittlePixelData {
        /// Inflated bytes according to the header.
        expected: usize,
        /// Actual inflated bytes.
        actual: usize,
    },
    /// The filter type of a row is greater than 4.
    #[error("row {row} has the filter type {filter}, PNG defines 0 to 4")]
    Filter {
        /// Row, counted from 0 across all interlace passes.
        row: usize,
        /// The row's filter byte.
        filter: u8,
    },
    /// A pixel has an index beyond the end of the palette.
    #[error(
        "the pixel at y {y}, x {x} has palette index {index}, the palette has {entries} entries"
    )]
    PaletteIndex {
        /// Row of the first such pixel.
        y: u32,
        /// Column of the first such pixel.
        x: u32,
        /// Its index.
        index: u8,
        /// Entries of the palette.
        entries: usize,
    },
    /// The file is a TIFF, and damaged.
    #[error("a damaged TIFF: {message}")]
    Tiff {
        /// The message of the crate that reads it.
        message: String,
    },
    /// The file is a JPEG 2000 image, and damaged.
    #[error("a damaged JPEG 2000 image: {message}")]
    Jpeg2000 {
        /// The message of the crate that reads it.
        message: String,
    },
    /// A [stack](crate::Stack) is not a sequence of members.
    #[error("a stack of images that ends within one of them")]
    Stack,
    /// The `png` crate refuses a file that passed all our checks.
    #[error("the png library refuses the file: {message}")]
    Library {
        /// The message of the crate.
        message: String,
    },
}

/// The part of a file that is incomplete because the file is truncated.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Part {
    /// The eight bytes of the signature.
    Signature,
    /// Length and type of a chunk.
    ChunkHead,
    /// Data and CRC of a chunk.
    Chunk(ChunkName),
}

impl std::fmt::Display for Part {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Signature => write!(out, "the signature"),
            Self::ChunkHead => write!(out, "a chunk's head"),
            Self::Chunk(name) => write!(out, "chunk {name}"),
        }
    }
}

/// The reason why a valid image is not supported: it is not a plane of 8- or 16-bit grey, or
/// it has another shape than the caller expects.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Unsupported {
    /// The size or the sample type is not the expected one.
    #[error("wrong shape: the image is {found}, expected {expected}")]
    Shape {
        /// Shape of the image.
        found: PlaneShape,
        /// Shape that the caller expects.
        expected: PlaneShape,
    },
    /// A colour image that is not grey in every pixel.
    #[error("a colour image: the pixel at y {y}, x {x} is ({red}, {green}, {blue})")]
    Colour {
        /// Row of the first such pixel.
        y: u32,
        /// Column of the first such pixel.
        x: u32,
        /// Its red sample.
        red: u16,
        /// Its green sample.
        green: u16,
        /// Its blue sample.
        blue: u16,
    },
    /// A palette image that is not grey in every pixel.
    #[error(
        "a colour image: the pixel at y {y}, x {x} is palette entry {index}, ({red}, {green}, {blue})"
    )]
    PaletteColour {
        /// Row of the first such pixel.
        y: u32,
        /// Column of the first such pixel.
        x: u32,
        /// Its palette index.
        index: u8,
        /// Its red sample.
        red: u8,
        /// Its green sample.
        green: u8,
        /// Its blue sample.
        blue: u8,
    },
    /// A pixel is not fully opaque, because of its alpha or because its colour is marked as
    /// transparent.
    #[error("a transparent image: the pixel at y {y}, x {x} has alpha {alpha}")]
    Transparency {
        /// Row of the first such pixel.
        y: u32,
        /// Column of the first such pixel.
        x: u32,
        /// Its alpha, from 0 to the largest sample.
        alpha: u16,
    },
    /// A TIFF of another kind than one plane of 8 or 16 bit, not packed or packed by LZW or
    /// deflate.
    #[error("a TIFF with {what}: only 8 and 16 bit grey, not packed, LZW or deflate, is read")]
    Tiff {
        /// What is not supported.
        what: String,
    },
    /// A TIFF with several images. Which of them is the plane is not said.
    #[error(
        "a TIFF with several pages: if they are the channels, leave {{channel}} out of --pattern \
         and name them with --channels"
    )]
    TiffPages,
    /// A TIFF whose pages are the channels, and that has another number of pages.
    #[error("a TIFF of {}, where the channels are {expected}", pages(*.found, *.expected))]
    TiffPageCount {
        /// Pages, at most one more than expected.
        found: usize,
        /// Pages that are expected.
        expected: usize,
    },
    /// A JPEG 2000 image that is not one plane of 8 to 16 bit.
    #[error("a JPEG 2000 image with {what}: only one sample of 8 to 16 bit a pixel is read")]
    Jpeg2000 {
        /// What is not supported.
        what: String,
    },
    /// An animated PNG has several frames, and none of them is the image.
    #[error("an animated PNG (chunk acTL at byte {offset})")]
    Animation {
        /// Offset of the chunk in the file.
        offset: usize,
    },
    /// A critical chunk, which a decoder must not skip, is unknown.
    #[error("unknown critical chunk {chunk} at byte {offset}")]
    CriticalChunk {
        /// Type of the chunk.
        chunk: ChunkName,
        /// Offset of the chunk in the file.
        offset: usize,
    },
}

/// The limit that an image exceeds, one of [`Limits`](crate::Limits).
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum LimitExceeded {
    /// The image has too many rows or columns.
    #[error("{height} x {width} pixels are beyond the limit of {max_height} x {max_width}")]
    Dimensions {
        /// Rows.
        height: u32,
        /// Columns.
        width: u32,
        /// Largest number of rows.
        max_height: u32,
        /// Largest number of columns.
        max_width: u32,
    },
    /// Decoding needs too much memory.
    #[error("decoding needs {needed} bytes of memory, the limit is {limit}")]
    Memory {
        /// Bytes that decoding needs.
        needed: u64,
        /// Bytes that are allowed.
        limit: usize,
    },
}

/// A mistake in the call, independent of the file.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum BufferError {
    /// The length of the output buffer is not that of the expected plane.
    #[error("the plane's buffer has {actual} bytes, the expected shape takes {expected}")]
    Length {
        /// Bytes of the expected shape.
        expected: usize,
        /// Bytes of the buffer.
        actual: usize,
    },
}

impl DecodeError {
    /// A short name of the cause in `snake_case`, equal for all files with this cause. It
    /// serves as the key when causes are counted.
    #[must_use]
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Damaged(damage) => damage.kind(),
            Self::Unsupported(unsupported) => unsupported.kind(),
            Self::Limit(LimitExceeded::Dimensions { .. }) => "dimensions_limit",
            Self::Limit(LimitExceeded::Memory { .. }) => "memory_limit",
            Self::Buffer(BufferError::Length { .. }) => "buffer_length",
            Self::Member { source, .. } => source.kind(),
        }
    }

    /// The reason without the name of a file of a stack.
    #[must_use]
    pub fn reason(&self) -> &Self {
        match self {
            Self::Member { source, .. } => source.reason(),
            other => other,
        }
    }

    /// The error of a file of a stack.
    pub(crate) fn of_member(self, name: &str) -> Self {
        Self::Member {
            name: name.to_owned(),
            source: Box::new(self),
        }
    }
}

/// Says how many pages a TIFF has.
fn pages(found: usize, expected: usize) -> String {
    match found {
        1 => "1 page".to_owned(),
        found if found > expected => format!("more than {expected} pages"),
        found => format!("{found} pages"),
    }
}

impl Damage {
    fn kind(&self) -> &'static str {
        match self {
            Self::Empty => "empty",
            Self::Signature { .. } => "signature",
            Self::Truncated { .. } => "truncated",
            Self::ChunkCrc { .. } => "chunk_crc",
            Self::ChunkLength { .. } => "chunk_length",
            Self::ChunkOrder { .. } => "chunk_order",
            Self::MissingHeader { .. } => "missing_header",
            Self::MissingPalette => "missing_palette",
            Self::MissingImageData => "missing_image_data",
            Self::MissingEnd { .. } => "missing_end",
            Self::HeaderField { .. } => "header_field",
            Self::HeaderDepth { .. } => "header_depth",
            Self::Inflate { .. } => "inflate",
            Self::Adler32 { .. } => "adler32",
            Self::TooMuchPixelData { .. } => "too_much_pixel_data",
            Self::TooLittlePixelData { .. } => "too_little_pixel_data",
            Self::Filter { .. } => "filter",
            Self::PaletteIndex { .. } => "palette_index",
            Self::Stack => "stack",
            Self::Library { .. } => "library",
            Self::Tiff { .. } => "tiff",
            Self::Jpeg2000 { .. } => "jpeg2000",
        }
    }
}

impl Unsupported {
    fn kind(&self) -> &'static str {
        match self {
            Self::Shape { .. } => "shape",
            Self::Colour { .. } => "colour",
            Self::PaletteColour { .. } => "palette_colour",
            Self::Transparency { .. } => "transparency",
            Self::Tiff { .. } => "tiff_kind",
            Self::TiffPages => "tiff_pages",
            Self::TiffPageCount { .. } => "tiff_page_count",
            Self::Jpeg2000 { .. } => "jpeg2000_kind",
            Self::Animation { .. } => "animation",
            Self::CriticalChunk { .. } => "critical_chunk",
        }
    }
}

/// Checks the shape of an image and the length of the caller's buffer.
pub(crate) fn check_shape(
    found: PlaneShape,
    expected: PlaneShape,
    plane_len: usize,
) -> Result<(), DecodeError> {
    if plane_len != expected.byte_len() {
        return Err(BufferError::Length {
            expected: expected.byte_len(),
            actual: plane_len,
        }
        .into());
    }
    if found != expected {
        return Err(Unsupported::Shape { found, expected }.into());
    }
    Ok(())
}

/// Makes the damage of a library's message, which is kept short.
pub(crate) fn message(error: &dyn std::fmt::Display) -> String {
    let mut text = error.to_string();
    if let Some((at, _)) = text.char_indices().nth(200) {
        text.truncate(at);
    }
    text
}
