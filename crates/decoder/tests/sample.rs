//! The real files, where they are at hand: every plane equal to what the
//! `image` crate reads.
#![allow(
    clippy::unwrap_used,
    reason = "a test's helpers may fail as the test may"
)]

use std::fs;
use std::path::{Path, PathBuf};

use rxrx_decoder::{BitDepth, Decoder, Limits, PlaneShape, read_shape};

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

#[test]
fn real_planes_equal_those_of_an_independent_decoder() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/data/rxrx1-sample");
    let folder = match fs::exists(&folder) {
        Ok(true) => folder,
        _ => {
            println!("skipped: no real files at {}", folder.display());
            return;
        }
    };
    let mut files = Vec::new();
    png_files(&folder, &mut files);
    assert!(!files.is_empty());
    let limits = Limits::default();
    let mut decoder = Decoder::new(limits);
    for path in files {
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
    }
}
