//! Inflates the zlib stream of a PNG.
//!
//! [PNG, 10](https://www.w3.org/TR/png-3/#10Compression),
//! [RFC 1950](https://www.rfc-editor.org/rfc/rfc1950)
//!
//! Uses libdeflate, which is the fastest on real files. Medians for a 512 x 512 plane on
//! one core: libdeflate 358 µs, fdeflate 389 (without Adler-32), zlib-rs 437, zune-inflate
//! 458, miniz_oxide 678.

mod libdeflate;

pub(crate) use libdeflate::Decompressor;

use crate::error::Damage;
use libdeflate::Failure;

/// Inflates `stream` into `inflated`, which it must fill exactly. Returns how many bytes of
/// `stream` belong to it; others may follow.
///
/// Memory is bounded: the caller provides the output, which is as long as the header
/// promises, and a stream with more data is an error.
///
/// libpng and the `png` crate stop at the last pixel. They do not notice a checksum that is
/// truncated or that is in a later `IDAT` chunk, nor bytes after it. Here the whole stream is
/// checked.
pub(crate) fn inflate(
    decompressor: &mut Decompressor,
    stream: &[u8],
    inflated: &mut [u8],
) -> Result<usize, Damage> {
    let compressed = stream.len();
    let expected = inflated.len();
    let incomplete = Damage::Inflate { compressed };
    let Some(deflate) = deflate_part(stream) else {
        return Err(incomplete);
    };
    let consumed = match decompressor.inflate(deflate, inflated) {
        Ok(progress) if progress.written == expected => progress.consumed,
        Ok(progress) => {
            let actual = progress.written;
            return Err(Damage::TooLittlePixelData { expected, actual });
        }
        Err(Failure::NoSpace) => return Err(Damage::TooMuchPixelData { expected }),
        Err(Failure::BadData) => return Err(incomplete),
    };
    let checksum = deflate.get(consumed..);
    let Some((&stored, surplus)) = checksum.and_then(|bytes| bytes.split_first_chunk()) else {
        return Err(incomplete);
    };
    let stored = u32::from_be_bytes(stored);
    let computed = libdeflater::adler32(inflated);
    if stored != computed {
        return Err(Damage::Adler32 { stored, computed });
    }
    Ok(compressed - surplus.len())
}

/// Returns the stream without its two header bytes, if they are legal in a PNG: deflate, a
/// window of at most 32 KiB, no preset dictionary.
fn deflate_part(stream: &[u8]) -> Option<&[u8]> {
    let (&[method, flags], rest) = stream.split_first_chunk()?;
    let checked = u16::from_be_bytes([method, flags]).is_multiple_of(31);
    let legal = checked && method & 0x0F == 8 && method >> 4 <= 7 && flags & 0x20 == 0;
    legal.then_some(rest)
}
