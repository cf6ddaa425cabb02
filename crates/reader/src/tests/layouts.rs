//! Chunks and shards of all kinds of shapes.

use rxrx_format::DataType::{self, UInt8, UInt16};

use super::fixture::{Shape, opened, threads};
use crate::error::DatasetErrorKind;

fn shape(
    [sites, channels, chunk_sites, chunk_channels, shard_sites]: [usize; 5],
    data_type: DataType,
) -> Shape {
    Shape {
        sites,
        channels,
        chunk_sites,
        chunk_channels,
        shard_sites,
        tile: None,
        data_type,
    }
}

#[test]
fn every_layout_is_read() {
    for numbers in [
        // One chunk a site; a full and a partial shard.
        [5, 3, 1, 3, 4],
        // Several sites a chunk, the last of which is partial.
        [7, 2, 2, 2, 4],
        // Several chunks a site, the last of which reaches beyond the channels.
        [5, 5, 1, 2, 2],
        // Both.
        [8, 3, 3, 2, 6],
        // One plane a chunk.
        [3, 4, 1, 1, 2],
        // One chunk in all.
        [3, 2, 4, 2, 4],
    ] {
        for data_type in [UInt8, UInt16] {
            for tile in [None, Some(2), Some(4)] {
                let made = Shape {
                    tile,
                    ..shape(numbers, data_type)
                };
                let dataset = opened(made.store());
                assert_eq!(*dataset.geometry(), made.geometry());
                for site in 0..made.sites {
                    for channel in 0..made.channels {
                        let plane = dataset.read_plane(site, channel).unwrap();
                        assert!(plane.bytes() == made.plane(site, channel), "{made:?}");
                    }
                    assert!(dataset.read_site(site).unwrap().bytes() == made.site(site));
                }
                let last = made.sites - 1;
                let all: Vec<usize> = (0..made.sites).chain([last, 0, last]).collect();
                let expected: Vec<u8> = all.iter().flat_map(|&site| made.site(site)).collect();
                for jobs in [1, 3, 50] {
                    let batch = dataset.read_batch(&all, threads(jobs)).unwrap();
                    assert_eq!(batch.shape(), [all.len(), made.channels, 3, 5]);
                    assert!(batch.bytes() == expected, "{made:?}, {jobs} threads");
                }
            }
        }
    }
}

#[test]
fn chosen_channels_are_read_in_the_given_order() {
    for numbers in [
        [5, 3, 1, 3, 4],
        [7, 2, 2, 2, 4],
        [5, 5, 1, 2, 2],
        [3, 4, 1, 1, 2],
    ] {
        for tile in [None, Some(2)] {
            let made = Shape {
                tile,
                ..shape(numbers, UInt16)
            };
            let dataset = opened(made.store());
            let last = made.channels - 1;
            for channels in [
                vec![last],
                vec![last, 0, last],
                (0..=last).collect(),
                vec![],
            ] {
                let sites = [2, 0, 2];
                let planes = sites.iter().flat_map(|&site| {
                    let channels = channels.iter();
                    channels.flat_map(move |&channel| made.plane(site, channel))
                });
                let expected: Vec<u8> = planes.collect();
                let mut pixels = vec![9; expected.len()];
                let read = dataset.read_channels_into(&sites, &channels, threads(2), &mut pixels);
                read.unwrap();
                assert!(pixels == expected, "{made:?}, {channels:?}");
            }
        }
    }
}

#[test]
fn clauses_choose_sites() {
    let dataset = opened(shape([3, 2, 1, 2, 2], UInt8).store());
    let select = |include: &str| dataset.select(&[include.to_owned()], &[]);
    assert_eq!(dataset.select(&[], &[]).unwrap(), [0, 1, 2]);
    let names: Vec<&str> = (0..3)
        .filter_map(|site| dataset.sites().unwrap().site_id(site))
        .collect();
    assert_eq!(select(&format!("site_id={}", names[1])).unwrap(), [1]);
    let error = select("colour=1").unwrap_err();
    assert_eq!(error.error_kind(), DatasetErrorKind::Usage);
    assert!(
        error.to_string().contains("no column \"colour\""),
        "{error}"
    );
}

#[test]
fn a_batch_of_no_sites_is_empty() {
    let dataset = opened(shape([3, 2, 1, 2, 2], UInt8).store());
    let batch = dataset.read_batch(&[], threads(2)).unwrap();
    assert_eq!((batch.shape(), batch.bytes()), ([0, 2, 3, 5], &[][..]));
}

#[test]
fn a_dataset_without_embeddings_has_none() {
    let dataset = opened(shape([3, 2, 1, 2, 2], UInt8).store());
    assert!(dataset.embeddings().unwrap().is_none());
}

#[test]
fn positions_and_buffers_outside_the_array_are_refused() {
    let dataset = opened(shape([3, 2, 1, 2, 2], UInt8).store());
    let text = |error: crate::error::DatasetError| error.to_string();
    let expected = "made has no site 3: it has 3, counted from 0";
    assert_eq!(text(dataset.read_plane(3, 0).unwrap_err()), expected);
    assert_eq!(text(dataset.read_site(3).unwrap_err()), expected);
    let batch = dataset.read_batch(&[0, 3], threads(2));
    assert_eq!(text(batch.unwrap_err()), expected);
    let expected = "made has no channel 2: it has 2, counted from 0";
    assert_eq!(text(dataset.read_plane(2, 2).unwrap_err()), expected);
    let read = dataset.read_channels_into(&[0], &[2], threads(1), &mut [0; 15]);
    assert_eq!(text(read.unwrap_err()), expected);
    for length in [0, 29, 31] {
        let read = dataset.read_batch_into(&[1], threads(1), &mut vec![0; length]);
        let expected =
            format!("the buffer has {length} bytes, and the pixels of the batch have 30");
        assert_eq!(text(read.unwrap_err()), expected);
    }
}
