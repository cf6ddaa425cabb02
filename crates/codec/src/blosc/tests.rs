use super::*;
use crate::bitshuffle::bitshuffle;
use crate::testing::noise;

const COMPRESSORS: [(BlockCompressor, &str); 2] = [
    (BlockCompressor::Zstd, "zstd"),
    (BlockCompressor::Lz4, "lz4"),
];

fn contents(length: usize) -> [(&'static str, Vec<u8>); 5] {
    let dim: Vec<u8> = noise(length).iter().map(|byte| byte >> 5).collect();
    let half = [vec![3; length / 2], noise(length - length / 2)].concat();
    [
        ("zeros", vec![0; length]),
        ("a ramp", (0..length).map(|byte| (byte / 3) as u8).collect()),
        ("a dim picture", dim),
        ("half noise", half),
        ("noise", noise(length)),
    ]
}

fn encode(blosc: Blosc, content: &[u8], scratch: &mut BlockScratch) -> Vec<u8> {
    let mut frame = vec![0xEE; 99];
    let mut open = blosc.begin(content.len(), scratch, &mut frame);
    for block in content.chunks(blosc.block_bytes()) {
        open.add_block(block).unwrap();
    }
    open.finish().unwrap();
    frame
}

#[test]
fn c_blosc_reads_every_frame() {
    for (compressor, name) in COMPRESSORS {
        for sample_bytes in [1, 2] {
            for block in [1, 128, 1000, 1001, 4096, 70_000, 80_000] {
                // Rows of whole bytes, and others, as they come.
                let blosc = Blosc::new(compressor, sample_bytes, block).with_rows(block / 5);
                // A scratch serves blocks of one size, as in a conversion.
                let mut scratch = BlockScratch::default();
                for samples in [1, 3, 64, 100, 500, 512, 4096, 4100, 12_345, 75_000] {
                    for (what, content) in contents(samples * sample_bytes) {
                        let frame = encode(blosc, &content, &mut scratch);
                        let case = format!("{samples} x {sample_bytes} of {what}, {name}, {block}");
                        assert!(frame.len() <= content.len() + HEADER_BYTES, "{case}");
                        let decoded = c_blosc::decode_frame(&frame).unwrap();
                        assert!(decoded == content, "{case}");
                    }
                }
            }
        }
    }
}

#[test]
fn c_blosc_reads_noise_that_was_not_compressed() {
    // Four bits of noise below a picture of squares.
    let square = |at: usize| ((at / 16 % 4 * (at / (64 * 1024) % 4)) << 4) as u8;
    for (compressor, name) in COMPRESSORS {
        for (sample_bytes, length) in [(1, 512 * 512), (2, 512 * 512), (1, 1024 * 1024)] {
            let noise = noise(length);
            let squares = (0..length).map(square);
            let content: Vec<u8> = squares.zip(&noise).map(|(s, n)| s | n >> 4).collect();
            let mut scratch = BlockScratch::default();
            let frame = encode(
                Blosc::new(compressor, sample_bytes, length).with_rows(1024),
                &content,
                &mut scratch,
            );
            let decoded = c_blosc::decode_frame(&frame).unwrap();
            assert!(decoded == content, "{length} x {sample_bytes}, {name}");
            // The noise stands there as it is, and not much else.
            let mut sorted = vec![0; length];
            bitshuffle(&content, sample_bytes, &mut sorted, SimdLevel::default());
            let plane = length / sample_bytes / 8;
            assert!(
                frame
                    .windows(plane)
                    .any(|window| window == &sorted[..plane])
            );
            assert!(frame.len() < length * 6 / 10, "{} of {length}", frame.len());
        }
    }
}

#[test]
fn a_frame_says_what_it_is() {
    for (compressor, flags) in [(BlockCompressor::Zstd, 0x94), (BlockCompressor::Lz4, 0x34)] {
        let content = vec![7; 3 * 4096];
        let frame = encode(
            Blosc::new(compressor, 2, 4096),
            &content,
            &mut BlockScratch::default(),
        );
        assert_eq!(frame[..4], [2, 1, flags, 2]);
        let number = |at: usize| u32::from_le_bytes(frame[at..at + 4].try_into().unwrap()) as usize;
        assert_eq!(
            [number(4), number(8), number(12)],
            [3 * 4096, 4096, frame.len()]
        );
        // Each block ends where the next one starts.
        let starts = [number(16), number(20), number(24), frame.len()];
        assert_eq!(starts[0], 16 + 3 * 4);
        for pair in starts.windows(2) {
            assert_eq!(pair[0] + 4 + number(pair[0]), pair[1]);
        }
    }
}

#[test]
fn noise_is_stored_as_sorted_bits_or_as_a_copy() {
    let blosc = Blosc::new(BlockCompressor::Zstd, 1, 4096);
    let mut scratch = BlockScratch::default();
    // One block of noise among zeros is stored as sorted bits; noise alone as a copy.
    let mixed = [vec![0; 4096], noise(4096), vec![0; 4096]].concat();
    let frame = encode(blosc, &mixed, &mut scratch);
    let mut sorted = vec![0; 4096];
    bitshuffle(&noise(4096), 1, &mut sorted, SimdLevel::default());
    assert!(frame.windows(4096).any(|window| window == sorted));
    assert_eq!(frame[2] & COPIED, 0);
    let frame = encode(blosc, &noise(3 * 4096), &mut scratch);
    assert_eq!(frame[2] & COPIED, COPIED);
    assert_eq!(frame[16..], noise(3 * 4096));
}

#[test]
fn a_copy_is_restored_from_blocks_of_every_kind() {
    for (compressor, name) in COMPRESSORS {
        for sample_bytes in [1, 2] {
            for width in [5, 16] {
                let blosc = Blosc::new(compressor, sample_bytes, 128).with_rows(width);
                // The blocks of noise need 8 bytes more each, which is more than the
                // block of zeros and the last, shorter one save.
                let content = [noise(40 * 128), vec![0; 128], noise(10 * 128), vec![9; 50]];
                let content = content.concat();
                let frame = encode(blosc, &content, &mut BlockScratch::default());
                assert_eq!(frame[2] & COPIED, COPIED);
                assert!(frame[16..] == content, "{name}");
                assert!(c_blosc::decode_frame(&frame).unwrap() == content);
            }
        }
    }
}

#[test]
fn zstd_gets_a_plane_of_bits_or_a_share_of_it() {
    let part = |sample_bytes, block| {
        Blosc::new(BlockCompressor::Zstd, sample_bytes, block)
            .blocks
            .zstd_part_bytes()
    };
    assert_eq!(part(1, 512 * 512), 512 * 512 / 8);
    assert_eq!(part(2, 2 * 512 * 512), 512 * 512 / 8);
    assert_eq!(part(1, 2048 * 2048), 128 << 10);
    assert_eq!(part(1, 1080 * 1080), 1080 * 1080 / 16);
    assert_eq!(part(1, 64 * 64), 4 << 10);
}
