use rxrx_metadata::Layout;

use super::*;
use crate::codec::{ChunkEncoder, EncoderScratch};

fn geometry(data_type: DataType) -> ArrayGeometry {
    let layout = Layout {
        chunk_sites: 2,
        shard_sites: Some(4),
        ..Layout::default()
    };
    ArrayGeometry::new(8, 3, 20, 12, data_type, layout).unwrap()
}

/// Calls `check` with a decoder, pixels of a chunk, and its stored bytes, for each codec
/// and type.
fn each(mut check: impl FnMut(&ChunkDecoder, &[u8], &[u8])) {
    for data_type in [DataType::UInt8, DataType::UInt16] {
        for codec in Codec::ALL {
            let geometry = geometry(data_type);
            let pixels: Vec<u8> = (0..geometry.chunk_bytes())
                .map(|index| (index * index / 7 % 251) as u8)
                .collect();
            let encoder = ChunkEncoder::new(codec, &geometry).unwrap();
            let (mut scratch, mut stored) = (EncoderScratch::default(), Vec::new());
            let mut chunk = encoder.begin(&mut scratch, &mut stored);
            for plane in pixels.chunks(geometry.plane_bytes()) {
                chunk.add_plane(plane).unwrap();
            }
            chunk.finish().unwrap();
            check(
                &ChunkDecoder::new(codec, &geometry).unwrap(),
                &pixels,
                &stored,
            );
        }
    }
}

fn sealed(mut compressed: Vec<u8>) -> Vec<u8> {
    let checksum = crc32c::crc32c(&compressed).to_le_bytes();
    compressed.extend_from_slice(&checksum);
    compressed
}

#[test]
fn pixels_come_back() {
    each(|decoder, pixels, stored| {
        let mut decoded = vec![0xA5; pixels.len()];
        decoder.decode(stored, &mut decoded).unwrap();
        assert!(decoded == pixels, "{}", decoder.codec);
        let plainly = decoder.decode_plainly(stored).unwrap();
        assert!(plainly == pixels, "{}", decoder.codec);
    });
}

#[test]
fn one_scratch_serves_every_decoder() {
    let mut scratch = DecoderScratch::default();
    for _ in 0..2 {
        each(|decoder, pixels, stored| {
            let mut decoded = vec![0xA5; pixels.len()];
            let decoding = decoder.decode_with(stored, &mut decoded, &mut scratch);
            assert!(decoding.is_ok() && decoded == pixels, "{}", decoder.codec);
            let cut = sealed(stored[..stored.len() / 2].to_vec());
            let error = decoder.decode_with(&cut, &mut decoded, &mut scratch);
            assert!(error.is_err());
        });
    }
}

/// Each plane of a chunk alone, in memory that holds other bytes.
#[test]
fn chosen_planes_are_decoded() {
    let mut scratch = DecoderScratch::default();
    each(|decoder, pixels, stored| {
        let plane_bytes = pixels.len() / 6;
        for (number, plane) in pixels.chunks(plane_bytes).enumerate() {
            let place = number * plane_bytes..(number + 1) * plane_bytes;
            let mut decoded = vec![0xA5; pixels.len()];
            let wanted = |part: Range<usize>| part.start < place.end && place.start < part.end;
            let decoding = decoder.decode_part(stored, &mut decoded, &mut scratch, wanted);
            assert!(decoding.is_ok() && decoded[place.clone()] == *plane);
        }
    });
}

#[test]
fn each_flipped_bit_is_noticed() {
    each(|decoder, pixels, stored| {
        let mut decoded = vec![0; pixels.len()];
        for bit in (0..stored.len() * 8).step_by(11) {
            let mut damaged = stored.to_vec();
            damaged[bit / 8] ^= 1 << (bit % 8);
            let error = decoder.decode(&damaged, &mut decoded).unwrap_err();
            assert!(
                matches!(error, ChunkDecodeError::Checksum { .. }),
                "{error}"
            );
        }
        for length in [0, 3, 4, 12, stored.len() - 1] {
            decoder.decode(&stored[..length], &mut decoded).unwrap_err();
        }
    });
}

/// Bytes with a right checksum that are no chunk of the array are refused.
#[test]
fn damaged_chunks_with_a_right_checksum_are_refused() {
    each(|decoder, pixels, stored| {
        let compressed = &stored[..stored.len() - CRC32C_BYTES];
        let mut decoded = vec![0; pixels.len()];
        for length in 0..compressed.len() {
            let cut = sealed(compressed[..length].to_vec());
            decoder.decode(&cut, &mut decoded).unwrap_err();
        }
        // A chunk that states, or has, a far larger decoded size.
        let mut huge = compressed.to_vec();
        match decoder.codec {
            Codec::BloscZstd | Codec::BloscLz4 => {
                huge[4..8].copy_from_slice(&i32::MAX.to_le_bytes());
            }
            Codec::Zstd | Codec::DeltaZstd => {
                huge = zstd::bulk::compress(&vec![0; 64 << 20], 1).unwrap()
            }
        }
        let error = decoder.decode(&sealed(huge), &mut decoded).unwrap_err();
        assert!(
            !matches!(error, ChunkDecodeError::Checksum { .. }),
            "{error}"
        );
        let short = zstd::bulk::compress(&pixels[1..], 1).unwrap();
        decoder.decode(&sealed(short), &mut decoded).unwrap_err();
    });
}
