//! Which planes of sorted bits are noise, and how to put them in front of what
//! Zstd makes of the others.
//!
//! The lowest bits of a camera are noise: to find that out costs Zstd a tenth of
//! its time, and nobody gets anything for it. They come first, so they can stand
//! first in its frame, as raw blocks.

/// Bits of a plane that a compressor is not asked about are at least these: in
/// fewer a chance would decide.
const PLANE_BYTES_AT_LEAST: usize = 4 << 10;

/// What stays for the compressor at least.
const REST_AT_LEAST: usize = 1 << 10;

/// In noise all bytes are as frequent as any, and one in 256 is like the next.
/// Where no more than one in so many is, Zstd saves 1 or 2 % at most.
const ALIKE: usize = 176;

/// Bytes in front of `sorted` that are planes of `plane_bytes` bytes of noise.
pub(super) fn noise_in_front(sorted: &[u8], plane_bytes: usize) -> usize {
    if plane_bytes < PLANE_BYTES_AT_LEAST {
        return 0;
    }
    let planes = sorted.chunks_exact(plane_bytes);
    let noise = planes
        .take_while(|plane| alike(plane) * ALIKE <= plane.len())
        .count();
    (noise * plane_bytes).min(sorted.len().saturating_sub(REST_AT_LEAST))
}

/// How many bytes are like the next one. In parts, so that the compiler counts
/// many at once in few bits.
fn alike(plane: &[u8]) -> usize {
    // An empty plane has no next byte.
    let next = plane.get(1..).unwrap_or(&[]);
    let parts = plane.chunks(128).zip(next.chunks(128));
    let count = |(bytes, next): (&[u8], &[u8])| {
        let pairs = bytes.iter().zip(next);
        let alike: u8 = pairs.map(|(byte, next)| u8::from(byte == next)).sum();
        usize::from(alike)
    };
    parts.map(count).sum()
}

/// Appends the beginning of a Zstd frame of `length` bytes: `noise`, in raw
/// blocks. The blocks of another frame can follow, for nothing in them depends
/// on where in a frame they are.
///
/// [RFC 8878](https://www.rfc-editor.org/rfc/rfc8878#section-3.1.1)
pub(super) fn begin_zstd(noise: &[u8], length: u32, frame: &mut Vec<u8>) {
    /// Blocks are no larger.
    const BLOCK: usize = 128 << 10;
    frame.extend_from_slice(&ZSTD_MAGIC);
    // One segment, whose length has four bytes.
    frame.push(0xA0);
    frame.extend_from_slice(&length.to_le_bytes());
    for block in noise.chunks(BLOCK) {
        let head = (block.len() as u32) << 3;
        frame.extend(head.to_le_bytes().iter().take(3));
        frame.extend_from_slice(block);
    }
}

const ZSTD_MAGIC: [u8; 4] = 0xFD2F_B528_u32.to_le_bytes();

/// Bytes in front of the first block of a Zstd frame that has no dictionary;
/// `None` for what is no such frame.
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
    fn noise_is_told_from_what_has_a_pattern() {
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
    fn blocks_of_zstd_stand_in_any_frame() {
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
