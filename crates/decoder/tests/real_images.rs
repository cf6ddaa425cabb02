//! Decodes real RxRx1 images, if there are any, and compares every plane with that of the
//! `image` crate.

mod real_sample;

use std::fs;

use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use rxrx_decoder::{BitDepth, Decoder, Limits, PlaneShape, ReferenceDecoder, read_shape};

#[test]
fn real_planes_equal_those_of_an_independent_decoder() {
    let limits = Limits::default();
    let mut decoder = Decoder::new(limits);
    let mut reference = ReferenceDecoder::new(limits);
    for path in real_sample::files("real_planes_equal_those_of_an_independent_decoder") {
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
fn changed_bytes_of_a_real_file_are_errors_or_do_not_matter() {
    let Some(path) =
        real_sample::files("changed_bytes_of_a_real_file_are_errors_or_do_not_matter").pop()
    else {
        return;
    };
    let mut png = fs::read(&path).unwrap();
    let limits = Limits::default();
    let shape = read_shape(&png, &limits).unwrap();
    let mut decoder = Decoder::new(limits);
    let mut plane = vec![0; shape.byte_len()];
    decoder.decode(&png, shape, &mut plane).unwrap();
    let good = plane.clone();
    let mut random = ChaCha8Rng::seed_from_u64(1);
    for _ in 0..5000 {
        let at = random.random_range(0..png.len());
        let change = random.random_range(1..=255);
        png[at] ^= change;
        // The end of the file has no pixels.
        if decoder.decode(&png, shape, &mut plane).is_ok() {
            assert!(at >= png.len() - 12 && plane == good, "byte {at}");
        }
        png[at] ^= change;
    }
    decoder.decode(&png, shape, &mut plane).unwrap();
}
