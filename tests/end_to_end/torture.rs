//! Number of rounds and random numbers of tests that inject faults.

use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;

/// Returns the number of rounds of a test: `RXRX2ZARR_ROUNDS`, which `scripts/torture`
/// sets to a large number, or else `few`.
pub(super) fn rounds(few: usize) -> usize {
    let rounds = std::env::var("RXRX2ZARR_ROUNDS").ok();
    rounds.map_or(few, |rounds| {
        rounds.parse().expect("RXRX2ZARR_ROUNDS is a number")
    })
}

/// Returns a generator with the seed `RXRX2ZARR_SEED`, or else with a fixed seed.
pub(super) fn random() -> ChaCha8Rng {
    let seed = std::env::var("RXRX2ZARR_SEED").ok();
    let seed = seed.map_or(2026, |seed| {
        seed.parse().expect("RXRX2ZARR_SEED is a number")
    });
    println!("RXRX2ZARR_SEED={seed}");
    ChaCha8Rng::seed_from_u64(seed)
}
