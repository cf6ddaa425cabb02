use super::compare::LITERALS_AT_END;
use super::*;
use crate::testing::noise;

/// Compresses, decompresses with LZ4 itself, and returns the size of the block.
fn check(bytes: &[u8], row: u16, scratch: &mut Lz4Scratch) -> usize {
    let mut block = vec![0xEE];
    compress(bytes, row, scratch, SimdLevel::default(), &mut block);
    let decoded = lz4::block::decompress(&block[1..], Some(bytes.len() as i32));
    assert!(
        decoded.unwrap() == bytes,
        "{} bytes, rows of {row}",
        bytes.len()
    );
    block.len() - 1
}

#[test]
fn lz4_decodes_every_block() {
    let mut scratch = Lz4Scratch::default();
    let noise = noise(80_000);
    for row in [2, 3, 64, 100, 65_535] {
        for length in (1..200).chain([255, 256, 4095, 4096, 4100, 70_001]) {
            // Runs of any length among other bytes, and rows like the one before.
            let runs = (0..length).map(|at| noise[at / 23] & noise[at / 301]);
            let rows = (0..length).map(|at| noise[at % usize::from(row) + at / 5000]);
            for bytes in [runs.collect(), rows.collect(), vec![9; length]] {
                let bytes: Vec<u8> = bytes;
                check(&bytes, row, &mut scratch);
            }
            check(&noise[..length], row, &mut scratch);
        }
    }
}

#[test]
fn lengths_of_any_size_are_written() {
    let mut scratch = Lz4Scratch::default();
    let noise = noise(2000);
    for literals in [0, 1, 14, 15, 16, 31, 32, 33, 269, 270, 271, 525, 1900] {
        for run in [5, 6, 7, 18, 19, 20, 273, 274, 275, 529, 1500] {
            let bytes = [&noise[..literals], &vec![7; run], &noise[..40]].concat();
            check(&bytes, 64, &mut scratch);
        }
    }
}

#[test]
fn runs_and_rows_take_little_space() {
    let mut scratch = Lz4Scratch::default();
    assert_eq!(check(&[3; 100_000], 64, &mut scratch), 403);
    let rows = noise(64).repeat(1000);
    assert!(check(&rows, 64, &mut scratch) < 64 + 270);
    assert!(check(&noise(64_000), 64, &mut scratch) < 64_000 + 260);
}

#[test]
fn avx2_and_portable_code_find_the_same_equal_bytes() {
    let bytes: Vec<u8> = noise(3000).iter().map(|byte| byte >> 6).collect();
    for length in [0, 1, 5, 6, 69, 70, 133, 3000] {
        for distance in [1, 2, 63, 64, 65, 500, 65_535] {
            let bytes = &bytes[..length];
            let mut portable = Vec::new();
            compare(bytes, distance, &mut portable, equal);
            for (at, byte) in bytes.iter().enumerate() {
                let possible = at >= distance && at + LITERALS_AT_END < length;
                let expected = possible && *byte == bytes[at - distance];
                let bit = portable[at / WORD] >> (at % WORD) & 1;
                assert_eq!(bit == 1, expected, "{at} of {length}, {distance}");
            }
            #[cfg(target_arch = "x86_64")]
            {
                let mut fast = Vec::new();
                assert!(!avx2::try_compare(bytes, distance, &mut fast) || fast == portable);
            }
        }
    }
}
