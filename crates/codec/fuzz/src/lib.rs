//! Compares the decoders of chunks: ours with every instruction set, the plain one, and
//! C-Blosc. Where two of them decode the same bytes, they give the same samples; all of
//! ours take the same bytes; and what our encoder writes, all of them take.
//!
//! The first byte of an input tells what the others are:
//!
//! ```text
//! 0  a frame of Blosc, whose header is made to fit in part
//! 1  samples, which our encoder makes a frame of
//! 2  samples, which C-Blosc makes a frame of; then some bytes of it are changed
//! 3  differences of samples, and a frame of Zstd
//! ```

use std::ffi::CString;

use rxrx_codec::{
    BlockCompressor, BlockScratch, Blosc, DecoderScratch, SimdLevel, bitunshuffle, decode_delta,
    decode_frame, encode_delta, plain_frame, plain_sums, plain_zstd,
};

/// Most bytes of the samples of a frame: more find nothing else.
const LENGTH_AT_MOST: usize = 1 << 16;

/// Runs one input.
///
/// # Panics
/// Two decoders differ.
pub fn run(input: &[u8]) {
    let [kind, more, rest @ ..] = input else {
        return;
    };
    match kind % 4 {
        0 => frame(*more, rest),
        1 => encoded(*more, rest),
        2 => damaged(*more, rest),
        _ => sums(*more, rest),
    }
}

/// Decodes bytes that were made up.
fn frame(more: u8, bytes: &[u8]) {
    let mut frame = bytes.to_vec();
    let Some(header) = frame.first_chunk_mut::<16>() else {
        return;
    };
    // Without these, hardly any input gets beyond the header.
    if more & 1 == 0 {
        header[0] = 2;
        header[3] = 1 + (more >> 1 & 1);
        header[2] = header[2] & 0x16 | if more & 4 == 0 { 0x20 } else { 0x80 };
        let length = u32::from_le_bytes([header[4], header[5], 0, 0]);
        header[4..8].copy_from_slice(&length.to_le_bytes());
        header[10] = 0;
        header[11] = 0;
    }
    if more & 8 == 0 {
        let length = bytes.len() as u32;
        frame[12..16].copy_from_slice(&length.to_le_bytes());
    }
    compare(&frame);
}

/// Encodes samples, and decodes them.
fn encoded(more: u8, samples: &[u8]) {
    let compressor = match more & 1 {
        0 => BlockCompressor::Lz4,
        _ => BlockCompressor::Zstd,
    };
    let sample_bytes = 1 + usize::from(more >> 1 & 1);
    let block_bytes = 128 << (more >> 2 & 7);
    let samples = &samples[..samples.len() / sample_bytes * sample_bytes];
    let blosc = Blosc::new(compressor, sample_bytes, block_bytes).with_rows(64);
    let mut frames = SimdLevel::ALL.map(|level| {
        let blosc = blosc.with_level(level);
        let (mut scratch, mut frame) = (BlockScratch::default(), Vec::new());
        let mut open = blosc.begin(samples.len(), &mut scratch, &mut frame);
        for block in samples.chunks(blosc_block(block_bytes, sample_bytes)) {
            open.add_block(block).unwrap();
        }
        open.finish().unwrap();
        frame
    });
    assert!(frames.iter().all(|frame| *frame == frames[0]));
    let frame = std::mem::take(&mut frames[0]);
    if !samples.is_empty() {
        assert!(compare(&frame).unwrap() == samples, "ours");
        assert!(c_blosc(&frame).unwrap() == samples, "C-Blosc");
        assert!(
            plain_frame(&frame, samples.len()).unwrap() == samples,
            "plain"
        );
    }
}

/// Bytes of a block, as the encoder rounds them.
fn blosc_block(block_bytes: usize, sample_bytes: usize) -> usize {
    block_bytes / sample_bytes * sample_bytes
}

/// Decodes a frame of C-Blosc in which some bytes were changed.
fn damaged(more: u8, input: &[u8]) {
    let Some((changes, samples)) = input.split_at_checked(usize::from(more >> 6) * 3) else {
        return;
    };
    let name = if more & 1 == 0 { "lz4" } else { "zstd" };
    let sample_bytes = 1 + usize::from(more >> 1 & 1);
    let shuffle = if more & 4 == 0 { 2 } else { 0 };
    let block = 128 << (more >> 3 & 7);
    let Some(mut frame) = c_blosc_frame(name, shuffle, sample_bytes, block, samples) else {
        return;
    };
    for change in changes.chunks_exact(3) {
        let at = usize::from(u16::from_le_bytes([change[0], change[1]])) % frame.len();
        frame[at] ^= change[2];
    }
    let decoded = compare(&frame);
    if changes.is_empty() && !samples.is_empty() {
        assert!(decoded.unwrap() == samples);
    }
}

/// Sums differences, sorts bits back and decodes Zstd with every instruction set.
fn sums(more: u8, bytes: &[u8]) {
    let sample_bytes = 1 + usize::from(more & 1);
    let plain = plain_sums(bytes, sample_bytes);
    let whole = bytes.len() / sample_bytes * sample_bytes;
    let mut unshuffled = vec![0; bytes.len()];
    bitunshuffle(bytes, sample_bytes, &mut unshuffled, SimdLevel::Portable);
    for level in SimdLevel::ALL {
        let mut sums = bytes.to_vec();
        decode_delta(&mut sums, sample_bytes, level);
        assert!(sums[..whole] == plain[..whole], "sums, {level:?}");
        encode_delta(&mut sums, sample_bytes);
        assert!(sums == bytes, "differences, {level:?}");
        let mut found = vec![0xEE; bytes.len()];
        bitunshuffle(bytes, sample_bytes, &mut found, level);
        assert!(found == unshuffled, "bits, {level:?}");
    }
    let mut found = vec![0; usize::from(more) * 16];
    let mut scratch = DecoderScratch::default();
    let decoded = scratch.decompress_zstd(bytes, &mut found);
    let plain = plain_zstd(bytes, found.len());
    if decoded.is_ok_and(|length| length == found.len())
        && let Some(plain) = plain
    {
        assert!(plain == found, "Zstd");
    }
}

/// Decodes a frame by every decoder, and returns what it gives.
fn compare(frame: &[u8]) -> Option<Vec<u8>> {
    let length = frame.get(4..8)?.try_into().ok()?;
    let length = u32::from_le_bytes(length) as usize;
    if length > LENGTH_AT_MOST {
        return None;
    }
    let decoded = SimdLevel::ALL.map(|level| {
        let mut bytes = vec![0xEE; length];
        let mut scratch = DecoderScratch::with_level(level);
        let decoded = decode_frame(frame, &mut scratch, &mut bytes);
        // The memory of one frame is that of the next.
        let mut again = vec![0x11; length];
        let repeated = decode_frame(frame, &mut scratch, &mut again);
        assert_eq!(decoded, repeated);
        assert!(decoded.is_err() || bytes == again);
        decoded.ok().map(|()| bytes)
    });
    let [first, others @ ..] = decoded;
    assert!(others.iter().all(|other| *other == first));
    // Each refuses some frames that another takes: LZ4 demands literals at the end, and
    // streams of Zstd a window that is not too large.
    let others = [
        ("plain", plain_frame(frame, length)),
        ("C-Blosc", c_blosc(frame)),
    ];
    for (name, other) in others {
        if let (Some(ours), Some(other)) = (&first, other) {
            assert!(*ours == other, "{name} differs");
        }
    }
    first
}

/// Decodes a frame by C-Blosc, if it takes it.
fn c_blosc(frame: &[u8]) -> Option<Vec<u8>> {
    let mut length = 0;
    // SAFETY: C-Blosc reads `frame.len()` bytes of `frame` and writes one size.
    let valid = unsafe {
        blosc_src::blosc_cbuffer_validate(frame.as_ptr().cast(), frame.len(), &raw mut length)
    };
    if valid != 0 || length > LENGTH_AT_MOST {
        return None;
    }
    let mut bytes = vec![0; length];
    // SAFETY: the frame was validated, so C-Blosc reads no byte behind it. It writes at
    // most `length` bytes to `bytes`.
    let written = unsafe {
        blosc_src::blosc_decompress_ctx(frame.as_ptr().cast(), bytes.as_mut_ptr().cast(), length, 1)
    };
    (usize::try_from(written) == Ok(length)).then_some(bytes)
}

/// Encodes samples by C-Blosc.
pub fn c_blosc_frame(
    name: &str,
    shuffle: i32,
    sample_bytes: usize,
    block: usize,
    samples: &[u8],
) -> Option<Vec<u8>> {
    let name = CString::new(name).ok()?;
    let mut frame = vec![0; samples.len() + blosc_src::BLOSC_MAX_OVERHEAD as usize];
    // SAFETY: C-Blosc reads `samples.len()` bytes of `samples` and writes at most
    // `frame.len()` bytes to `frame`; the name ends with NUL.
    let length = unsafe {
        blosc_src::blosc_compress_ctx(
            5,
            shuffle,
            sample_bytes,
            samples.len(),
            samples.as_ptr().cast(),
            frame.as_mut_ptr().cast(),
            frame.len(),
            name.as_ptr(),
            block,
            1,
        )
    };
    frame.truncate(usize::try_from(length).ok().filter(|&length| length > 0)?);
    Some(frame)
}
