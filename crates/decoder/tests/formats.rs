//! Decodes TIFF and JPEG 2000 files of other programs. `images/make.py` makes them.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test's helpers may fail as the test may"
)]

use std::fs;
use std::path::PathBuf;

use rxrx_decoder::{
    BitDepth, DecodeError, Decoder, ImageFormat, Limits, PlaneShape, ReferenceDecoder, read_header,
};

const HEIGHT: u32 = 45;
const WIDTH: u32 = 70;

fn folder() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/images")
}

fn file(name: &str) -> Vec<u8> {
    fs::read(folder().join(name)).unwrap()
}

/// The plane that `make.py` writes.
fn plane(bits: u8) -> Vec<u8> {
    let pixels = (0..HEIGHT).flat_map(|y| (0..WIDTH).map(move |x| (y, x)));
    let value = |(y, x)| (y * 37 + x * 11 + (y * x) % 13) % 251;
    match bits {
        8 => pixels.map(|at| value(at) as u8).collect(),
        _ => pixels
            .flat_map(|at| ((value(at) * 257 + at.1) as u16).to_le_bytes())
            .collect(),
    }
}

/// Decodes a file with both decoders.
fn decode(file: &[u8]) -> Result<(Vec<u8>, u128), DecodeError> {
    let limits = Limits::default();
    let shape = read_header(file, &limits)?.shape;
    let mut plane = vec![0xA5; shape.byte_len()];
    let summary = Decoder::new(limits).decode(file, shape, &mut plane);
    let mut reference = vec![0x5A; shape.byte_len()];
    let again = ReferenceDecoder::new(limits).decode(file, shape, &mut reference);
    assert_eq!(summary.as_ref().err(), again.as_ref().err());
    let summary = summary?;
    assert_eq!(plane, reference);
    Ok((plane, summary.xxh3_128))
}

#[test]
fn tiff_of_every_kind_that_is_read_gives_the_pixels_that_were_written() {
    for bits in [8, 16] {
        let depth = if bits == 8 {
            BitDepth::Eight
        } else {
            BitDepth::Sixteen
        };
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
            let file = file(&format!("{kind}-{bits}.tif"));
            let header = read_header(&file, &Limits::default()).unwrap();
            let expected = PlaneShape {
                height: HEIGHT,
                width: WIDTH,
                depth,
            };
            assert_eq!((header.format, header.shape), (ImageFormat::Tiff, expected));
            assert!(!header.format.has_header_first() && header.format.decoder().is_none());
            assert!(
                decode(&file).unwrap().0 == plane(bits),
                "{kind} of {bits} bits"
            );
        }
    }
}

#[test]
fn tiff_of_another_kind_is_refused_by_name() {
    for (name, said) in [
        (
            "pages",
            "several pages: if they are the channels, leave {channel} out",
        ),
        ("rgb", "samples of type RGB(8)"),
        ("float", "Gray(32)"),
        ("bits32", "Gray(32)"),
        ("signed", "not unsigned"),
        ("inverted", "white as zero"),
        ("packbits", "compression 32773"),
    ] {
        let error = decode(&file(&format!("x-{name}.tif"))).unwrap_err();
        assert!(
            matches!(error, DecodeError::Unsupported(_)),
            "{name}: {error}"
        );
        assert!(error.to_string().contains(said), "{name}: {error}");
    }
}

#[test]
fn a_truncated_tiff_is_refused_wherever_it_ends() {
    for name in [
        "none-8",
        "lzw-8",
        "deflate-8",
        "strips-16",
        "tiles-deflate-16",
    ] {
        let whole = file(&format!("{name}.tif"));
        let pixels = decode(&whole).unwrap().0;
        for length in (0..whole.len()).step_by(41).chain([whole.len() - 1]) {
            // The end of a file may have no pixels.
            if let Ok((plane, _)) = decode(&whole[..length]) {
                assert!(plane == pixels, "{name} of {length} bytes");
            }
        }
        assert!(decode(&whole[..whole.len() / 2]).is_err(), "{name}");
    }
}

#[test]
fn lossless_jpeg_2000_gives_the_pixels_that_were_written() {
    for (name, bits) in [
        ("lossless-8.jp2", 8),
        ("codestream-8.j2k", 8),
        ("lossless-16.jp2", 16),
    ] {
        let header = read_header(&file(name), &Limits::default()).unwrap();
        assert_eq!(header.format, ImageFormat::Jpeg2000);
        assert_eq!(header.format.decoder(), ImageFormat::Jpeg2000.decoder());
        assert!(decode(&file(name)).unwrap().0 == plane(bits), "{name}");
    }
    let error = decode(&file("x-rgb.jp2")).unwrap_err();
    assert!(
        error.to_string().contains("several samples a pixel"),
        "{error}"
    );
}

/// The decoder would give them as if they were not signed.
#[test]
fn signed_samples_of_jpeg_2000_are_refused() {
    for name in ["lossless-8.jp2", "codestream-8.j2k", "lossy-00.jp2"] {
        let mut bytes = file(name);
        let start = bytes
            .windows(4)
            .position(|four| four == b"\xff\x4f\xff\x51");
        // Ssiz of the first component: its highest bit is the sign.
        bytes[start.unwrap() + 42] |= 0x80;
        let error = decode(&bytes).unwrap_err().to_string();
        assert!(error.contains("signed samples"), "{name}: {error}");
    }
}

#[test]
fn the_recorded_decoder_is_the_one_that_is_built_in() {
    let lock = fs::read_to_string(folder().join("../../../../Cargo.lock")).unwrap();
    let recorded = ImageFormat::Jpeg2000.decoder().unwrap();
    let mut words = recorded.split(' ');
    let (name, version) = (words.next().unwrap(), words.next().unwrap());
    let locked = format!("name = \"{name}\"\nversion = \"{version}\"");
    assert!(
        lock.contains(&locked),
        "Cargo.lock has another version than {recorded}"
    );
}

/// The wavelets of lossy files are computed with floats. The pixels must be the same on
/// every machine of a class, whatever SIMD it has.
#[test]
fn lossy_jpeg_2000_gives_the_same_pixels_on_every_machine_of_a_class() {
    let digests: Vec<u128> = (0..20)
        .map(|at| decode(&file(&format!("lossy-{at:02}.jp2"))).unwrap().1)
        .collect();
    let found: Vec<String> = digests
        .iter()
        .map(|digest| format!("{digest:032x}"))
        .collect();
    let pinned = |name| fs::read_to_string(folder().join(name)).unwrap();
    let is_fused = ImageFormat::Jpeg2000.decoder().unwrap().ends_with(" fused");
    let classes = [pinned("lossy.xxh3"), pinned("lossy-fused.xxh3")];
    let of_class: Vec<&str> = classes[usize::from(is_fused)].lines().collect();
    assert_eq!(found, of_class);
    // They do differ, or the classes would not be needed.
    assert_ne!(classes[0], classes[1]);
}

#[test]
fn lossy_jpeg_2000_is_within_one_of_openjpeg() {
    let theirs = fs::read_to_string(folder().join("lossy.txt")).unwrap();
    for (at, rows) in theirs.lines().enumerate() {
        let plane = decode(&file(&format!("lossy-{at:02}.jp2"))).unwrap().0;
        let sums = plane
            .chunks(80)
            .map(|row| row.iter().map(|pixel| i32::from(*pixel)).sum::<i32>());
        let theirs: Vec<i32> = rows.split(' ').map(|sum| sum.parse().unwrap()).collect();
        assert_eq!(theirs.len(), 96);
        for (ours, theirs) in sums.zip(theirs) {
            assert!(
                (ours - theirs).abs() <= 4,
                "image {at}: {ours} and {theirs}"
            );
        }
    }
}

#[test]
fn a_truncated_jpeg_2000_image_is_refused_wherever_it_ends() {
    for name in ["lossless-8.jp2", "lossy-00.jp2", "codestream-8.j2k"] {
        let whole = file(name);
        for length in (0..whole.len() - 2).step_by(7).chain([whole.len() - 3]) {
            assert!(
                decode(&whole[..length]).is_err(),
                "{name} of {length} bytes"
            );
        }
    }
}

#[test]
fn shapes_and_limits_are_checked() {
    for name in ["none-8.tif", "lossless-8.jp2"] {
        let file = file(name);
        let limits = Limits {
            max_bytes: 2000,
            ..Limits::default()
        };
        assert_eq!(
            read_header(&file, &limits).unwrap_err().kind(),
            "memory_limit"
        );
        let limits = Limits {
            max_width: 69,
            ..Limits::default()
        };
        assert_eq!(
            read_header(&file, &limits).unwrap_err().kind(),
            "dimensions_limit"
        );
        let shape = PlaneShape {
            height: HEIGHT,
            width: WIDTH,
            depth: BitDepth::Sixteen,
        };
        let mut plane = vec![0; shape.byte_len()];
        let error = Decoder::new(Limits::default())
            .decode(&file, shape, &mut plane)
            .unwrap_err();
        assert_eq!(error.kind(), "shape");
    }
}
