//! Datasets that are damaged or contradict themselves.

use rxrx_format::DataType::UInt8;
use rxrx_format::keys::{CHANNEL_STATS, CHECKSUMS, PLANES, ROOT_METADATA, SITES, shard_key};
use rxrx_format::testing::plan;
use rxrx_format::{ColumnMeanings, Layout, SitePlace, sites_table};
use rxrx_storage::Store;
use rxrx_storage::testing::Memory;

use super::fixture::{Shape, change, format_3, opened, threads};
use crate::dataset::Dataset;
use crate::error::{DatasetError, DatasetErrorKind};

/// Four sites of two channels in two shards.
fn shape(chunk_channels: usize) -> Shape {
    Shape {
        sites: 4,
        channels: 2,
        chunk_sites: 1,
        chunk_channels,
        shard_sites: 2,
        tile: None,
        data_type: UInt8,
    }
}

/// The error of reading site 2, the first of the second shard; the first shard
/// must be readable.
fn error_of(store: Memory) -> DatasetError {
    let dataset = opened(store);
    dataset.read_batch(&[0, 1], threads(2)).unwrap();
    let error = dataset.read_batch(&[0, 2], threads(2)).unwrap_err();
    let alone = dataset.read_plane(2, 0).unwrap_err();
    assert_eq!(error.to_string(), alone.to_string());
    error
}

#[test]
fn a_damaged_chunk_is_named() {
    for channels in [1, 2] {
        let store = shape(channels).store();
        change(&store, &shard_key(1), |shard| shard[6] ^= 1);
        let error = error_of(store);
        assert_eq!(error.error_kind(), DatasetErrorKind::Damaged);
        let expected = "made: the chunk of site 2, channel 0 in images.zarr/images/c/1/0/0/0 \
            is damaged";
        assert_eq!(error.to_string(), expected);
    }
}

#[test]
fn a_damaged_index_is_named() {
    let store = shape(1).store();
    change(&store, &shard_key(1), |shard| {
        *shard.last_mut().unwrap() ^= 1
    });
    let error = error_of(store);
    assert!(matches!(error, DatasetError::Index { .. }), "{error}");
    let expected = "made: the index of images.zarr/images/c/1/0/0/0 is damaged";
    assert_eq!(error.to_string(), expected);
}

#[test]
fn a_missing_shard_is_named() {
    for channels in [1, 2] {
        let store = shape(channels).store();
        store.remove(&shard_key(1)).unwrap();
        let error = error_of(store);
        assert!(matches!(error, DatasetError::Missing { .. }), "{error}");
        assert!(error.to_string().contains(&shard_key(1)), "{error}");
    }
}

#[test]
fn a_truncated_shard_is_named() {
    for channels in [1, 2] {
        let store = shape(channels).store();
        change(&store, &shard_key(1), |shard| shard.truncate(9));
        let error = error_of(store);
        assert_eq!(error.error_kind(), DatasetErrorKind::Store);
        assert!(error.to_string().contains(&shard_key(1)), "{error}");
        let DatasetError::Store(error) = error else {
            panic!("{error}");
        };
        assert!(error.source.to_string().starts_with("it has 9 bytes"));
    }
}

#[test]
fn a_chunk_that_was_never_written_is_named() {
    let store = shape(1).store();
    change(&store, &shard_key(1), |shard| {
        let start = shard.len() - (4 * 16 + 4);
        shard[start..start + 16].fill(255);
        let end = shard.len() - 4;
        let checksum = crc32c::crc32c(&shard[start..end]).to_le_bytes();
        shard[end..].copy_from_slice(&checksum);
    });
    let error = error_of(store);
    let expected = "made: the index of images.zarr/images/c/1/0/0/0 has no chunk for site 2, \
        channel 0: it was never written";
    assert_eq!(error.to_string(), expected);
}

#[test]
fn an_impossible_place_is_refused_before_anything_is_read() {
    let far = 1 << 40;
    for (range, shard_sites, reason) in [
        (0..far, 2, "the chunks of a site have at most"),
        (far..far + 9, 2, "a shard has at most"),
        (0..9, 1, "that site belongs to images.zarr/images/c/1/0/0/0"),
    ] {
        let store = shape(2).store();
        let layout = Layout {
            shard_sites: Some(shard_sites),
            ..Layout::default()
        };
        let complete = true;
        let places = vec![SitePlace { range, complete }; 4];
        let table = sites_table(
            &plan(4, 2, layout),
            &places,
            &ColumnMeanings::default(),
            &[],
        )
        .unwrap();
        store.put(SITES, &[&table]).unwrap();
        let error = opened(store).read_site(2).unwrap_err();
        assert!(matches!(error, DatasetError::Place { .. }), "{error}");
        let text = error.to_string();
        assert!(text.contains("metadata.parquet places site 2 at"), "{text}");
        assert!(text.contains(reason), "{text}");
    }
}

#[test]
fn a_damaged_or_missing_table_is_named() {
    type Read = fn(&Dataset) -> Result<(), DatasetError>;
    let read: [(&str, Read); 4] = [
        (SITES, |dataset| dataset.sites().map(drop)),
        (PLANES, |dataset| dataset.planes().map(drop)),
        (CHANNEL_STATS, |dataset| dataset.channel_stats().map(drop)),
        (CHECKSUMS, |dataset| dataset.checksums().map(drop)),
    ];
    for (key, read) in read {
        let store = format_3();
        change(&store, key, |table| {
            table[0] = b'x';
            table.truncate(table.len() - 9);
        });
        let error = read(&opened(store)).unwrap_err();
        assert_eq!(error.error_kind(), DatasetErrorKind::Damaged);
        let source = std::error::Error::source(&error).map(ToString::to_string);
        let text = format!("{error}: {source:?}");
        assert!(text.contains(key), "{text}");

        let store = format_3();
        store.remove(key).unwrap();
        let error = read(&opened(store)).unwrap_err();
        assert!(matches!(error, DatasetError::Missing { .. }), "{error}");
        assert!(error.to_string().contains(key), "{error}");
    }
}

#[test]
fn a_root_that_claims_huge_chunks_takes_no_memory() {
    for (height, width) in [(1 << 16, 1 << 16), (1 << 28, 1 << 28)] {
        let store = shape(2).store();
        change(&store, ROOT_METADATA, |root| {
            let mut json: serde_json::Value = serde_json::from_slice(root).unwrap();
            json["consolidated_metadata"]["metadata"]["images"]["shape"] =
                serde_json::json!([4, 2, height, width]);
            *root = json.to_string().into_bytes();
        });
        let error = opened(store).read_site(0).unwrap_err();
        let is_expected = matches!(
            error,
            DatasetError::Codec { .. } | DatasetError::TooLarge { .. }
        );
        assert!(is_expected, "{error}");
    }
}
