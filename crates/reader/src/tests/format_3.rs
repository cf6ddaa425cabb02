//! The kept dataset of format 3, read as a whole.

use rxrx_format::keys::{CHECKSUMS, ROOT_METADATA, SITES};
use rxrx_format::{ColumnValues, DataType, PlaneRow};
use rxrx_storage::Location;
use sha2::{Digest, Sha256};
use xxhash_rust::xxh3::xxh3_128;

use super::fixture::{format_3, format_3_folder, opened, threads};
use crate::dataset::Dataset;

#[test]
fn every_plane_has_its_recorded_hash() {
    let in_memory = opened(format_3());
    let on_disk = Dataset::open(&Location::Local(format_3_folder())).unwrap();
    for dataset in [&in_memory, &on_disk] {
        assert_eq!(dataset.format_version(), 3);
        let [sites, channels, height, width] = dataset.shape();
        assert_eq!((sites, channels, height, width), (8, 3, 20, 24));
        let rows = dataset.planes().unwrap();
        assert_eq!(rows.len(), sites * channels);
        let mut stored = 0;
        for (position, row) in rows.iter().enumerate() {
            let (site, channel) = (position / channels, position % channels);
            let plane = dataset.read_plane(site, channel).unwrap();
            assert_eq!(plane.shape(), [height, width]);
            assert_eq!(plane.data_type(), DataType::UInt16);
            if let PlaneRow::Ok { summary, .. } = row {
                assert_eq!(xxh3_128(plane.bytes()), summary.xxh3_128, "{position}");
                let sum: u64 = plane.samples().map(u64::from).sum();
                assert_eq!(sum, summary.statistics.sum);
                stored += 1;
            } else {
                assert!(plane.samples().all(|sample| sample == 0), "{position}");
            }
        }
        assert_eq!(stored, dataset.attributes().planes.ok);
    }
}

#[test]
fn sites_and_batches_have_the_pixels_of_their_planes() {
    let dataset = opened(format_3());
    let plane = |site, channel| dataset.read_plane(site, channel).unwrap().into_bytes();
    let order = [7, 0, 1, 2, 5, 0];
    for jobs in [1, 4] {
        let batch = dataset.read_batch(&order, threads(jobs)).unwrap();
        assert_eq!(batch.shape(), [6, 3, 20, 24]);
        for (position, &site) in order.iter().enumerate() {
            let planes: Vec<u8> = (0..3).flat_map(|channel| plane(site, channel)).collect();
            assert!(batch.bytes_at(position).unwrap() == planes, "{site}");
            let read = dataset.read_site(site).unwrap();
            assert_eq!(read.shape(), [3, 20, 24]);
            assert!(read.bytes() == planes, "{site}");
        }
    }
}

#[test]
fn sites_and_channels_have_names() {
    let dataset = opened(format_3());
    for site in 0..8 {
        let sites = dataset.sites().unwrap();
        let id = sites.site_id(site).unwrap();
        assert_eq!(dataset.site_index(id).unwrap(), site, "{id}");
    }
    assert_eq!(dataset.channels(), ["w1", "w2", "w3"]);
    assert_eq!(dataset.channel_index("w2").unwrap(), 1);
    let error = dataset.channel_index("w4").unwrap_err().to_string();
    assert_eq!(error, r#"made has no channel "w4": it has w1, w2, w3"#);
    let error = dataset.site_index("HUVEC-9_9_B09_9").unwrap_err();
    let error = error.to_string();
    assert!(
        error.contains("HUVEC-9_9_B09_9") && error.contains(SITES),
        "{error}"
    );
}

#[test]
fn every_table_is_read() {
    let dataset = opened(format_3());
    let columns = &dataset.sites().unwrap().columns;
    let plate = columns.iter().find(|column| column.name == "plate");
    let Some(ColumnValues::Integer(plates)) = plate.map(|column| &column.values) else {
        panic!("{columns:?}");
    };
    assert_eq!(plates.len(), 8);

    // The dataset, two experiments, and their plates, each with three channels.
    let stats = dataset.channel_stats().unwrap();
    assert!(stats.len() > 9 && stats.len().is_multiple_of(3));
    let whole: u64 = stats.iter().take(3).map(|row| row.planes).sum();
    assert_eq!(whole, dataset.attributes().planes.ok as u64);

    let table = dataset.embeddings().unwrap().unwrap();
    assert_eq!(
        (table.embeddings.sites(), table.embeddings.length()),
        (8, 5)
    );
    let present = (0..8).filter(|&site| table.embeddings.vector(site).is_some());
    assert_eq!(present.count(), 7);

    let checksums = dataset.checksums().unwrap();
    let objects = dataset.store().list().unwrap();
    assert_eq!(checksums.len(), objects.len() - 1);
    assert!(!checksums.contains_key(CHECKSUMS));
    let root = dataset.store().get(ROOT_METADATA).unwrap().unwrap();
    assert_eq!(checksums[ROOT_METADATA][..], Sha256::digest(&root)[..]);
}
