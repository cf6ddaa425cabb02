//! The zlib stream inside `IDAT`.
//!
//! [PNG, 10](https://www.w3.org/TR/png-3/#10Compression),
//! [RFC 1950](https://www.rfc-editor.org/rfc/rfc1950)

use libdeflater::{DecompressionError, Decompressor};

use crate::error::Damage;

/// Inflates `stream` into exactly `inflated`, or says what is wrong.
///
/// Memory is bounded by construction: the output is the caller's, as long as
/// the header promises, and a stream that has more to give is an error.
///
/// Stricter than usual: libpng and the `png` crate pass over bytes between the
/// end of the stream and the end of `IDAT`. Here the Adler-32 must be the last
/// four bytes, so every byte of the file means something.
pub(crate) fn inflate(
    decompressor: &mut Decompressor,
    stream: &[u8],
    inflated: &mut [u8],
) -> Result<(), Damage> {
    let compressed = stream.len();
    let Some((deflate, stored)) = deflate_part(stream) else {
        return Err(Damage::Inflate { compressed });
    };
    let expected = inflated.len();
    match decompressor.deflate_decompress(deflate, inflated) {
        Ok(actual) if actual == expected => {}
        Ok(actual) => return Err(Damage::TooLittlePixelData { expected, actual }),
        Err(DecompressionError::InsufficientSpace) => {
            return Err(Damage::TooMuchPixelData { expected });
        }
        Err(DecompressionError::BadData) => return Err(Damage::Inflate { compressed }),
    }
    let computed = libdeflater::adler32(inflated);
    if stored == computed {
        return Ok(());
    }
    // libdeflate looks for the checksum where the stream ends, not where IDAT
    // does: if it finds it there, the rest is surplus.
    match decompressor.zlib_decompress(stream, inflated) {
        Ok(_) => Err(Damage::DataAfterStream),
        Err(_) => Err(Damage::Adler32 { stored, computed }),
    }
}

/// Splits a zlib stream into its deflate data and its Adler-32, if its two
/// header bytes are legal for PNG: deflate, a window of 32 KiB at most, no
/// preset dictionary.
fn deflate_part(stream: &[u8]) -> Option<(&[u8], u32)> {
    let (&[method, flags], rest) = stream.split_first_chunk()?;
    let (deflate, &adler) = rest.split_last_chunk()?;
    let checked = u16::from_be_bytes([method, flags]).is_multiple_of(31);
    let legal = checked && method & 0x0F == 8 && method >> 4 <= 7 && flags & 0x20 == 0;
    legal.then_some((deflate, u32::from_be_bytes(adler)))
}
