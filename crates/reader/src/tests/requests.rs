//! The requests that reading makes.

use rxrx_format::DataType::UInt8;
use rxrx_format::keys::{ROOT_METADATA, SITES, shard_key};

use super::fixture::{Recording, Shape, opened, threads};
use crate::dataset::Dataset;

/// Two shards of four sites with `chunk_channels` of two channels in a chunk.
fn recorded(chunk_channels: usize) -> (Dataset, impl Fn() -> Vec<String>) {
    let shape = Shape {
        sites: 8,
        channels: 2,
        chunk_sites: 1,
        chunk_channels,
        shard_sites: 4,
        tile: None,
        data_type: UInt8,
    };
    let store = Recording::new(shape.store());
    let reads = store.reads.clone();
    let taken = move || std::mem::take(&mut *reads.lock().unwrap());
    (opened(store), taken)
}

/// How many of `reads` are of parts of the shard with that number.
fn of_shard(reads: &[String], shard: usize) -> usize {
    let key = format!("{} ", shard_key(shard));
    reads.iter().filter(|read| read.starts_with(&key)).count()
}

#[test]
fn the_table_of_sites_is_read_once_and_neighbours_at_once() {
    let (dataset, taken) = recorded(2);
    assert_eq!(taken(), [ROOT_METADATA]);
    dataset.read_plane(1, 1).unwrap();
    let reads = taken();
    assert_eq!((reads.len(), reads[0].as_str()), (2, SITES));
    assert_eq!(of_shard(&reads, 0), 1);
    dataset.read_batch(&[3, 5, 2, 4, 5], threads(2)).unwrap();
    let reads = taken();
    assert_eq!(reads.len(), 2);
    assert_eq!((of_shard(&reads, 0), of_shard(&reads, 1)), (1, 1));
}

#[test]
fn the_index_of_a_shard_is_read_once_and_only_where_it_is_needed() {
    let (dataset, taken) = recorded(1);
    dataset.read_plane(1, 1).unwrap();
    let reads = taken();
    assert_eq!(reads.len(), 4);
    assert_eq!(of_shard(&reads, 0), 2);
    dataset.read_batch(&[0, 1, 2, 7], threads(2)).unwrap();
    let reads = taken();
    assert_eq!((of_shard(&reads, 0), of_shard(&reads, 1)), (1, 2));
    dataset.read_batch(&[0, 1, 2, 7], threads(2)).unwrap();
    assert_eq!(taken().len(), 2);
}

#[test]
fn a_request_has_the_bytes_of_the_chunks_and_no_others() {
    let (dataset, taken) = recorded(2);
    let places = dataset.sites().unwrap().places.clone();
    taken();
    dataset.read_site(2).unwrap();
    let range = &places[2].range;
    let expected = format!("{} {}..{}", shard_key(0), range.start, range.end);
    assert_eq!(taken(), [expected]);
}
