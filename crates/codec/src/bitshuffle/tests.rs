use super::*;
use crate::testing::noise;

/// Bit by bit, from the definition.
fn by_definition(block: &[u8], sample_bytes: usize) -> Vec<u8> {
    let samples = block.len() / sample_bytes;
    if !samples.is_multiple_of(8) {
        return block.to_vec();
    }
    let mut shuffled = vec![0; samples * sample_bytes];
    for (index, sample) in block.chunks_exact(sample_bytes).enumerate() {
        for bit in 0..8 * sample_bytes {
            let set = sample[bit / 8] >> (bit % 8) & 1;
            shuffled[bit * samples / 8 + index / 8] |= set << (index % 8);
        }
    }
    shuffled.extend_from_slice(&block[samples * sample_bytes..]);
    shuffled
}

/// Whole tiles, parts of one, samples that are no multiple of eight, part of a sample.
const LENGTHS: [usize; 16] = [
    0, 1, 7, 8, 9, 15, 16, 17, 63, 64, 128, 136, 200, 1000, 4096, 5007,
];

#[test]
fn bits_are_sorted_by_weight() {
    for sample_bytes in [1, 2] {
        for length in LENGTHS {
            let block = noise(length);
            let mut shuffled = vec![0xEE; length];
            bitshuffle(&block, sample_bytes, &mut shuffled, SimdLevel::default());
            assert_eq!(
                shuffled,
                by_definition(&block, sample_bytes),
                "{length} bytes, {sample_bytes} a sample"
            );
        }
    }
}

fn check_levels<const BYTES: usize>() {
    for length in LENGTHS.map(|length| length / 8 * 8) {
        let block = noise(length * BYTES);
        for level in SimdLevel::ALL {
            let mut shuffled = vec![0xEE; block.len()];
            bitshuffle(&block, BYTES, &mut shuffled, level);
            assert_eq!(shuffled, by_definition(&block, BYTES), "{level:?}");
        }
    }
}

#[test]
fn every_instruction_set_gives_the_same_bytes() {
    check_levels::<1>();
    check_levels::<2>();
}

/// Every instruction set, at lengths around those of registers, and with bits of every
/// place.
#[test]
fn the_inverse_restores_every_block() {
    let lengths = LENGTHS.into_iter().chain((0..700).step_by(8));
    for length in lengths.chain([4096 + 264, 65_536, 65_536 + 512]) {
        let block = noise(length);
        for sample_bytes in [1, 2] {
            let shuffled = by_definition(&block, sample_bytes);
            for level in SimdLevel::ALL {
                let mut restored = vec![0xEE; length];
                bitunshuffle(&shuffled, sample_bytes, &mut restored, level);
                assert!(
                    restored == block,
                    "{level:?}: {length} bytes, {sample_bytes} a sample"
                );
            }
        }
    }
}
