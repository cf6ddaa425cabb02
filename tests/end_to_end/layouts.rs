//! Any layout of chunks and shards holds the same pixels.

use std::fs;

use serde_json::json;

use super::dataset::{Dataset, decode_chunk};
use super::input::{Input, Spec};
use super::run::{convert, plan, verify};

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
fn tiles_of_any_size_hold_the_pixels_of_the_planes() {
    for sixteen_bit in [false, true] {
        // Planes of 12 x 20 pixels.
        let input = Input::new(Spec {
            sites: 5,
            sixteen_bit,
            ..Spec::default()
        });
        for (number, (options, shard, chunk)) in [
            ("--tile 8", [64, 6, 16, 24], [1, 6, 8, 8]),
            (
                "--tile 5 --chunk-channels 1 --shard-sites 2",
                [2, 6, 15, 20],
                [1, 1, 5, 5],
            ),
            (
                "--tile 16 --chunk-channels 4 --chunk-sites 2 --shard-sites 4 --codec zstd",
                [4, 8, 12, 32],
                [2, 4, 12, 16],
            ),
            (
                "--tile 1 --shard-sites 1 --codec blosc-lz4",
                [1, 6, 12, 20],
                [1, 6, 1, 1],
            ),
            // A tile that is no smaller than a plane cuts nothing.
            ("--tile 20", [64, 6, 12, 20], [1, 6, 12, 20]),
        ]
        .into_iter()
        .enumerate()
        {
            let dataset = converted(&input, &format!("out-{number}"), options);
            let (found_shard, found_chunk, _) = layout(&dataset);
            assert_eq!(found_shard, json!(shard), "{options}");
            assert_eq!(found_chunk, json!(chunk), "{options}");
            let tile = &dataset.attributes()["settings"]["tile"];
            assert_eq!(tile.is_null(), chunk[2..] == [12, 20], "{options}: {tile}");
            let source = format!("--source {}", input.root().display());
            verify(&input.beside(&format!("out-{number}")), &source).exits_with(0);
        }
    }
}

/// Pixels beyond a plane must be 0, and every tile must be there.
#[test]
fn a_tile_that_is_damaged_is_found_and_its_planes_are_named() {
    let input = Input::of_sites(2);
    let options = "--tile 8 --chunk-channels 1 --codec zstd";
    let dataset = converted(&input, "out", options);
    let key = "images.zarr/images/c/0/0/0/0";
    let mut shard = fs::read(dataset.path(key)).unwrap();
    // A byte of the fourth tile of the second plane.
    let index = shard.len() - (64 * 6 * 6 * 16 + 4);
    let entry = &shard[index + (6 + 3) * 16..][..8];
    let at = u64::from_le_bytes(entry.try_into().unwrap()) as usize;
    shard[at + 5] ^= 1;
    fs::write(dataset.path(key), &shard).unwrap();
    let found = verify(&input.beside("out"), "--json").exits_with(1).json();
    let text = found["by_object"][key]["examples"].to_string();
    assert!(text.contains("tile 3 of its planes: CRC-32C"), "{found:#}");
    assert!(text.contains("\"channel\":\"w2\""), "{found:#}");
}

/// `planes.parquet` places each plane that shares its chunks with no other.
#[test]
fn a_plane_is_read_by_the_byte_range_in_its_table() {
    let input = Input::of_sites(5);
    let whole = converted(&input, "whole", "");
    assert!(
        !whole
            .planes_table()
            .schema()
            .iter()
            .any(|field| field.contains("byte_offset"))
    );
    let dataset = converted(&input, "out", "--chunk-channels 1 --shard-sites 2");
    let table = dataset.planes_table();
    let (shards, offsets) = (table.texts("object"), table.integers("byte_offset"));
    let lengths = table.integers("byte_length");
    for site in 0..5 {
        for (position, &channel) in input.channels().iter().enumerate() {
            let row = site * input.channels().len() + position;
            let (offset, length) = (offsets[row].unwrap(), lengths[row].unwrap());
            let shard = fs::read(dataset.path(shards[row].as_ref().unwrap())).unwrap();
            let bytes = &shard[offset as usize..(offset + length) as usize];
            let plane = decode_chunk(&table, bytes.to_vec());
            assert_eq!(plane, input.decoded(site, channel), "{row}");
        }
    }
    // With tiles, the range has all tiles of the plane, one behind the other.
    let tiled = converted(
        &input,
        "tiled",
        "--chunk-channels 1 --shard-sites 2 --tile 8",
    );
    let table = tiled.planes_table();
    let (offsets, lengths) = (table.integers("byte_offset"), table.integers("byte_length"));
    assert_eq!(offsets[0], Some(0));
    for row in (0..5 * 6 - 1).filter(|row| row % 12 != 11) {
        assert_eq!(
            Some(offsets[row].unwrap() + lengths[row].unwrap()),
            offsets[row + 1]
        );
    }
}

/// The bytes of a chunk that `planes.parquet` places are compared with the index.
#[test]
fn verify_compares_the_places_of_planes() {
    let input = Input::of_sites(4);
    let options = "--chunk-channels 1 --codec zstd";
    let dataset = converted(&input, "out", options);
    let other = Input::new(Spec {
        sites: 4,
        channels: input.channels().to_vec(),
        sixteen_bit: true,
        ..Spec::default()
    });
    let other = converted(&other, "out", options);
    // The table of other images has other places, and other hashes.
    let table = fs::read(other.path("planes.parquet")).unwrap();
    fs::write(dataset.path("planes.parquet"), table).unwrap();
    fs::remove_file(dataset.path("SHA256SUMS")).unwrap();
    let found = verify(&input.beside("out"), "--json").exits_with(1).json();
    let text = found["by_object"]["images.zarr/images/c/0/0/0/0"].to_string();
    assert!(text.contains("planes.parquet says"), "{found:#}");
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
        ("--chunk-sites 3 --shard-sites 64", "64"),
        ("--chunk-sites 128 --shard-sites 64", "128"),
        ("--chunk-channels 7", "7"),
        ("--chunk-sites 0", "--chunk-sites"),
        ("--shard-sites 0", "--shard-sites"),
        ("--tile 0", "--tile"),
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
