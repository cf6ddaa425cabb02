//! Decodes damaged files: each error names the cause, nothing panics, and no file gives
//! other pixels than those that were written.
#![allow(
    clippy::unwrap_used,
    reason = "a test's helpers may fail as the test may"
)]

mod pngs;

use pngs::{GREY, GREY_ALPHA, Picture, RGB, RGB_ALPHA, chunk, decode, file, small, zlib};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use rxrx_decoder::{
    BitDepth, ChunkName, Damage, DecodeError, Decoder, LimitExceeded, Limits, Part, PlaneShape,
    read_shape,
};

const IHDR: ChunkName = ChunkName(*b"IHDR");
const IDAT: ChunkName = ChunkName(*b"IDAT");

#[track_caller]
fn assert_damage(png: &[u8], expected: Damage, kind: &str) {
    let error = decode(png).unwrap_err();
    assert_eq!(error.kind(), kind);
    assert_eq!(error, DecodeError::Damaged(expected));
}

/// The chunks of a file with their data.
fn chunks(picture: &Picture) -> Vec<([u8; 4], Vec<u8>)> {
    vec![
        (*b"IHDR", picture.header()),
        (*b"IDAT", zlib(&picture.filtered(&[4]))),
        (*b"IEND", Vec::new()),
    ]
}

#[test]
fn every_changed_byte_is_an_error() {
    let picture = small().with_chunk(b"tEXt", b"Comment\0cells");
    let mut split = picture.clone();
    split.pieces = 3;
    for picture in [picture.clone(), split, picture.interlaced()] {
        let png = picture.encode(&[4, 3, 0, 2, 1]);
        decode(&png).unwrap();
        for at in 0..png.len() {
            for change in [0x01, 0x20, 0x80, 0xFF] {
                let mut damaged = png.clone();
                damaged[at] ^= change;
                // A chunk without pixels, or one behind them, does not matter.
                match decode(&damaged) {
                    Ok(plane) => assert_eq!(plane, small().plane(), "byte {at}"),
                    Err(error) => assert!(!error.to_string().is_empty()),
                }
                let is_text = (33..33 + 12 + 13).contains(&at);
                let is_end = at >= png.len() - 12;
                assert!(is_text || is_end || decode(&damaged).is_err(), "byte {at}");
            }
        }
    }
}

/// The CRC is right, so only Adler-32 and the structure of the stream reveal the damage.
#[test]
fn a_changed_stream_never_gives_other_pixels() {
    let mut random = ChaCha8Rng::seed_from_u64(3);
    for picture in [small(), small().interlaced(), small().recoloured(RGB)] {
        let stream = zlib(&picture.filtered(&[4, 3, 0, 2, 1]));
        let mut refused = 0;
        for at in 0..stream.len() {
            for _ in 0..8 {
                let mut damaged = stream.clone();
                damaged[at] ^= random.random_range(1..=255);
                match decode(&picture.encode_stream(&damaged)) {
                    // The change is in the bits that pad the last deflate block to a byte.
                    Ok(plane) => assert_eq!(plane, small().plane()),
                    Err(_) => refused += 1,
                }
            }
        }
        assert!(refused > stream.len() * 7, "{refused} refused");
    }
}

/// Changes files at random and corrects their CRCs. The `image` crate must accept all files
/// that we accept, and give the same pixels.
#[test]
fn accepted_changed_files_equal_those_of_the_image_crate() {
    let mut random = ChaCha8Rng::seed_from_u64(11);
    let mut accepted = 0;
    for round in 0..6000 {
        let picture = match round % 4 {
            0 => small(),
            1 => small().interlaced(),
            2 => small().with_chunk(b"tRNS", &[0, 255]),
            _ => small().recoloured(GREY_ALPHA),
        };
        let mut parts = chunks(&picture);
        parts.splice(1..1, picture.extra.clone());
        for _ in 0..random.random_range(1..3) {
            let part = random.random_range(0..parts.len());
            let (name, data) = &mut parts[part];
            match random.random_range(0..12) {
                0 => name[random.random_range(0..4)] ^= 0x20,
                1 => drop(data.pop()),
                2 => data.push(random.random()),
                _ if data.is_empty() => {}
                _ => {
                    let at = random.random_range(0..data.len());
                    data[at] ^= 1 << random.random_range(0..8);
                }
            }
        }
        let png = file(&parts);
        if let Ok(plane) = decode(&png) {
            accepted += 1;
            let image =
                image::load_from_memory(&png).expect("we accept it, the image crate refuses");
            assert_eq!(plane, image.to_luma8().into_raw(), "round {round}");
        }
    }
    assert!(accepted > 100, "{accepted} accepted");
}

#[test]
fn every_truncation_before_the_last_pixel_is_an_error() {
    let picture = small().with_chunk(b"tEXt", b"Comment\0cells");
    let png = picture.encode(&[4]);
    let boundaries = [33, 33 + 12 + 13];
    for length in png.len() - 12..png.len() {
        assert_eq!(decode(&png[..length]).unwrap(), small().plane());
    }
    for length in 0..png.len() - 12 {
        let error = decode(&png[..length]).unwrap_err();
        let expected = match length {
            0 => "empty",
            length if boundaries.contains(&length) => "missing_end",
            _ => "truncated",
        };
        assert_eq!(error.kind(), expected, "{length} bytes: {error}");
    }
}

#[test]
fn truncation_names_the_part_and_its_length() {
    let png = small().encode(&[4]);
    let data = png.len() - 33 - 12;
    let cases = [
        (5, Part::Signature, 0, 8, 5),
        (14, Part::ChunkHead, 8, 8, 6),
        (20, Part::Chunk(IHDR), 8, 25, 12),
        (36, Part::ChunkHead, 33, 8, 3),
        (60, Part::Chunk(IDAT), 33, data, 27),
    ];
    for (length, part, offset, needed, available) in cases {
        let expected = Damage::Truncated {
            part,
            offset,
            needed,
            available,
        };
        assert_damage(&png[..length], expected, "truncated");
    }
}

#[test]
fn other_formats_are_not_a_png() {
    assert_damage(b"", Damage::Empty, "empty");
    let found = b"<html><b".to_vec();
    assert_damage(b"<html><body>", Damage::Signature { found }, "signature");
    assert_eq!(
        decode(b"\xFF\xD8").unwrap_err().to_string(),
        r#"neither PNG, TIFF nor JPEG 2000: the file begins with "\xff\xd8""#
    );
}

#[test]
fn chunks_must_be_there_once_and_in_order() {
    let [header, data, end] = chunks(&small()).try_into().unwrap();
    let text = (*b"tEXt", b"a\0b".to_vec());
    let idat = 33;
    let after_data = idat + 12 + data.1.len();
    let found = IDAT;
    let order = |name: &[u8; 4], offset| Damage::ChunkOrder {
        chunk: ChunkName(*name),
        offset,
    };
    let cases = [
        (
            vec![&data, &end],
            Damage::MissingHeader { found },
            "missing_header",
        ),
        (
            vec![&header, &end],
            Damage::MissingImageData,
            "missing_image_data",
        ),
        (
            vec![&header, &header, &data, &end],
            order(b"IHDR", 33),
            "chunk_order",
        ),
        (
            vec![&header, &data, &text, &data, &end],
            order(b"IDAT", after_data + 15),
            "chunk_order",
        ),
    ];
    for (parts, expected, kind) in cases {
        let parts: Vec<_> = parts.into_iter().cloned().collect();
        assert_damage(&file(&parts), expected, kind);
    }
    let late = (*b"PLTE", vec![0; 3]);
    let parts = [header, data, late, end];
    assert_damage(&file(&parts), order(b"PLTE", after_data), "chunk_order");
}

#[test]
fn impossible_lengths_are_refused() {
    let [header, data, _] = chunks(&small()).try_into().unwrap();
    let error = decode(&file(&[header.clone(), data, (*b"IEND", vec![0])])).unwrap_err();
    assert_eq!(error.kind(), "chunk_length");
    let error = decode(&file(&[(*b"IHDR", header.1[..12].to_vec())])).unwrap_err();
    assert_eq!(error.kind(), "chunk_length");
    let mut png = file(&[header]);
    png.extend(u32::MAX.to_be_bytes());
    png.extend(b"IDAT");
    let expected = Damage::ChunkLength {
        chunk: IDAT,
        offset: 33,
        length: u32::MAX,
    };
    assert_damage(&png, expected, "chunk_length");
}

#[test]
fn header_fields_that_png_does_not_define_are_named() {
    for (at, value, field) in [
        (0, 0x80, "width"),
        (9, 1, "colour type"),
        (9, 7, "colour type"),
        (10, 1, "compression method"),
        (11, 1, "filter method"),
        (12, 2, "interlace method"),
    ] {
        let mut header = small().header();
        header[at] = value;
        let DecodeError::Damaged(Damage::HeaderField { field: found, .. }) =
            decode(&file(&[(*b"IHDR", header)])).unwrap_err()
        else {
            panic!("{field}");
        };
        assert_eq!(found, field);
    }
    for (width, height) in [(0, 1), (1, 0)] {
        let error = decode(&Picture::grey(width, height, 8, vec![]).encode(&[0])).unwrap_err();
        assert_eq!(error.kind(), "header_field");
    }
}

#[test]
fn the_stream_must_hold_the_promised_pixels_and_nothing_else() {
    for picture in [small(), small().interlaced(), small().recoloured(RGB)] {
        let filtered = picture.filtered(&[4]);
        let expected = filtered.len();
        let file_of = |bytes: &[u8]| picture.encode_stream(&zlib(bytes));

        let too_much = Damage::TooMuchPixelData { expected };
        let longer = [filtered.as_slice(), &[0]].concat();
        assert_damage(&file_of(&longer), too_much, "too_much_pixel_data");
        let actual = expected - 1;
        let too_little = Damage::TooLittlePixelData { expected, actual };
        let shorter = file_of(&filtered[..actual]);
        assert_damage(&shorter, too_little, "too_little_pixel_data");

        let stream = zlib(&filtered);
        // A byte between the last deflate block and its checksum, both of which are
        // right. The fuzzer found this case.
        let mut gap = stream.clone();
        gap.insert(stream.len() - 4, 1);
        let error = decode(&picture.encode_stream(&gap)).unwrap_err();
        assert_eq!(error.kind(), "adler32");
        let mut wrong = stream.clone();
        let last = wrong.len() - 1;
        wrong[last] ^= 1;
        let adler = |bytes: &[u8]| u32::from_be_bytes(*bytes.last_chunk().unwrap());
        let expected = Damage::Adler32 {
            stored: adler(&wrong),
            computed: adler(&stream),
        };
        assert_damage(&picture.encode_stream(&wrong), expected, "adler32");

        for cut in [1, 4, 5, 20, stream.len() - 2, stream.len() - 1] {
            let error = decode(&picture.encode_stream(&stream[..stream.len() - cut])).unwrap_err();
            assert!(
                matches!(error.kind(), "inflate" | "adler32"),
                "{cut}: {error}"
            );
        }
        // Wrong method, window, check bits; a preset dictionary.
        for head in [[0x77, 0x9F], [0x88, 0x1C], [0x78, 0x9D], [0x78, 0xBB]] {
            let mut wrong = stream.clone();
            wrong[..2].copy_from_slice(&head);
            let error = decode(&picture.encode_stream(&wrong)).unwrap_err();
            assert_eq!(error.kind(), "inflate", "{head:?}");
        }
    }
    let empty = file(&[
        (*b"IHDR", small().header()),
        (*b"IDAT", vec![]),
        (*b"IEND", vec![]),
    ]);
    let compressed = 0;
    assert_damage(&empty, Damage::Inflate { compressed }, "inflate");
}

#[test]
fn filter_bytes_above_four_name_the_row() {
    let row = 7;
    for bits in [8, 16] {
        let samples = vec![1; 9 * 10];
        let plain = Picture::grey(9, 10, bits, samples);
        for picture in [plain.recoloured(RGB), plain.interlaced(), plain] {
            for filter in [5, 6, 255] {
                let filters = [4, 4, 4, 4, 4, 4, 4, filter, 4, 4];
                let png = picture.encode(&filters);
                assert_damage(&png, Damage::Filter { row, filter }, "filter");
            }
        }
    }
}

#[test]
fn a_decompression_bomb_is_stopped_at_the_size_of_its_header() {
    // 64 MiB of zeros in 64 KiB. The header promises 143 pixels.
    let bomb = zlib(&vec![0; 64 << 20]);
    assert!(bomb.len() < 100_000);
    let expected = 11 * 14;
    let png = small().encode_stream(&bomb);
    assert_damage(
        &png,
        Damage::TooMuchPixelData { expected },
        "too_much_pixel_data",
    );
}

#[test]
fn limits_are_checked_before_anything_is_allocated() {
    let header = |width: u32, height: u32, bits: u8, colour_type: u8| {
        let mut header = [width.to_be_bytes(), height.to_be_bytes()].concat();
        header.extend([bits, colour_type, 0, 0, 0]);
        file(&[(*b"IHDR", header)])
    };
    let limits = Limits::default();
    let error = read_shape(&header(0x7FFF_FFFF, 0x7FFF_FFFF, 16, RGB_ALPHA), &limits).unwrap_err();
    assert_eq!(error.kind(), "dimensions_limit");
    let error = read_shape(&header(32_768, 32_768, 16, RGB_ALPHA), &limits).unwrap_err();
    assert_eq!(error.kind(), "memory_limit");
    let open = Limits {
        max_width: u32::MAX,
        max_height: u32::MAX,
        max_bytes: usize::MAX,
    };
    for colour_type in [GREY, RGB_ALPHA] {
        // Must not overflow, whether it accepts the header or not.
        let _ = read_shape(&header(0x7FFF_FFFF, 0x7FFF_FFFF, 16, colour_type), &open);
    }

    let narrow = Limits {
        max_width: 12,
        ..limits
    };
    let expected = LimitExceeded::Dimensions {
        height: 11,
        width: 13,
        max_height: 32_768,
        max_width: 12,
    };
    let png = small().encode(&[4]);
    assert_eq!(read_shape(&png, &narrow), Err(DecodeError::Limit(expected)));
    // Plane and inflated rows with their filter bytes.
    let needed = 11 * 13 + 11 * 14;
    for (max_bytes, fits) in [(needed, true), (needed - 1, false)] {
        let limits = Limits {
            max_bytes,
            ..limits
        };
        assert_eq!(read_shape(&png, &limits).is_ok(), fits);
        let shape = PlaneShape {
            height: 11,
            width: 13,
            depth: BitDepth::Eight,
        };
        let result = Decoder::new(limits).decode(&png, shape, &mut [0; 143]);
        assert_eq!(result.is_ok(), fits);
    }
}

#[test]
fn the_first_33_bytes_give_the_shape() {
    let png = small().encode(&[4]);
    let limits = Limits::default();
    let shape = read_shape(&png[..33], &limits).unwrap();
    assert_eq!(shape, read_shape(&png, &limits).unwrap());
    assert_eq!(
        read_shape(&png[..32], &limits).unwrap_err().kind(),
        "truncated"
    );
    let lone = [pngs::SIGNATURE, &chunk(b"IHDR", &small().header())].concat();
    assert_eq!(read_shape(&lone, &limits).unwrap(), shape);
}
