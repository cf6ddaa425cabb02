//! One bit, anywhere.

use std::fs;

use super::super::dataset::Dataset;
use super::{Blamed, copy, gappy};

/// Rounds of a normal run; `RXRX2ZARR_ROUNDS` asks for more.
const ROUNDS: u64 = 60;
const SEED: u64 = 0x5eed_2026;

/// Numbers that look random ([splitmix64](https://prng.di.unimi.it/splitmix64.c)).
fn random(state: &mut u64) -> usize {
    *state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let mixed = (*state ^ (*state >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    ((mixed ^ (mixed >> 31)) >> 1) as usize
}

#[test]
fn a_flipped_bit_is_found_and_blamed_on_its_object_alone() {
    let rounds = std::env::var("RXRX2ZARR_ROUNDS").ok();
    let rounds = rounds.map_or(ROUNDS, |rounds| rounds.parse().unwrap());
    let seed = std::env::var("RXRX2ZARR_SEED").ok();
    let seed = seed.map_or(SEED, |seed| seed.parse().unwrap());
    println!("{rounds} rounds, RXRX2ZARR_SEED={seed}");

    let input = gappy();
    let whole = Dataset::at(input.output());
    let objects: Vec<(String, Vec<u8>)> = whole.objects().into_iter().collect();
    let table = whole.sites_table();
    let [shards, ids] = ["shard", "site_id"].map(|column| table.texts(column));
    let [offsets, lengths] = ["offset", "length"].map(|column| table.integers(column));
    let dataset = copy(&input, "flipped");
    let mut state = seed;
    for round in 0..rounds {
        let (key, bytes) = &objects[random(&mut state) % objects.len()];
        let bit = random(&mut state) % (bytes.len() * 8);
        println!("round {round}: {key}, bit {bit}");
        let mut flipped = bytes.clone();
        flipped[bit / 8] ^= 1 << (bit % 8);
        fs::write(dataset.join(key), flipped).unwrap();

        let blamed = Blamed::of(&dataset, "");
        assert_eq!(blamed.objects(), [key.as_str()], "{:#}", blamed.0);
        let of_shard: Vec<usize> = (0..ids.len())
            .filter(|&row| shards[row].as_ref() == Some(key))
            .collect();
        let hit = of_shard.iter().find(|&&row| {
            let start = offsets[row].unwrap() as usize;
            (start..start + lengths[row].unwrap() as usize).contains(&(bit / 8))
        });
        match hit {
            // In a chunk: its site, and no other.
            Some(&row) => {
                blamed.names(key, "damaged", ids[row].as_deref().unwrap(), "");
                assert_eq!(blamed.sites_touched(), 1);
            }
            // In the index, without which no site of the shard is found.
            None => assert_eq!(blamed.sites_touched(), of_shard.len() as u64),
        }
        fs::write(dataset.join(key), bytes).unwrap();
    }
    super::verify(&dataset, "").ends_with(0);
}
