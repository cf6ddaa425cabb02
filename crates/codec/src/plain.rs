//! A second decoder, for comparison with the first one.
//!
//! Encoder and decoder of a dataset are both ours: a mistake that both make would not be
//! noticed. This decoder shares no code with them. It is written from the definitions of
//! the formats, sample by sample and bit by bit, without registers; blocks of LZ4 are
//! decoded here, and Zstd by its streaming interface. Tests and a fuzzer compare it with
//! C-Blosc. It is slow.
//!
//! [Blosc 1](https://github.com/Blosc/c-blosc/blob/main/README_CHUNK_FORMAT.rst),
//! [LZ4](https://github.com/lz4/lz4/blob/dev/doc/lz4_Block_format.md).

use std::io::Read;

/// Decodes a frame of Blosc that gives exactly `length` bytes. `None` if it does not.
pub fn plain_frame(frame: &[u8], length: usize) -> Option<Vec<u8>> {
    let number = |at: usize| -> Option<usize> {
        let bytes = frame.get(at..at.checked_add(4)?)?;
        let value = |sum: u32, byte: &u8| sum << 8 | u32::from(*byte);
        usize::try_from(bytes.iter().rev().fold(0, value)).ok()
    };
    let (version, flags) = (*frame.first()?, *frame.get(2)?);
    let sample_bytes = usize::from(*frame.get(3)?);
    let block_bytes = number(8)?;
    let is_known = version == 2 && flags & 0x01 == 0 && matches!(sample_bytes, 1 | 2);
    if number(4)? != length || !is_known {
        return None;
    }
    if flags & 0x02 != 0 {
        return Some(frame.get(16..16_usize.checked_add(length)?)?.to_vec());
    }
    let mut bytes = Vec::new();
    let mut block = 0;
    while bytes.len() < length {
        let left = length - bytes.len();
        let size = block_bytes.min(left);
        let is_whole = flags & 0x10 != 0 || size < block_bytes;
        let streams = if is_whole { 1 } else { sample_bytes };
        let mut at = number(16 + 4 * block)?;
        let mut decoded = Vec::new();
        while decoded.len() < size {
            let stream_bytes = size.div_ceil(streams).min(size - decoded.len());
            let stored = number(at)?;
            let begin = at.checked_add(4)?;
            let stream = frame.get(begin..begin.checked_add(stored)?)?;
            decoded.extend(match flags >> 5 {
                _ if stored == stream_bytes => stream.to_vec(),
                1 => plain_lz4(stream, stream_bytes)?,
                4 => plain_zstd(stream, stream_bytes)?,
                _ => return None,
            });
            at = begin + stored;
        }
        if size == 0 {
            return None;
        }
        let is_shuffled = flags & 0x04 != 0;
        bytes.extend(if is_shuffled {
            samples_of_planes(&decoded, sample_bytes)
        } else {
            decoded
        });
        block += 1;
    }
    Some(bytes)
}

/// Decodes frames of Zstd that give exactly `length` bytes. `None` if they do not.
pub fn plain_zstd(frame: &[u8], length: usize) -> Option<Vec<u8>> {
    let mut bytes = Vec::new();
    let decoder = zstd::stream::read::Decoder::with_buffer(frame).ok()?;
    // One byte more shows that there are too many.
    let more = u64::try_from(length).ok()?.checked_add(1)?;
    decoder.take(more).read_to_end(&mut bytes).ok()?;
    (bytes.len() == length).then_some(bytes)
}

/// Sums the differences of samples of `sample_bytes` bytes, little-endian.
pub fn plain_sums(differences: &[u8], sample_bytes: usize) -> Vec<u8> {
    let mut sums = Vec::with_capacity(differences.len());
    let mut sum = 0_u32;
    for sample in differences.chunks(sample_bytes.max(1)) {
        let value = sample
            .iter()
            .rev()
            .fold(0_u32, |value, byte| value << 8 | u32::from(*byte));
        sum = sum.wrapping_add(value);
        let bytes = sum.to_le_bytes();
        sums.extend(bytes.iter().take(sample.len()));
    }
    sums
}

/// Decodes a block of LZ4 that gives exactly `length` bytes.
fn plain_lz4(block: &[u8], length: usize) -> Option<Vec<u8>> {
    let mut input = block.iter().copied();
    let mut bytes: Vec<u8> = Vec::new();
    let more = |input: &mut dyn Iterator<Item = u8>, short: u8| -> Option<usize> {
        let mut sum = usize::from(short);
        if short == 15 {
            loop {
                let next = input.next()?;
                sum = sum.checked_add(next.into())?;
                if next < 255 {
                    break;
                }
            }
        }
        Some(sum)
    };
    loop {
        let token = input.next()?;
        let literals = more(&mut input, token >> 4)?;
        if bytes.len().checked_add(literals)? > length {
            return None;
        }
        for _ in 0..literals {
            bytes.push(input.next()?);
        }
        // The last sequence has no match.
        let Some(low) = input.next() else { break };
        let distance = usize::from(low) | usize::from(input.next()?) << 8;
        let matched = more(&mut input, token & 15)?.checked_add(4)?;
        if distance == 0 || bytes.len().checked_add(matched)? > length {
            return None;
        }
        for _ in 0..matched {
            let from = bytes.len().checked_sub(distance)?;
            bytes.push(*bytes.get(from)?);
        }
    }
    (bytes.len() == length).then_some(bytes)
}

/// Makes samples of planes of bits, by the definition: bit b of sample s is bit s % 8 of
/// byte s / 8 of plane b.
fn samples_of_planes(planes: &[u8], sample_bytes: usize) -> Vec<u8> {
    let samples = planes.len() / sample_bytes;
    if !samples.is_multiple_of(8) {
        return planes.to_vec();
    }
    let mut bytes = vec![0; samples * sample_bytes];
    let of_bits = planes.chunks_exact((samples / 8).max(1));
    for (bit, plane) in of_bits.take(8 * sample_bytes).enumerate() {
        let of_sample = bytes.iter_mut().skip(bit / 8).step_by(sample_bytes);
        let set = plane
            .iter()
            .flat_map(|byte| (0..8).map(move |at| byte >> at & 1));
        for (byte, set) in of_sample.zip(set) {
            *byte |= set << (bit % 8);
        }
    }
    bytes.extend(planes.iter().skip(samples * sample_bytes));
    bytes
}

#[cfg(test)]
mod tests {
    use c_blosc::{CBlosc, Shuffle};

    use super::*;
    use crate::blosc::{BlockCompressor, BlockScratch, Blosc, decode_frame};
    use crate::decoder_scratch::DecoderScratch;
    use crate::testing::noise;

    /// Pictures that compress well, and noise.
    fn contents(length: usize) -> [Vec<u8>; 3] {
        let dim = noise(length).iter().map(|byte| byte >> 5).collect();
        let ramp = (0..length).map(|at| (at / 30) as u8).collect();
        [noise(length), dim, ramp]
    }

    #[test]
    fn frames_of_c_blosc_and_of_our_own_are_decoded() {
        for cname in ["lz4", "zstd"] {
            for sample_bytes in [1, 2] {
                // Also a last block that ends within a sample, behind eight whole ones.
                for length in [2, 130, 4096, 3 * 4096, 3 * 4096 + 512, 4096 + 10, 4096 + 17] {
                    for bytes in contents(length) {
                        for shuffle in [Shuffle::BitShuffle, Shuffle::NoShuffle] {
                            let blosc = CBlosc {
                                cname: cname.to_owned(),
                                clevel: 5,
                                shuffle,
                                typesize: sample_bytes,
                                blocksize: 4096,
                            };
                            let frame = blosc.encode_frame(&bytes).unwrap();
                            assert!(plain_frame(&frame, length).unwrap() == bytes);
                        }
                        let compressor = match cname {
                            "lz4" => BlockCompressor::Lz4,
                            _ => BlockCompressor::Zstd,
                        };
                        let blosc = Blosc::new(compressor, sample_bytes, 4096).with_rows(64);
                        let (mut scratch, mut frame) = (BlockScratch::default(), Vec::new());
                        let mut open = blosc.begin(length, &mut scratch, &mut frame);
                        for block in bytes.chunks(4096) {
                            open.add_block(block).unwrap();
                        }
                        open.finish().unwrap();
                        assert!(plain_frame(&frame, length).unwrap() == bytes);
                    }
                }
            }
        }
    }

    /// What one decoder takes, the other takes, and both give the same bytes.
    #[test]
    fn both_decoders_agree_on_every_flipped_byte() {
        for cname in ["lz4", "zstd"] {
            let bytes: Vec<u8> = noise(2 * 1024 + 100).iter().map(|byte| byte >> 6).collect();
            let blosc = CBlosc {
                cname: cname.to_owned(),
                clevel: 5,
                shuffle: Shuffle::BitShuffle,
                typesize: 2,
                blocksize: 1024,
            };
            let whole = blosc.encode_frame(&bytes).unwrap();
            let mut scratch = DecoderScratch::default();
            for position in 0..whole.len() {
                let mut frame = whole.clone();
                frame[position] ^= 0x11;
                let mut pixels = vec![0; bytes.len()];
                let first = decode_frame(&frame, &mut scratch, &mut pixels).is_ok();
                let second = plain_frame(&frame, bytes.len());
                if let (true, Some(second)) = (first, second) {
                    assert!(second == pixels, "{cname}, byte {position}");
                }
            }
            assert_eq!(plain_frame(&whole, bytes.len() - 1), None);
            assert_eq!(plain_frame(&[], 3), None);
        }
    }

    #[test]
    fn sums_and_zstd_are_those_of_the_formats() {
        assert_eq!(plain_sums(&[5, 254, 252, 1], 1), [5, 3, 255, 0]);
        let bytes = noise(3000);
        let frame = zstd::bulk::compress(&bytes, 1).unwrap();
        assert!(plain_zstd(&frame, 3000).unwrap() == bytes);
        assert_eq!(plain_zstd(&frame, 2999), None);
        assert_eq!(plain_zstd(&frame, 3001), None);
        assert_eq!(plain_zstd(&frame[..99], 3000), None);
    }
}
