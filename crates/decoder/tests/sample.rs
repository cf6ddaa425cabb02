//! The real files, where they are at hand: every plane equal to what the
//! `image` crate reads.
#![allow(
    clippy::print_stdout,
    clippy::unwrap_used,
    reason = "a test's helpers may print and fail as the test may"
)]

use std::fs;
use std::path::{Path, PathBuf};

use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use rxrx_decoder::{BitDepth, Decoder, Limits, PlaneShape, ReferenceDecoder, read_shape};

fn png_files(folder: &Path, files: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            png_files(&path, files);
        } else if path.extension().is_some_and(|extension| extension == "png") {
            files.push(path);
        }
    }
}

fn sample() -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/data/rxrx1-sample");
    let mut files = Vec::new();
    if folder.is_dir() {
        png_files(&folder, &mut files);
        assert!(!files.is_empty());
    } else {
        println!("skipped: no real files at {}", folder.display());
    }
    files
}

#[test]
fn real_planes_equal_those_of_an_independent_decoder() {
    let limits = Limits::default();
    let mut decoder = Decoder::new(limits);
    let mut reference = ReferenceDecoder::new(limits);
    for path in sample() {
        let png = fs::read(&path).unwrap();
        let shape = read_shape(&png[..33], &limits).unwrap();
        let expected = PlaneShape {
            height: 512,
            width: 512,
            depth: BitDepth::Eight,
        };
        assert_eq!(shape, expected, "{}", path.display());
        let mut plane = vec![0; shape.byte_len()];
        decoder.decode(&png, shape, &mut plane).unwrap();
        let independent = image::load_from_memory(&png).unwrap();
        assert_eq!(plane, independent.as_bytes(), "{}", path.display());
        plane.fill(1);
        reference.decode(&png, shape, &mut plane).unwrap();
        assert_eq!(plane, independent.as_bytes(), "{}", path.display());
    }
}

#[test]
fn changed_bytes_of_a_real_file_are_errors() {
    let Some(path) = sample().pop() else { return };
    let mut png = fs::read(&path).unwrap();
    let limits = Limits::default();
    let shape = read_shape(&png, &limits).unwrap();
    let mut decoder = Decoder::new(limits);
    let mut plane = vec![0; shape.byte_len()];
    let mut random = ChaCha8Rng::seed_from_u64(1);
    for _ in 0..5000 {
        let at = random.random_range(0..png.len());
        let change = random.random_range(1..=255);
        png[at] ^= change;
        decoder.decode(&png, shape, &mut plane).unwrap_err();
        png[at] ^= change;
    }
    decoder.decode(&png, shape, &mut plane).unwrap();
}
