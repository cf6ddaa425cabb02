//! Each codec gives back the pixels of the PNG files.

use super::dataset::Dataset;
use super::input::{Input, Spec};
use super::run::convert;

const ZARRS_READS: [&str; 3] = ["blosc-zstd", "zstd", "blosc-lz4"];

fn converted(input: &Input, codec: &str, options: &str) -> Dataset {
    let output = input.beside(codec);
    let options = format!("--codec {codec} {options}");
    convert(&input.root(), &output, &options).exits_with(0);
    Dataset::at(output)
}

fn specs() -> [Spec; 2] {
    let eight = Spec::default();
    let sixteen = Spec {
        sixteen_bit: true,
        ..Spec::default()
    };
    [eight, sixteen]
}

#[test]
fn zarrs_reads_the_pixels_of_the_images() {
    for spec in specs() {
        let input = Input::new(spec);
        for codec in ZARRS_READS {
            let dataset = converted(&input, codec, "");
            dataset.has_pixels_of(&input);
            dataset.has_byte_ranges_of(&input);
        }
    }
}

#[test]
fn delta_is_refused_by_zarrs_and_read_by_hand() {
    for spec in specs() {
        let input = Input::new(spec);
        let dataset = converted(&input, "delta-zstd", "");
        // Better no pixels than wrong ones.
        let error = dataset.array("images").expect_err("zarrs knows no delta");
        assert!(error.contains("numcodecs.delta"), "{error}");
        dataset.has_byte_ranges_of(&input);
    }
}

#[test]
fn the_default_is_blosc_zstd() {
    let input = Input::of_sites(1);
    let named = converted(&input, "blosc-zstd", "");
    convert(&input.root(), &input.output(), "").exits_with(0);
    assert_eq!(Dataset::at(input.output()).objects(), named.objects());
}

/// A reader that reads a whole chunk checks its checksum. (zarrs does not where
/// it reads a part of a shard, hence a shard of one site.)
#[test]
fn damage_to_a_chunk_is_an_error() {
    let input = Input::of_sites(1);
    for codec in ZARRS_READS {
        let dataset = converted(&input, codec, "--shard-sites 1");
        let shard = dataset.path("images.zarr/images/c/0/0/0/0");
        let mut bytes = std::fs::read(&shard).unwrap();
        bytes[40] ^= 1;
        std::fs::write(&shard, bytes).unwrap();
        let array = dataset.array("images").unwrap();
        let pixels = array.retrieve_array_subset::<Vec<u8>>(&array.subset_all());
        assert!(pixels.is_err(), "{codec}");
    }
}
