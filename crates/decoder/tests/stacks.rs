//! Planes of several files, and files of several planes.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test's helpers may fail as the test may"
)]

use std::fs;
use std::path::PathBuf;

use rxrx_decoder::{
    BitDepth, DecodeError, Decoder, ImageFormat, Limits, PlaneShape, ReferenceDecoder, Stack,
    read_header, tiff_page,
};

fn file(name: &str) -> Vec<u8> {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/images");
    fs::read(folder.join(name)).unwrap()
}

fn shape(depth: BitDepth) -> PlaneShape {
    PlaneShape {
        height: 45,
        width: 70,
        depth,
    }
}

/// Decodes a file with both decoders, which must agree.
fn decode(file: &[u8], shape: PlaneShape) -> Result<Vec<u8>, DecodeError> {
    let mut plane = vec![0xA5; shape.byte_len()];
    let decoded = Decoder::new(Limits::default()).decode(file, shape, &mut plane);
    let mut reference = vec![0x5A; shape.byte_len()];
    let again = ReferenceDecoder::new(Limits::default()).decode(file, shape, &mut reference);
    assert_eq!(decoded.as_ref().err(), again.as_ref().err());
    decoded?;
    assert_eq!(plane, reference);
    Ok(plane)
}

/// The samples of a plane.
fn samples(plane: &[u8], depth: BitDepth) -> Vec<u16> {
    match depth {
        BitDepth::Eight => plane.iter().map(|sample| u16::from(*sample)).collect(),
        BitDepth::Sixteen => {
            let pairs = plane.as_chunks::<2>().0.iter();
            pairs.map(|pair| u16::from_le_bytes(*pair)).collect()
        }
    }
}

fn page(name: &str, number: usize, pages: usize) -> Result<Vec<u8>, DecodeError> {
    tiff_page(&file(name), number, pages, &Limits::default())
}

fn stack(members: &[(&str, &[u8])]) -> Vec<u8> {
    let mut stack = b"something else".to_vec();
    let mut files = Stack::begin(&mut stack);
    for (name, file) in members {
        files.push(name, file);
    }
    stack
}

#[test]
fn a_page_has_the_pixels_that_were_written_to_it() {
    for (name, depth, whole) in [
        ("pages-8.tif", BitDepth::Eight, "none-8.tif"),
        ("pages-16.tif", BitDepth::Sixteen, "none-16.tif"),
        ("pages-big-16.tif", BitDepth::Sixteen, "none-16.tif"),
        ("pages-tiles-16.tif", BitDepth::Sixteen, "none-16.tif"),
    ] {
        let shape = shape(depth);
        let pixels = |number| {
            let page = page(name, number, 3).unwrap();
            assert!(page.len() < file(name).len(), "{name}");
            assert_eq!(read_header(&page, &Limits::default()).unwrap().shape, shape);
            samples(&decode(&page, shape).unwrap(), depth)
        };
        let first = samples(&decode(&file(whole), shape).unwrap(), depth);
        assert!(pixels(1) == first, "{name}");
        let half: Vec<u16> = first.iter().map(|sample| sample / 2).collect();
        assert!(pixels(2) == half, "{name}");
        let mirrored: Vec<u16> = first.chunks(70).rev().flatten().copied().collect();
        assert!(pixels(3) == mirrored, "{name}");
    }
}

#[test]
fn every_kind_of_tiff_is_its_only_page() {
    for kind in [
        "none",
        "lzw",
        "deflate",
        "predictor",
        "tiles",
        "tiles-deflate",
        "strips",
        "big",
    ] {
        for (bits, depth) in [(8, BitDepth::Eight), (16, BitDepth::Sixteen)] {
            let name = format!("{kind}-{bits}.tif");
            let page = page(&name, 1, 1).unwrap();
            let whole = decode(&file(&name), shape(depth)).unwrap();
            assert!(decode(&page, shape(depth)).unwrap() == whole, "{name}");
        }
    }
}

#[test]
fn a_file_of_another_number_of_pages_is_refused() {
    for (name, pages, said) in [
        (
            "pages-8.tif",
            2,
            "a TIFF of more than 2 pages, where the channels are 2",
        ),
        (
            "pages-8.tif",
            4,
            "a TIFF of 3 pages, where the channels are 4",
        ),
        (
            "none-8.tif",
            2,
            "a TIFF of 1 page, where the channels are 2",
        ),
    ] {
        let error = page(name, 1, pages).unwrap_err();
        assert_eq!(error.to_string(), said);
        assert_eq!(error.kind(), "tiff_page_count");
    }
    assert!(page("lossy-00.jp2", 1, 1).is_err());
}

#[test]
fn a_truncated_file_of_pages_is_refused_wherever_it_ends() {
    for name in [
        "pages-8.tif",
        "pages-16.tif",
        "pages-big-16.tif",
        "pages-tiles-16.tif",
    ] {
        let whole = file(name);
        let depth = match name {
            "pages-8.tif" => BitDepth::Eight,
            _ => BitDepth::Sixteen,
        };
        let pages: Vec<Vec<u8>> = (1..4)
            .map(|number| page(name, number, 3).unwrap())
            .collect();
        for length in (0..whole.len()).step_by(53) {
            for (number, expected) in (1..).zip(&pages) {
                let Ok(page) = tiff_page(&whole[..length], number, 3, &Limits::default()) else {
                    continue;
                };
                let pixels = |page: &[u8]| decode(page, shape(depth)).unwrap();
                assert!(
                    pixels(&page) == pixels(expected),
                    "{name} of {length} bytes"
                );
            }
        }
    }
}

#[test]
fn a_stack_has_the_largest_value_of_each_pixel() {
    for (depth, names) in [
        (BitDepth::Eight, ["lossless-8.jp2", "tiles-8.tif"]),
        (BitDepth::Sixteen, ["lossless-16.jp2", "strips-16.tif"]),
    ] {
        let bits = if depth == BitDepth::Eight { 8 } else { 16 };
        let mirrored = page(&format!("pages-{bits}.tif"), 3, 3).unwrap();
        let shape = shape(depth);
        let one = samples(&decode(&mirrored, shape).unwrap(), depth);
        for name in names {
            let other = file(name);
            let members: &[(&str, &[u8])] = &[("z1", &mirrored), ("z2", &other), ("z3", &mirrored)];
            let stack = stack(members);
            assert_eq!(ImageFormat::of(&stack), ImageFormat::Stack);
            let other = samples(&decode(&other, shape).unwrap(), depth);
            let largest: Vec<u16> = one.iter().zip(&other).map(|(a, b)| *a.max(b)).collect();
            let found = samples(&decode(&stack, shape).unwrap(), depth);
            assert!(found == largest, "{name}");
            assert!(found != one && found != other);
        }
    }
}

#[test]
fn the_header_of_a_stack_is_that_of_its_first_file() {
    let (first, second) = (file("lossless-8.jp2"), file("none-16.tif"));
    let stack = stack(&[("a.jp2", &first), ("b.tif", &second)]);
    let header = read_header(&stack, &Limits::default()).unwrap();
    assert_eq!(header.shape, shape(BitDepth::Eight));
    assert_eq!(header.format.decoder(), ImageFormat::Jpeg2000.decoder());
    let error = decode(&stack, header.shape).unwrap_err();
    assert_eq!(error.kind(), "shape");
    assert!(
        error.to_string().starts_with("b.tif: wrong shape"),
        "{error}"
    );
    assert!(matches!(error.reason(), DecodeError::Unsupported(_)));
}

#[test]
fn a_damaged_stack_is_refused() {
    let image = file("none-8.tif");
    let whole = stack(&[("a", &image), ("b", &image)]);
    let shape = shape(BitDepth::Eight);
    for length in (8..whole.len()).step_by(97) {
        let cut = &whole[..length];
        let one_member = 8 + 12 + 1 + image.len();
        assert_eq!(decode(cut, shape).is_ok(), length == one_member, "{length}");
    }
    let empty = stack(&[]);
    assert_eq!(decode(&empty, shape).unwrap_err().kind(), "stack");
    let nested = stack(&[("stack", &whole)]);
    assert_eq!(decode(&nested, shape).unwrap_err().kind(), "stack");
    assert!(read_header(&nested, &Limits::default()).is_err());
}
