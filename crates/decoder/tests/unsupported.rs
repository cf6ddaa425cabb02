//! Decodes valid PNGs that are not a plane of 8- or 16-bit grey, or have another shape than
//! the expected one: each error names the reason and the first pixel with it.
#![allow(
    clippy::unwrap_used,
    reason = "a test's helpers may fail as the test may"
)]

mod pngs;

use pngs::{GREY, GREY_ALPHA, PALETTE, Picture, RGB, RGB_ALPHA, decode, file, small};
use rxrx_decoder::{
    BitDepth, BufferError, ChunkName, Damage, DecodeError, Decoder, Limits, PlaneShape,
    Unsupported, read_shape,
};

#[track_caller]
fn assert_unsupported(png: &[u8], expected: Unsupported, kind: &str) {
    let error = decode(png).unwrap_err();
    assert_eq!(error.kind(), kind);
    assert_eq!(error, DecodeError::Unsupported(expected));
}

#[track_caller]
fn assert_damage(png: &[u8], expected: Damage, kind: &str) {
    let error = decode(png).unwrap_err();
    assert_eq!(error.kind(), kind);
    assert_eq!(error, DecodeError::Damaged(expected));
}

#[test]
fn an_unexpected_shape_or_buffer_is_refused() {
    let png = small().encode(&[4]);
    let found = read_shape(&png, &Limits::default()).unwrap();
    let mut decoder = Decoder::new(Limits::default());
    for expected in [
        PlaneShape {
            height: 13,
            width: 11,
            ..found
        },
        PlaneShape {
            depth: BitDepth::Sixteen,
            ..found
        },
    ] {
        let error = decoder
            .decode(&png, expected, &mut vec![0; expected.byte_len()])
            .unwrap_err();
        assert_eq!(
            error,
            DecodeError::Unsupported(Unsupported::Shape { found, expected })
        );
    }
    let error = decoder.decode(&png, found, &mut [0; 142]).unwrap_err();
    let expected = BufferError::Length {
        expected: 143,
        actual: 142,
    };
    assert_eq!(error, DecodeError::Buffer(expected));
    assert_eq!(found.to_string(), "11 x 13, 8 bit");
}

#[test]
fn colour_is_refused_at_its_first_pixel() {
    for bits in [8, 16] {
        let grey = Picture::grey(13, 11, bits, small().samples);
        for colour_type in [RGB, RGB_ALPHA] {
            for channel in 0..3 {
                let mut picture = grey.recoloured(colour_type);
                let samples = pngs::samples_per_pixel(colour_type);
                picture.samples[(4 * 13 + 6) * samples + channel] ^= 1;
                picture.samples[(9 * 13 + 1) * samples + channel] ^= 1;
                for picture in [picture.interlaced(), picture] {
                    let mut pixel = [grey.samples[4 * 13 + 6]; 3];
                    pixel[channel] ^= 1;
                    let [red, green, blue] = pixel;
                    let (y, x) = (4, 6);
                    let expected = Unsupported::Colour {
                        y,
                        x,
                        red,
                        green,
                        blue,
                    };
                    assert_unsupported(&picture.encode(&[4]), expected, "colour");
                }
            }
        }
    }
}

#[test]
fn transparency_is_refused_at_its_first_pixel() {
    for colour_type in [GREY_ALPHA, RGB_ALPHA] {
        let mut picture = small().recoloured(colour_type);
        let samples = pngs::samples_per_pixel(colour_type);
        picture.samples[(3 * 13 + 2) * samples + samples - 1] = 254;
        let (y, x, alpha) = (3, 2, 254);
        let expected = Unsupported::Transparency { y, x, alpha };
        assert_unsupported(&picture.encode(&[4]), expected, "transparency");
    }
    let (y, x, alpha) = (0, 1, 0);
    let expected = Unsupported::Transparency { y, x, alpha };
    // The second pixel is 29. High bits of an 8-bit value are ignored.
    let picture = small().with_chunk(b"tRNS", &[0xAB, 29]);
    assert_unsupported(&picture.encode(&[4]), expected.clone(), "transparency");
    let picture = small().recoloured(RGB);
    let picture = picture.with_chunk(b"tRNS", &[0, 29, 0, 29, 0, 29]);
    assert_unsupported(&picture.encode(&[4]), expected, "transparency");

    for picture in [
        small().with_chunk(b"tRNS", &[0, 255]),
        small()
            .recoloured(RGB)
            .with_chunk(b"tRNS", &[0, 29, 0, 29, 0, 30]),
    ] {
        let plane = decode(&picture.encode(&[4])).unwrap();
        assert_eq!(plane, small().plane(), "no pixel has that colour");
    }
}

#[test]
fn palettes_must_exist_be_grey_and_have_every_index() {
    let picture = Picture::new(3, 2, 4, PALETTE, vec![0, 1, 1, 0, 2, 1]);
    assert_damage(
        &picture.encode(&[0]),
        Damage::MissingPalette,
        "missing_palette",
    );
    let with = |palette: &[u8]| picture.with_chunk(b"PLTE", palette).encode(&[0]);

    let (y, x, index) = (1, 1, 2);
    let entries = 2;
    let expected = Damage::PaletteIndex {
        y,
        x,
        index,
        entries,
    };
    assert_damage(&with(&[9, 9, 9, 7, 7, 7]), expected, "palette_index");
    let coloured = with(&[9, 9, 9, 7, 7, 7, 5, 5, 4]);
    let (red, green, blue) = (5, 5, 4);
    let expected = Unsupported::PaletteColour {
        y,
        x,
        index,
        red,
        green,
        blue,
    };
    assert_unsupported(&coloured, expected, "palette_colour");
    // An entry that no pixel uses may be coloured.
    let unused = with(&[9, 9, 9, 7, 7, 7, 5, 5, 5, 1, 2, 3]);
    assert_eq!(decode(&unused).unwrap(), [9, 7, 7, 9, 5, 7]);

    for length in [0, 4, 257 * 3] {
        let palette = vec![0; length];
        // With other colour types a palette is a suggestion, but must be valid.
        let suggested = small().with_chunk(b"PLTE", &palette).encode(&[0]);
        for png in [with(&palette), suggested] {
            let error = decode(&png).unwrap_err();
            assert_eq!(error.kind(), "chunk_length", "{length}");
        }
    }
    let suggested = small().with_chunk(b"PLTE", &[1, 2, 3]).encode(&[0]);
    assert_eq!(decode(&suggested).unwrap(), small().plane());
    let see_through = picture
        .with_chunk(b"PLTE", &[9; 9])
        .with_chunk(b"tRNS", &[255, 255, 128]);
    let alpha = 128;
    let expected = Unsupported::Transparency { y, x, alpha };
    assert_unsupported(&see_through.encode(&[0]), expected, "transparency");
}

#[test]
fn animations_and_unknown_critical_chunks_are_refused() {
    let offset = 33;
    let animated = small().with_chunk(b"acTL", &[0, 0, 0, 1, 0, 0, 0, 0]);
    let expected = Unsupported::Animation { offset };
    assert_unsupported(&animated.encode(&[0]), expected, "animation");
    let critical = small().with_chunk(b"CgBI", &[0; 4]);
    let expected = Unsupported::CriticalChunk {
        chunk: ChunkName(*b"CgBI"),
        offset,
    };
    assert_unsupported(&critical.encode(&[0]), expected, "critical_chunk");
}

#[test]
fn each_colour_type_allows_its_depths_only() {
    for bits in 0..=17 {
        for colour_type in [GREY, RGB, PALETTE, GREY_ALPHA, RGB_ALPHA] {
            let mut header = small().header();
            header[8] = bits;
            header[9] = colour_type;
            let result = read_shape(&file(&[(*b"IHDR", header)]), &Limits::default());
            match (colour_type, bits) {
                (PALETTE | GREY, 1 | 2 | 4)
                | (PALETTE, 8)
                | (GREY | RGB | GREY_ALPHA | RGB_ALPHA, 8) => {
                    assert_eq!(result.unwrap().depth, BitDepth::Eight);
                }
                (GREY | RGB | GREY_ALPHA | RGB_ALPHA, 16) => {
                    assert_eq!(result.unwrap().depth, BitDepth::Sixteen);
                }
                _ => {
                    let expected = Damage::HeaderDepth { bits, colour_type };
                    assert_eq!(result, Err(DecodeError::Damaged(expected)));
                }
            }
        }
    }
}
