//! Decodes images of every colour type, bit depth, interlacing and filter that PNG has, like
//! PngSuite. Grey images give exactly the pixels that were written, and exactly those that
//! the `image` crate reads.
#![allow(
    clippy::indexing_slicing,
    clippy::unwrap_used,
    reason = "a test's helpers may fail as the test may"
)]

mod pngs;

use pngs::{GREY, GREY_ALPHA, PALETTE, Picture, RGB, RGB_ALPHA, decode};
use rand::{Rng, RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use rxrx_decoder::{BitDepth, Decoder, Limits, PlaneShape, read_shape};

/// Decodes with the `image` crate, and returns the first channel as a plane.
fn decode_with_image_crate(png: &[u8], bits: u8) -> Vec<u8> {
    let image = image::load_from_memory(png).unwrap();
    match bits {
        16 => {
            let samples = image.to_rgba16().into_raw();
            samples.chunks(4).flat_map(|p| p[0].to_le_bytes()).collect()
        }
        _ => image
            .to_rgba8()
            .into_raw()
            .chunks(4)
            .map(|p| p[0])
            .collect(),
    }
}

/// A smooth image with noise, so that every predictor is close and none is exact.
fn smooth(width: usize, height: usize, bits: u8, seed: u64) -> Picture {
    let mut random = ChaCha8Rng::seed_from_u64(seed);
    let samples = (0..width * height)
        .map(|i| {
            let wave = (i % width) * (i / width) * 37;
            let value = wave as u32 + random.next_u32() % 97;
            if bits == 16 {
                value as u16
            } else {
                (value & 0xFF) as u16
            }
        })
        .collect();
    Picture::grey(width, height, bits, samples)
}

const ALL_FILTERS: [&[u8]; 6] = [&[0], &[1], &[2], &[3], &[4], &[4, 3, 0, 2, 1]];

#[test]
fn grey_in_every_colour_type_decodes_to_the_pixels_written() {
    let mut files = 0;
    for (width, height) in [(1, 1), (1, 9), (2, 2), (3, 5), (7, 8), (32, 32), (33, 17)] {
        for bits in [8, 16] {
            let grey = smooth(width, height, bits, 1);
            for colour_type in [GREY, GREY_ALPHA, RGB, RGB_ALPHA] {
                let picture = grey.recoloured(colour_type);
                for picture in [picture.interlaced(), picture] {
                    for filters in ALL_FILTERS {
                        let png = picture.encode(filters);
                        let plane = decode(&png).unwrap();
                        assert_eq!(plane, grey.plane(), "{picture:?}");
                        assert_eq!(plane, decode_with_image_crate(&png, bits), "{picture:?}");
                        files += 1;
                    }
                }
            }
        }
    }
    assert_eq!(files, 7 * 2 * 4 * 2 * 6);
}

#[test]
fn a_grey_palette_decodes_to_its_entries() {
    for bits in [1, 2, 4, 8] {
        let entries = 1_usize << bits;
        let palette: Vec<u8> = (0..entries).flat_map(|i| [(i * 91 + 5) as u8; 3]).collect();
        for (width, height) in [(1, 1), (9, 4), (17, 11)] {
            let samples = (0..width * height).map(|i| (i * 7 % entries) as u16);
            let samples: Vec<u16> = samples.collect();
            let expected: Vec<u8> = samples.iter().map(|s| palette[3 * *s as usize]).collect();
            let picture = Picture::new(width, height, bits, PALETTE, samples)
                .with_chunk(b"PLTE", &palette)
                .with_chunk(b"tRNS", &[255]);
            for picture in [picture.interlaced(), picture] {
                for filters in ALL_FILTERS {
                    let png = picture.encode(filters);
                    assert_eq!(decode(&png).unwrap(), expected, "{picture:?}");
                    assert_eq!(decode_with_image_crate(&png, 8), expected, "{picture:?}");
                }
            }
        }
    }
}

#[test]
fn random_images_decode_equally_on_both_paths() {
    let mut random = ChaCha8Rng::seed_from_u64(20_240_607);
    let mut decoder = Decoder::new(Limits::default());
    for round in 0..600 {
        let width = random.random_range(1..=if round % 10 == 0 { 300 } else { 40 });
        let height = random.random_range(1..=70);
        let bits = if random.random() { 8 } else { 16 };
        let ceiling = [2, 17, 255, 0xFFFF][random.random_range(0..4)];
        let ceiling: u16 = if bits == 8 { ceiling.min(254) } else { ceiling };
        let samples = (0..width * height)
            .map(|_| random.random_range(0..ceiling))
            .collect();
        let mut picture = Picture::grey(width, height, bits, samples);
        picture.pieces = random.random_range(1..5);
        let filters: Vec<u8> = (0..height).map(|_| random.random_range(0..5)).collect();
        // With a transparent value that does not occur, the same rows take the path of
        // the `png` crate.
        let unused_value = if bits == 8 { 254_u16 } else { 0xFFFF };
        let general = picture.with_chunk(b"tRNS", &unused_value.to_be_bytes());
        let depth = match bits {
            8 => BitDepth::Eight,
            _ => BitDepth::Sixteen,
        };
        let shape = PlaneShape {
            height: height as u32,
            width: width as u32,
            depth,
        };
        let (mut fast, mut slow) = (vec![1; shape.byte_len()], vec![2; shape.byte_len()]);
        let png = picture.encode(&filters);
        let measured_fast = decoder.decode(&png, shape, &mut fast).unwrap();
        let measured_slow = decoder
            .decode(&general.encode(&filters), shape, &mut slow)
            .unwrap();
        assert_eq!(fast, picture.plane(), "round {round}");
        assert_eq!(fast, slow, "round {round}");
        assert_eq!(measured_fast, measured_slow, "round {round}");
        assert_eq!(fast, decode_with_image_crate(&png, bits), "round {round}");
    }
}

/// Rows of random bytes with random filters, which no encoder writes.
#[test]
fn random_rows_unfilter_by_definition() {
    let mut random = ChaCha8Rng::seed_from_u64(7);
    for _ in 0..400 {
        let (width, height) = (random.random_range(1..90), random.random_range(1..60));
        let bits: u8 = if random.random() { 8 } else { 16 };
        let distance = usize::from(bits / 8);
        let row_bytes = width * distance;
        let mut filtered = vec![0; (row_bytes + 1) * height];
        random.fill_bytes(&mut filtered);
        let runs = random.random_range(1..40);
        let mut filter = 0;
        for (y, row) in filtered.chunks_mut(row_bytes + 1).enumerate() {
            if y % runs == 0 {
                filter = random.random_range(0..5);
            }
            row[0] = filter;
        }
        let mut expected = pngs::reference_unfilter(&filtered, row_bytes, distance);
        if bits == 16 {
            expected.chunks_mut(2).for_each(|sample| sample.swap(0, 1));
        }
        let picture = Picture::grey(width, height, bits, vec![0; width * height]);
        let png = picture.encode_stream(&pngs::zlib(&filtered));
        assert_eq!(decode(&png).unwrap(), expected);
    }
}

#[test]
fn ancillary_chunks_do_not_alter_samples() {
    let plain = smooth(20, 10, 8, 3);
    let mut picture = plain
        .with_chunk(b"gAMA", &45_455_u32.to_be_bytes())
        .with_chunk(b"sBIT", &[4])
        .with_chunk(b"bKGD", &[0, 9])
        .with_chunk(b"pHYs", &[0, 0, 0, 1, 0, 0, 0, 1, 1])
        .with_chunk(b"tEXt", b"Comment\0cells")
        // Invalid chunks that have no influence on samples.
        .with_chunk(b"cHRM", b"too short")
        .with_chunk(b"iCCP", b"broken");
    picture.pieces = 3;
    for picture in [picture.interlaced(), picture] {
        assert_eq!(decode(&picture.encode(&[4])).unwrap(), plain.plane());
    }
}

#[test]
fn one_decoder_decodes_images_of_any_shape_in_any_order() {
    let limits = Limits::default();
    let mut decoder = Decoder::new(limits);
    for seed in 0..40 {
        let size = 1 + (seed as usize * 53) % 97;
        let bits = if seed % 3 == 0 { 16 } else { 8 };
        let picture = smooth(size, 98 - size, bits, seed);
        let mut coded = picture.recoloured([GREY, GREY_ALPHA, RGB, RGB_ALPHA][seed as usize % 4]);
        coded.interlaced = seed % 5 == 0;
        coded.pieces = 1 + seed as usize % 3;
        let png = coded.encode(&[4, 4, 1]);
        let shape = read_shape(&png, &limits).unwrap();
        let mut plane = vec![0; shape.byte_len()];
        decoder.decode(&png, shape, &mut plane).unwrap();
        assert_eq!(plane, picture.plane());
        // A failure has no influence on the next image.
        decoder.decode(&png[..60], shape, &mut plane).unwrap_err();
    }
}
