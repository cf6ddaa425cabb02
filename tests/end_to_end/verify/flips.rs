//! One bit, anywhere.

use std::fs;

use rand::RngExt;

use super::super::dataset::Dataset;
use super::super::tally::Tally;
use super::super::torture::{random, rounds};
use super::{Findings, copy, input_with_gaps, verify};

/// Rounds of a normal run.
const ROUNDS: usize = 60;

#[test]
fn a_flipped_bit_is_found_in_its_object_only() {
    let input = input_with_gaps();
    let whole = Dataset::at(input.output());
    let mut objects: Vec<(String, Vec<u8>)> = whole.objects().into_iter().collect();
    // Any card is right: people edit it.
    objects.retain(|(key, _)| key != "README.md");
    let table = whole.sites_table();
    let [shards, ids] = ["object", "site_id"].map(|column| table.texts(column));
    let [offsets, lengths] = ["byte_offset", "byte_length"].map(|column| table.integers(column));
    let dataset = copy(&input, "flipped");
    let mut random = random();
    let mut tally = Tally::new("a bit flipped in an object of a dataset");
    for round in 0..rounds(ROUNDS) {
        let (key, bytes) = &objects[random.random_range(0..objects.len())];
        let bit = random.random_range(0..bytes.len() * 8);
        println!("round {round}: {key}, bit {bit}");
        let mut flipped = bytes.clone();
        flipped[bit / 8] ^= 1 << (bit % 8);
        fs::write(dataset.join(key), flipped).unwrap();

        tally.round();
        tally.faults(1);
        let found = verify(&dataset, "-q").code == Some(1);
        tally.undetected_unless(found);
        if !found {
            continue;
        }
        let found = Findings::of(&dataset, "");
        assert_eq!(found.objects(), [key.as_str()], "{:#}", found.0);
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
                found.names(key, "damaged", ids[row].as_deref().unwrap(), "");
                assert_eq!(found.sites_touched(), 1);
            }
            // In the index, without which no site of the shard is found.
            None => assert_eq!(found.sites_touched(), of_shard.len() as u64),
        }
        fs::write(dataset.join(key), bytes).unwrap();
    }
    verify(&dataset, "").exits_with(0);
    tally.report();
}
