use c_blosc::{CBlosc, Shuffle};

use super::*;

/// A field with a gradient and noise, `bytes` long.
fn field(bytes: usize) -> Vec<u8> {
    let mut state = 7u32;
    (0..bytes)
        .map(|at| {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            ((at / 97) as u8 & 0x3F) + (state >> 30) as u8
        })
        .collect()
}

/// The frame that C-Blosc makes.
fn c_blosc(
    cname: &str,
    shuffle: Shuffle,
    sample_bytes: usize,
    block: usize,
    bytes: &[u8],
) -> Vec<u8> {
    let blosc = CBlosc {
        cname: cname.to_owned(),
        clevel: 5,
        shuffle,
        typesize: sample_bytes,
        blocksize: block,
    };
    blosc.encode_frame(bytes).unwrap()
}

#[test]
fn frames_of_c_blosc_are_decoded() {
    for cname in ["lz4", "lz4hc", "zstd"] {
        for shuffle in [Shuffle::BitShuffle, Shuffle::NoShuffle] {
            for sample_bytes in [1, 2] {
                // Not even one block, whole blocks, and a last block that is cut.
                for length in [2, 130, 4096, 3 * 4096, 3 * 4096 + 512, 3 * 4096 + 10] {
                    let bytes = field(length);
                    let frame = c_blosc(cname, shuffle, sample_bytes, 4096, &bytes);
                    let mut pixels = vec![0; length];
                    decode_frame(&frame, &mut DecoderScratch::default(), &mut pixels).unwrap();
                    assert!(
                        pixels == bytes,
                        "{cname} {shuffle:?} {sample_bytes} {length}"
                    );
                }
            }
        }
    }
}

#[test]
fn only_the_wanted_blocks_are_decoded() {
    let bytes = field(3 * 4096 + 512);
    let frame = c_blosc("zstd", Shuffle::BitShuffle, 1, 4096, &bytes);
    for wanted in [0..1, 4095..4097, 9000..9001, 3 * 4096..3 * 4096 + 9] {
        let mut pixels = vec![0xA5; bytes.len()];
        let is_wanted = |block: Range<usize>| block.start < wanted.end && wanted.start < block.end;
        let mut scratch = DecoderScratch::default();
        decode_frame_part(&frame, &mut scratch, &mut pixels, is_wanted).unwrap();
        for (at, (found, expected)) in pixels.iter().zip(&bytes).enumerate() {
            let block = at / 4096 * 4096;
            let expected = match is_wanted(block..block + 4096) {
                true => *expected,
                false => 0xA5,
            };
            assert_eq!(*found, expected, "{wanted:?}, byte {at}");
        }
    }
}

#[test]
fn a_frame_of_another_kind_is_refused() {
    let bytes = field(4096);
    let mut pixels = vec![0; 4096];
    let mut decode = |frame: &[u8]| {
        decode_frame(frame, &mut DecoderScratch::default(), &mut pixels).unwrap_err()
    };
    for (cname, shuffle, said) in [
        ("zlib", Shuffle::BitShuffle, "compressor 3"),
        ("lz4", Shuffle::Shuffle, "byte shuffle"),
    ] {
        let error = decode(&c_blosc(cname, shuffle, 2, 4096, &bytes));
        assert!(error.to_string().contains(said), "{error}");
    }
    let whole = c_blosc("zstd", Shuffle::BitShuffle, 1, 4096, &bytes);
    let mut version = whole.clone();
    version[0] = 3;
    assert!(matches!(decode(&version), FrameError::Unsupported(_)));
    let shorter = c_blosc("zstd", Shuffle::BitShuffle, 1, 4096, &bytes[..4000]);
    let length = FrameError::Length {
        expected: 4096,
        found: 4000,
    };
    assert_eq!(decode(&shorter), length);
    assert_eq!(decode(&whole[..10]), FrameError::CutOff);
    assert_eq!(decode(&[]), FrameError::CutOff);
}

/// Whatever the bytes of a frame, decoding ends with pixels or an error.
#[test]
fn every_flipped_byte_is_survived() {
    for cname in ["lz4", "zstd"] {
        let bytes = field(2 * 1024 + 100);
        let whole = c_blosc(cname, Shuffle::BitShuffle, 2, 1024, &bytes);
        let mut pixels = vec![0; bytes.len()];
        let mut scratch = DecoderScratch::default();
        for position in 0..whole.len() {
            for change in [0x01, 0x80, 0xFF] {
                let mut frame = whole.clone();
                frame[position] ^= change;
                let _ = decode_frame(&frame, &mut scratch, &mut pixels);
            }
            let _ = decode_frame(&whole[..position], &mut scratch, &mut pixels);
        }
        decode_frame(&whole, &mut scratch, &mut pixels).unwrap();
        assert!(pixels == bytes);
    }
}
