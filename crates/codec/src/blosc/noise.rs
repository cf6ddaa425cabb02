//! Planes of sorted bits that are noise, written in front of those that Zstd compresses.
//!
//! The lowest bits of a camera are noise. Zstd needs a tenth of its time to find that
//! out, and saves no byte. Their planes come first, so that they can be raw blocks at the
//! beginning of the Zstd frame.

/// Fewest bytes of a plane that can be taken for noise: fewer would leave it to chance.
const PLANE_BYTES_AT_LEAST: usize = 4 << 10;

/// Fewest bytes that are left for the compressor.
const REST_AT_LEAST: usize = 1 << 10;

/// In noise all bytes are equally frequent, so that one in 256 equals the next one. Where
/// at most one in this many does, Zstd saves at most 2 %.
const BYTES_PER_REPEAT: usize = 176;

/// Counts the bytes at the beginning of `sorted` that are planes of noise, of
/// `plane_bytes` bytes each.
pub(super) fn noise_in_front(sorted: &[u8], plane_bytes: usize) -> usize {
    if plane_bytes < PLANE_BYTES_AT_LEAST {
        return 0;
    }
    let planes = sorted.chunks_exact(plane_bytes);
    let noise = planes
        .take_while(|plane| repeats(plane) * BYTES_PER_REPEAT <= plane.len())
        .count();
    (noise * plane_bytes).min(sorted.len().saturating_sub(REST_AT_LEAST))
}

/// Counts the bytes that equal the next one. It counts in parts, so that the compiler
/// can use vectors of bytes.
fn repeats(plane: &[u8]) -> usize {
    // An empty plane has no next byte.
    let next = plane.get(1..).unwrap_or(&[]);
    let parts = plane.chunks(128).zip(next.chunks(128));
    let count = |(bytes, next): (&[u8], &[u8])| {
        let pairs = bytes.iter().zip(next);
        let repeats: u8 = pairs.map(|(byte, next)| u8::from(byte == next)).sum();
        usize::from(repeats)
    };
    parts.map(count).sum()
}

/// Appends the beginning of a Zstd frame of `length` bytes: its header, and `noise` in
/// raw blocks. Blocks of another frame can follow, because their bytes do not depend on
/// their position in a frame.
///
/// [RFC 8878](https://www.rfc-editor.org/rfc/rfc8878#section-3.1.1)
pub(super) fn begin_zstd(noise: &[u8], length: u32, frame: &mut Vec<u8>) {
    /// Bytes of the largest block.
    const BLOCK: usize = 128 << 10;
    frame.extend_from_slice(&ZSTD_MAGIC);
    // A single segment, whose length takes four bytes.
    frame.push(0xA0);
    frame.extend_from_slice(&length.to_le_bytes());
    for block in noise.chunks(BLOCK) {
        let head = (block.len() as u32) << 3;
        frame.extend(head.to_le_bytes().iter().take(3));
        frame.extend_from_slice(block);
    }
}

const ZSTD_MAGIC: [u8; 4] = 0xFD2F_B528_u32.to_le_bytes();

/// Counts the bytes before the first block of a Zstd frame without checksum and
/// dictionary; `None` for any other bytes.
pub(super) fn zstd_header(frame: &[u8]) -> Option<usize> {
    let descriptor = *frame.strip_prefix(&ZSTD_MAGIC)?.first()?;
    let single = descriptor >> 5 & 1;
    let length = match descriptor >> 6 {
        0 => usize::from(single),
        size => 1 << size,
    };
    let checksum_or_dictionary = descriptor & 0b111;
    (checksum_or_dictionary == 0).then_some(ZSTD_MAGIC.len() + 1 + usize::from(1 - single) + length)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::noise;

    #[test]
    fn noise_is_told_from_patterns() {
        let plane = 8192;
        let half = [noise(plane / 2), vec![0; plane / 2]].concat();
        // Each byte even: seven bits of eight.
        let even: Vec<u8> = noise(plane).iter().map(|byte| byte & !1).collect();
        let in_front = |planes: &[&[u8]]| noise_in_front(&planes.concat(), plane);
        let zeros = &vec![0; plane][..];
        assert_eq!(in_front(&[&noise(plane), zeros, &noise(plane)]), plane);
        assert_eq!(in_front(&[&noise(2 * plane), &half, zeros]), 2 * plane);
        assert_eq!(in_front(&[zeros, &noise(plane)]), 0);
        assert_eq!(in_front(&[&even, zeros]), 0);
        assert_eq!(in_front(&[&noise(plane)]), plane - REST_AT_LEAST);
        assert_eq!(noise_in_front(&noise(8000), 1000), 0);
    }

    #[test]
    fn blocks_of_zstd_can_follow_raw_blocks() {
        for length in [0, 1, 200, 300, 70_000, 600_000, 3_000_000] {
            let rest: Vec<u8> = (0..length).map(|at| (at / 100 * 7) as u8).collect();
            let alone = zstd::bulk::compress(&rest, 1).unwrap();
            let header = zstd_header(&alone).unwrap();
            for more in [1, 131_072, 300_000] {
                let noise = noise(more);
                let mut frame = Vec::new();
                begin_zstd(&noise, (more + length) as u32, &mut frame);
                frame.extend_from_slice(&alone[header..]);
                let decoded = zstd::bulk::decompress(&frame, more + length).unwrap();
                assert!(
                    decoded == [noise, rest.clone()].concat(),
                    "{more} + {length}"
                );
            }
        }
        assert_eq!(zstd_header(b"no frame"), None);
    }
}
