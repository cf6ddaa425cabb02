//! Decodes files that are odd and whose pixels are proven: the pixels are kept, both
//! decoders agree, and the oddity is told.
#![allow(
    clippy::unwrap_used,
    reason = "a test's helpers may fail as the test may"
)]

mod pngs;

use pngs::{GREY, GREY_ALPHA, PALETTE, Picture, RGB, RGB_ALPHA, file, small, zlib};
use rxrx_decoder::{
    BitDepth, Damage, DecodeError, Decoder, Limits, Oddity, PlaneShape, ReferenceDecoder,
    read_shape,
};

/// Decodes a file with both decoders. Returns the pixels and the oddities.
fn decode_as(png: &[u8], shape: PlaneShape) -> Result<(Vec<u8>, Vec<Oddity>), DecodeError> {
    let mut plane = vec![0xA5; shape.byte_len()];
    let mut decoder = Decoder::new(Limits::default());
    // What an image before had must not stay.
    let odd = [small().encode(&[4]), b"x".to_vec()].concat();
    let own = read_shape(&odd, &Limits::default()).unwrap();
    decoder
        .decode(&odd, own, &mut vec![0; own.byte_len()])
        .unwrap();
    assert_eq!(
        decoder.oddities().iter().collect::<Vec<_>>(),
        [Oddity::TrailingData]
    );

    let decoded = decoder.decode(png, shape, &mut plane);
    let mut reference = vec![0x5A; shape.byte_len()];
    let again = ReferenceDecoder::new(Limits::default()).decode(png, shape, &mut reference);
    assert_eq!(decoded.as_ref().err(), again.as_ref().err());
    decoded?;
    assert_eq!(plane, reference);
    Ok((plane, decoder.oddities().iter().collect()))
}

fn decode(png: &[u8]) -> Result<(Vec<u8>, Vec<Oddity>), DecodeError> {
    decode_as(png, read_shape(png, &Limits::default())?)
}

#[track_caller]
fn assert_kept(png: &[u8], oddity: Oddity) {
    assert_eq!(decode(png).unwrap(), (small().plane(), vec![oddity]));
}

#[test]
fn a_good_file_has_no_oddity() {
    for picture in [small(), small().interlaced(), small().recoloured(RGB)] {
        let found = decode(&picture.encode(&[4])).unwrap();
        assert_eq!(found, (small().plane(), vec![]));
    }
}

#[test]
fn bytes_behind_the_stream_and_behind_the_end_do_not_cost_the_image() {
    for picture in [small(), small().interlaced(), small().recoloured(RGB)] {
        let stream = zlib(&picture.filtered(&[4]));
        for surplus in [&[0][..], &[0; 4000], b"rubbish", &stream] {
            let longer = [stream.as_slice(), surplus].concat();
            assert_kept(&picture.encode_stream(&longer), Oddity::DataAfterStream);
            let mut split = picture.clone();
            split.pieces = 3;
            assert_kept(&split.encode_stream(&longer), Oddity::DataAfterStream);
            let behind = [picture.encode(&[4]), surplus.to_vec()].concat();
            assert_kept(&behind, Oddity::TrailingData);
        }
    }
}

#[test]
fn an_end_that_is_missing_does_not_cost_the_image_unless_pixels_are_missing() {
    let png = small().encode(&[4]);
    for length in png.len() - 12..png.len() {
        assert_kept(&png[..length], Oddity::MissingEnd);
    }
    let mut wrong = png.clone();
    *wrong.last_mut().unwrap() ^= 1;
    assert_kept(&wrong, Oddity::MissingEnd);
    // Two chunks of pixels: without the second one the file is damaged.
    let mut split = small();
    split.pieces = 2;
    let png = split.encode(&[4]);
    let first = u32::from_be_bytes(*png[33..].first_chunk().unwrap()) as usize + 12;
    let error = decode(&png[..33 + first]).unwrap_err();
    assert!(
        matches!(error, DecodeError::Damaged(Damage::MissingEnd { .. })),
        "{error}"
    );
    let error = decode(&png[..33 + first + 3]).unwrap_err();
    assert!(
        matches!(error, DecodeError::Damaged(Damage::Truncated { .. })),
        "{error}"
    );
}

#[test]
fn a_wrong_crc_costs_the_image_only_if_the_chunk_has_pixels() {
    let png = small().with_chunk(b"tEXt", b"Comment\0cells").encode(&[4]);
    for at in 33 + 8..33 + 12 + 13 {
        let mut changed = png.clone();
        changed[at] ^= 1;
        assert_kept(&changed, Oddity::AncillaryCrc);
    }
    let mut changed = png;
    changed[33 + 12 + 13 + 20] ^= 1;
    let error = decode(&changed).unwrap_err();
    assert!(
        matches!(error, DecodeError::Damaged(Damage::ChunkCrc { .. })),
        "{error}"
    );
}

#[test]
fn transparency_where_none_may_be_is_ignored() {
    let misplaced = Oddity::MisplacedTransparency;
    for (colour, data) in [
        (GREY, &[0][..]),
        (GREY, &[0, 29, 0]),
        (RGB, &[0, 29]),
        (GREY_ALPHA, &[0, 29]),
        (RGB_ALPHA, &[0, 29, 0, 29, 0, 29]),
    ] {
        let picture = small().recoloured(colour).with_chunk(b"tRNS", data);
        assert_kept(&picture.encode(&[4]), misplaced);
    }
    let parts = [
        (*b"IHDR", small().header()),
        (*b"IDAT", zlib(&small().filtered(&[4]))),
        (*b"tRNS", vec![0, 29]),
        (*b"IEND", vec![]),
    ];
    assert_kept(&file(&parts), misplaced);
    // In front of the palette, or with more entries than it has.
    let picture = Picture::new(3, 2, 4, PALETTE, vec![0, 1, 1, 0, 1, 1]);
    let palette = (*b"PLTE", vec![9, 9, 9, 7, 7, 7]);
    for (first, second) in [
        ((*b"tRNS", vec![0, 0]), palette.clone()),
        (palette, (*b"tRNS", vec![0, 0, 0])),
    ] {
        let picture = picture
            .with_chunk(&first.0, &first.1)
            .with_chunk(&second.0, &second.1);
        let found = decode(&picture.encode(&[0])).unwrap();
        assert_eq!(found, (vec![9, 7, 7, 9, 7, 7], vec![misplaced]));
    }
}

/// A program that makes PNGs smaller takes 1, 2 or 4 bits where the samples of 8 bits are
/// multiples of 255, 85 or 17. A sample is a part of the largest one.
#[test]
fn grey_of_few_bits_equals_the_image_of_8_and_16_bits_that_it_was_made_of() {
    for (bits, step) in [(1, 255), (2, 85), (4, 17)] {
        let levels = 1 << bits;
        let samples: Vec<u16> = (0..13 * 11).map(|at: u16| at * 7 % 5 % levels).collect();
        let few = Picture::grey(13, 11, bits, samples.clone());
        let eight: Vec<u8> = samples.iter().map(|sample| (sample * step) as u8).collect();
        let sixteen = samples.iter().map(|sample| sample * step * 257);
        let sixteen: Vec<u8> = sixteen.flat_map(u16::to_le_bytes).collect();
        for picture in [few.interlaced(), few] {
            let png = picture.encode(&[4, 0]);
            assert_eq!(
                decode(&png).unwrap(),
                (eight.clone(), vec![]),
                "{bits} bits"
            );
            let shape = PlaneShape {
                depth: BitDepth::Sixteen,
                ..read_shape(&png, &Limits::default()).unwrap()
            };
            assert_eq!(decode_as(&png, shape).unwrap(), (sixteen.clone(), vec![]));
            // The value that is called transparent occurs, and is that of few bits.
            let see_through = picture.with_chunk(b"tRNS", &[0xFF, samples[1] as u8]);
            let error = decode(&see_through.encode(&[4, 0])).unwrap_err();
            assert_eq!(error.kind(), "transparency");
        }
    }
    // 8 bits of 16 may be another image, and are no part of it.
    let shape = PlaneShape {
        depth: BitDepth::Sixteen,
        ..read_shape(&small().encode(&[4]), &Limits::default()).unwrap()
    };
    let error = decode_as(&small().encode(&[4]), shape).unwrap_err();
    assert_eq!(error.kind(), "shape");
}
