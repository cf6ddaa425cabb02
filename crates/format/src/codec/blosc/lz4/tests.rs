use super::*;

fn noise(length: usize) -> Vec<u8> {
    let mut state = 1u32;
    let step = || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (state >> 24) as u8
    };
    std::iter::repeat_with(step).take(length).collect()
}

/// Decoded by LZ4 itself.
fn check(bytes: &[u8], row: u16, scratch: &mut Lz4Scratch) -> usize {
    let mut block = vec![0xEE];
    compress(bytes, row, scratch, &mut block);
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
            // Runs of any length among bytes of any kind, and rows like the last.
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
fn lengths_of_any_number_are_told() {
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
fn with_and_without_avx2_the_bits_are_the_same() {
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
                assert!(!avx2::compare(bytes, distance, &mut fast) || fast == portable);
            }
        }
    }
}
