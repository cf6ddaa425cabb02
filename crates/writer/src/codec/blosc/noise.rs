//! Which planes of sorted bits are noise, and how to put them in front of what
//! a compressor makes of the others.
//!
//! The lowest bits of a camera are noise: to find that out costs a compressor a
//! quarter of its time, and its reader gets nothing for it. They come first, so
//! they can stand first in the output, as they are: in LZ4 as literals, in Zstd
//! as raw blocks.

/// Bits of a plane that a compressor is not asked about are at least these: in
/// fewer a chance would decide.
const PLANE_BYTES_AT_LEAST: usize = 4 << 10;

/// What stays for the compressor at least.
const REST_AT_LEAST: usize = 1 << 10;

/// What it takes for planes to be noise.
#[derive(Clone, Copy)]
pub(super) struct Noise {
    /// Bytes that are compared with the next as many: 1 or 4.
    pub(super) unit: usize,
    /// At most one in so many is like the next one.
    pub(super) alike: usize,
}

/// LZ4 gives the same bytes for what does not repeat, and less than 1 % for
/// fewer repetitions than this.
pub(super) const TO_LZ4: Noise = Noise {
    unit: 4,
    alike: 512,
};

/// Zstd needs no repetitions, if some bytes are more frequent than others:
/// where all are as frequent, one in 256 is like the next one.
pub(super) const TO_ZSTD: Noise = Noise {
    unit: 1,
    alike: 176,
};

impl Noise {
    /// Bytes in front of `sorted` that are planes of `plane_bytes` bytes of noise.
    pub(super) fn in_front(self, sorted: &[u8], plane_bytes: usize) -> usize {
        if plane_bytes < PLANE_BYTES_AT_LEAST {
            return 0;
        }
        let planes = sorted.chunks_exact(plane_bytes);
        let noise = planes.take_while(|plane| self.is(plane)).count() * plane_bytes;
        noise.min(sorted.len().saturating_sub(REST_AT_LEAST))
    }

    fn is(self, plane: &[u8]) -> bool {
        let alike = match self.unit {
            1 => alike::<1>(plane),
            _ => alike::<4>(plane),
        };
        alike * self.alike <= plane.len() / self.unit
    }
}

/// How many units of `UNIT` bytes are like the next one. In parts, so that the
/// compiler counts many at once in few bits.
fn alike<const UNIT: usize>(plane: &[u8]) -> usize {
    let (units, _) = plane.as_chunks::<UNIT>();
    let next = units.get(1..).unwrap_or_default();
    let parts = units.chunks(128).zip(next.chunks(128));
    let count = |(units, next): (&[[u8; UNIT]], &[[u8; UNIT]])| {
        let pairs = units.iter().zip(next);
        let alike: u8 = pairs.map(|(unit, next)| u8::from(unit == next)).sum();
        usize::from(alike)
    };
    parts.map(count).sum()
}

/// Appends a block of LZ4 that is `noise` and then what `rest`, a block of LZ4,
/// decodes to: its first literals become the last of many. Distances are
/// counted backwards, and so stay as they are.
///
/// [The format](https://github.com/lz4/lz4/blob/dev/doc/lz4_Block_format.md)
pub(super) fn append_lz4(noise: &[u8], rest: &[u8], frame: &mut Vec<u8>) {
    const MOST: u8 = 15;
    let Some((&token, mut rest)) = rest.split_first() else {
        return;
    };
    let mut literals = usize::from(token >> 4);
    if token >> 4 == MOST {
        while let Some((&more, behind)) = rest.split_first() {
            literals += usize::from(more);
            rest = behind;
            if more < u8::MAX {
                break;
            }
        }
    }
    let literals = noise.len() + literals;
    let Some(beyond) = literals.checked_sub(MOST.into()) else {
        frame.push(token & 0x0F | (literals as u8) << 4);
        frame.extend_from_slice(noise);
        frame.extend_from_slice(rest);
        return;
    };
    frame.push(token & 0x0F | MOST << 4);
    frame.resize(frame.len() + beyond / 255, u8::MAX);
    frame.push((beyond % 255) as u8);
    frame.extend_from_slice(noise);
    frame.extend_from_slice(rest);
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

    fn noise(length: usize) -> Vec<u8> {
        let mut state = 1u32;
        let step = || {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            (state >> 24) as u8
        };
        std::iter::repeat_with(step).take(length).collect()
    }

    #[test]
    fn noise_is_told_from_what_has_a_pattern() {
        let plane = 8192;
        let half = [noise(plane / 2), vec![0; plane / 2]].concat();
        // Each byte even: seven bits of eight.
        let even: Vec<u8> = noise(plane).iter().map(|byte| byte & !1).collect();
        for (kind, even_is_noise) in [(TO_LZ4, true), (TO_ZSTD, false)] {
            let in_front = |planes: &[&[u8]]| kind.in_front(&planes.concat(), plane);
            let zeros = &vec![0; plane][..];
            assert_eq!(in_front(&[&noise(plane), zeros, &noise(plane)]), plane);
            assert_eq!(in_front(&[&noise(2 * plane), &half, zeros]), 2 * plane);
            assert_eq!(in_front(&[zeros, &noise(plane)]), 0);
            let expected = if even_is_noise { plane } else { 0 };
            assert_eq!(in_front(&[&even, zeros]), expected);
            assert_eq!(in_front(&[&noise(plane)]), plane - REST_AT_LEAST);
        }
        assert_eq!(TO_LZ4.in_front(&noise(8000), 1000), 0);
    }

    #[test]
    fn literals_of_lz4_grow_to_any_number() {
        let noise = noise(2000);
        for more in [0, 1, 14, 15, 16, 254, 255, 256, 270, 525, 1900] {
            for first in [0, 1, 14, 15, 16, 269, 270, 271, 600] {
                let rest = [&noise[..first], &[7; 500], b"the end of it"].concat();
                let block = lz4::block::compress(&rest, None, false).unwrap();
                let mut longer = vec![0xEE];
                append_lz4(&noise[..more], &block, &mut longer);
                let expected = [&noise[..more], &rest].concat();
                let length = expected.len() as i32;
                let decoded = lz4::block::decompress(&longer[1..], Some(length)).unwrap();
                assert!(decoded == expected, "{first} literals and {more} more");
            }
        }
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
