//! Decodes JPEG 2000 files of one plane of grey with the [`hayro_jpeg2000`] crate.
//!
//! [ISO/IEC 15444-1](https://www.iso.org/standard/78321.html). The wavelets of lossy files
//! are computed with floats, and the standard leaves their rounding open. So another decoder
//! can give other pixels by 1, and this one must give the same on every machine: the crate
//! is built without its feature `simd`, since the order of additions depends on the processor
//! there. A test pins the digests of decoded planes.

use hayro_jpeg2000::{ColorSpace, DecodeSettings, DecoderContext, Image};

use crate::error::{Damage, DecodeError, Unsupported, check_shape, message};
use crate::limits::Limits;
use crate::shape::{BitDepth, PlaneShape};

/// Whether the decoder multiplies and adds floats with one rounding: where the processor that
/// it is compiled for has such an instruction, as every aarch64 has. The two classes of
/// machines give pixels of lossy images that differ by 1 here and there.
const IS_FUSED: bool = cfg!(any(
    all(
        any(target_arch = "x86", target_arch = "x86_64"),
        target_feature = "fma"
    ),
    all(target_arch = "aarch64", target_feature = "neon")
));

/// Name and version of the decoder and the class of the machine, as a dataset records them.
pub(crate) const DECODER: &str = if IS_FUSED {
    "hayro-jpeg2000 0.5.0 fused"
} else {
    "hayro-jpeg2000 0.5.0"
};

/// Bytes of memory that decoding takes for a pixel: coefficients, wavelets and samples as
/// floats of 4 bytes, and bookkeeping of blocks.
const BYTES_A_PIXEL: u64 = 24;

fn damaged(error: &dyn std::fmt::Display) -> DecodeError {
    Damage::Jpeg2000 {
        message: message(error),
    }
    .into()
}

/// Opens a file, and checks that it is what can be decoded.
fn open<'a>(file: &'a [u8], limits: &Limits) -> Result<(Image<'a>, PlaneShape), DecodeError> {
    let settings = DecodeSettings {
        // A file that ends early must not be taken for a whole one.
        strict: true,
        ..DecodeSettings::default()
    };
    let image = Image::new(file, &settings).map_err(|error| damaged(&error))?;
    let refused = |what: String| DecodeError::from(Unsupported::Jpeg2000 { what });
    let (height, width) = (image.height(), image.width());
    if height == 0 || width == 0 {
        return Err(damaged(&"it has no pixels"));
    }
    limits.check_dimensions(height, width)?;
    let is_grey = match image.color_space() {
        ColorSpace::Gray => true,
        ColorSpace::Icc { num_channels, .. } | ColorSpace::Unknown { num_channels } => {
            *num_channels == 1
        }
        ColorSpace::RGB | ColorSpace::CMYK => false,
    };
    if !is_grey || image.has_alpha() {
        return Err(refused("several samples a pixel".to_owned()));
    }
    if is_signed(file) {
        return Err(refused("signed samples".to_owned()));
    }
    let depth = match image.original_bit_depth() {
        8 => BitDepth::Eight,
        9..=16 => BitDepth::Sixteen,
        bits => return Err(refused(format!("samples of {bits} bits"))),
    };
    let shape = PlaneShape {
        height,
        width,
        depth,
    };
    limits.check_memory(shape.pixels().saturating_mul(BYTES_A_PIXEL))?;
    Ok((image, shape))
}

/// Whether the samples of the codestream in a file are signed. The crate gives them as if
/// they were not.
fn is_signed(file: &[u8]) -> bool {
    // Behind the markers SOC and SIZ, Lsiz, Rsiz, eight numbers and Csiz is the byte Ssiz.
    const SSIZ: usize = 4 + 2 + 2 + 8 * 4 + 2;
    let ssiz = codestream(file).and_then(|codestream| codestream.get(SSIZ));
    ssiz.is_some_and(|ssiz| ssiz & 0x80 != 0)
}

/// The codestream in a JP2 file, or the file if it is one
/// ([ISO/IEC 15444-1](https://www.itu.int/rec/T-REC-T.800), annex I: each box is its length as
/// an unsigned 32-bit integer, its type, and its content).
fn codestream(file: &[u8]) -> Option<&[u8]> {
    const START: &[u8] = b"\xff\x4f\xff\x51";
    let mut rest = file;
    while !rest.starts_with(START) {
        let (length, after) = rest.split_first_chunk::<4>()?;
        let (kind, after) = after.split_first_chunk::<4>()?;
        let (head, length) = match u32::from_be_bytes(*length) {
            // The last box reaches to the end of the file.
            0 => (8, rest.len()),
            1 => (
                16,
                usize::try_from(u64::from_be_bytes(*after.first_chunk()?)).ok()?,
            ),
            length => (8, usize::try_from(length).ok()?),
        };
        rest = match kind {
            b"jp2c" => rest.get(head..)?,
            _ => rest.get(length.max(head)..)?,
        };
    }
    Some(rest)
}

/// Reads the shape of the plane in a file.
pub(crate) fn read_shape(file: &[u8], limits: &Limits) -> Result<PlaneShape, DecodeError> {
    open(file, limits).map(|(_, shape)| shape)
}

/// Decodes a file into `plane`, whose shape must be `expected`.
pub(crate) fn decode(
    file: &[u8],
    expected: PlaneShape,
    limits: &Limits,
    plane: &mut [u8],
) -> Result<(), DecodeError> {
    let (image, shape) = open(file, limits)?;
    check_shape(shape, expected, plane.len())?;
    let mut context = DecoderContext::default();
    let decoded = image
        .decode(&mut context)
        .map_err(|error| damaged(&error))?;
    let [component] = decoded.components() else {
        return Err(damaged(&"it has not one component"));
    };
    if component.bit_depth() != image.original_bit_depth() {
        let what = "a palette of another depth".to_owned();
        return Err(Unsupported::Jpeg2000 { what }.into());
    }
    let samples = component.samples();
    if samples.len() as u64 != shape.pixels() {
        return Err(damaged(&"the samples are not as many as the pixels"));
    }
    // The largest sample of 9 to 15 bits is less than that of the plane.
    let largest = (1_u32 << component.bit_depth().min(16)) - 1;
    let rounded = |sample: f32| (sample + 0.5).clamp(0.0, largest as f32) as u16;
    match shape.depth {
        BitDepth::Eight => {
            for (pixel, sample) in plane.iter_mut().zip(samples) {
                *pixel = rounded(*sample) as u8;
            }
        }
        BitDepth::Sixteen => {
            let pixels = plane.as_chunks_mut::<2>().0.iter_mut();
            for (pixel, sample) in pixels.zip(samples) {
                *pixel = rounded(*sample).to_le_bytes();
            }
        }
    }
    Ok(())
}
