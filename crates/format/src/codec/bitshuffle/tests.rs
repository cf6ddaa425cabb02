use super::*;

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

fn noise(length: usize) -> Vec<u8> {
    let mut state = 1u32;
    let step = || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (state >> 24) as u8
    };
    std::iter::repeat_with(step).take(length).collect()
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
            bitshuffle(&block, sample_bytes, &mut shuffled);
            assert_eq!(
                shuffled,
                by_definition(&block, sample_bytes),
                "{length} bytes, {sample_bytes} a sample"
            );
        }
    }
}

fn both_ways<const BYTES: usize>() {
    for samples in LENGTHS.map(|length| length / 8 * 8) {
        let block = noise(samples * BYTES);
        let samples = block.as_chunks::<BYTES>().0;
        let mut portable = vec![0xEE; block.len()];
        shuffle(samples, &mut portable, transpose);
        assert_eq!(portable, by_definition(&block, BYTES));
        #[cfg(target_arch = "x86_64")]
        {
            for shuffle in [avx2::shuffle, avx512::shuffle] {
                let mut fast = vec![0xEE; block.len()];
                assert!(!shuffle(samples, &mut fast) || fast == portable);
            }
        }
    }
}

#[test]
fn the_portable_way_gives_the_same() {
    both_ways::<1>();
    both_ways::<2>();
}
