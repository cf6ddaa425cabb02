//! Any layout of chunks and shards holds the same pixels.

use std::fs;

use serde_json::json;

use super::dataset::Dataset;
use super::input::{Input, Spec};
use super::run::{convert, plan};

/// Converts and compares every pixel; with the layout as the array tells it.
fn converted(input: &Input, name: &str, options: &str) -> Dataset {
    let output = input.beside(name);
    convert(&input.root(), &output, options).exits_with(0);
    let dataset = Dataset::at(output);
    dataset.has_pixels_of(input);
    dataset
}

/// Shapes of the shards and chunks of the image array, and the shards' names.
fn layout(dataset: &Dataset) -> (serde_json::Value, serde_json::Value, Vec<String>) {
    let array = dataset.json("images.zarr/images/zarr.json");
    let pointer = |pointer: &str| array.pointer(pointer).unwrap().clone();
    let objects = dataset.objects();
    let shards = objects
        .keys()
        .filter_map(|key| key.strip_prefix("images.zarr/images/c/"));
    (
        pointer("/chunk_grid/configuration/chunk_shape"),
        pointer("/codecs/0/configuration/chunk_shape"),
        shards.map(str::to_owned).collect(),
    )
}

#[test]
fn chunks_and_shards_of_any_length() {
    // 21 sites fill neither the last shard of 8 nor its last chunk of 4.
    let input = Input::of_sites(21);
    for (number, (options, shard, chunk, shards)) in [
        ("", [64, 6], [1, 6], 1),
        ("--shard-sites 1", [1, 6], [1, 6], 21),
        ("--shard-sites 21", [21, 6], [1, 6], 1),
        ("--shard-sites 8", [8, 6], [1, 6], 3),
        ("--shard-sites 8 --chunk-sites 4", [8, 6], [4, 6], 3),
        ("--shard-sites 8 --chunk-sites 8", [8, 6], [8, 6], 3),
        ("--shard-sites 8 --chunk-channels 1", [8, 6], [1, 1], 3),
        ("--shard-sites 8 --chunk-channels 3", [8, 6], [1, 3], 3),
        // Four do not divide six: the shard reaches beyond the channels.
        ("--shard-sites 8 --chunk-channels 4", [8, 8], [1, 4], 3),
        (
            "--shard-sites 8 --chunk-sites 4 --chunk-channels 4 --codec zstd -j 3",
            [8, 8],
            [4, 4],
            3,
        ),
    ]
    .into_iter()
    .enumerate()
    {
        let dataset = converted(&input, &format!("out-{number}"), options);
        let (found_shard, found_chunk, found_shards) = layout(&dataset);
        assert_eq!(
            found_shard,
            json!([shard[0], shard[1], 12, 20]),
            "{options}"
        );
        assert_eq!(
            found_chunk,
            json!([chunk[0], chunk[1], 12, 20]),
            "{options}"
        );
        let expected: Vec<String> = (0..shards).map(|n| format!("{n}/0/0/0")).collect();
        let mut found = found_shards;
        found.sort_by_key(|key| {
            key.len() * 1000 + key.split('/').next().unwrap().parse::<usize>().unwrap()
        });
        assert_eq!(found, expected, "{options}");
        if chunk[1] == 6 {
            dataset.has_byte_ranges_of(&input);
        }
    }
}

/// With several chunks a site the range covers them all: they lie one behind
/// the other, in the order of the channels.
#[test]
fn a_byte_range_covers_all_channel_chunks_of_a_site() {
    let input = Input::of_sites(5);
    let options = "--shard-sites 4 --chunk-sites 2 --chunk-channels 4";
    let dataset = converted(&input, "out", options);
    let table = dataset.sites_table();
    let (offsets, lengths) = (table.integers("byte_offset"), table.integers("byte_length"));
    for (site, shard) in table.texts("object").iter().enumerate() {
        let shard = fs::read(dataset.path(shard.as_ref().unwrap())).unwrap();
        // 2 x 2 chunks of (offset, nbytes), and a checksum.
        let (body, index) = shard.split_at(shard.len() - (4 * 16 + 4));
        assert_eq!(crc32c::crc32c(&index[..64]).to_le_bytes(), index[64..]);
        let number = |at: usize| u64::from_le_bytes(index[at * 8..][..8].try_into().unwrap());
        let row = site % 4 / 2;
        let [first, second] = [row * 2, row * 2 + 1].map(|chunk| {
            let (offset, nbytes) = (number(chunk * 2), number(chunk * 2 + 1));
            offset..offset + nbytes
        });
        assert_eq!(first.end, second.start);
        let range = offsets[site].unwrap() as u64;
        let range = range..range + lengths[site].unwrap() as u64;
        assert_eq!(range, first.start..second.end);
        assert!(range.end <= body.len() as u64);
    }
}

#[test]
fn planes_of_any_shape_and_depth() {
    for spec in [
        (33, 17, false),
        (1, 1, false),
        (1, 300, true),
        (64, 2, true),
    ]
    .map(|(height, width, sixteen_bit)| Spec {
        height,
        width,
        sixteen_bit,
        ..Spec::default()
    }) {
        let input = Input::new(spec.clone());
        for codec in ["blosc-zstd", "zstd", "blosc-lz4"] {
            let dataset = converted(&input, codec, &format!("--codec {codec}"));
            let array = dataset.json("images.zarr/images/zarr.json");
            assert_eq!(array["shape"], json!([3, 6, spec.height, spec.width]));
            let data_type = if spec.sixteen_bit { "uint16" } else { "uint8" };
            assert_eq!(array["data_type"], data_type);
        }
    }
}

#[test]
fn any_channels() {
    for channels in [vec![1], vec![1, 3], vec![2, 10, 11]] {
        let input = Input::new(Spec {
            channels: channels.clone(),
            ..Spec::default()
        });
        let dataset = converted(&input, "out", "");
        let names: Vec<String> = channels.iter().map(|c| format!("w{c}")).collect();
        assert_eq!(dataset.label::<String>("channel"), names);
        dataset.has_byte_ranges_of(&input);
    }
}

#[test]
fn a_layout_that_does_not_fit_is_wrong_usage() {
    let input = Input::of_sites(2);
    for (options, complaint) in [
        ("--chunk-sites 3", "64"),
        ("--chunk-sites 128", "128"),
        ("--chunk-channels 7", "7"),
        ("--chunk-sites 0", "--chunk-sites"),
        ("--shard-sites 0", "--shard-sites"),
        ("--chunk-channels 0", "--chunk-channels"),
        ("--jobs 0", "--jobs"),
        ("--codec gzip", "delta-zstd"),
    ] {
        convert(&input.root(), &input.output(), options)
            .exits_with(2)
            .reports_each(&[complaint]);
        assert!(!input.output().exists(), "{options}");
        if options != "--jobs 0" {
            plan(&input.root(), options).exits_with(2);
        }
    }
}
