use std::borrow::Cow;
use std::num::NonZeroU64;

use rxrx_metadata::Layout;
use zarrs::array::codec::api::CodecOptions;
use zarrs::array::{ArrayBytes, CodecChain, FillValue, data_type};
use zarrs::metadata::v3::MetadataV3;

use super::*;
use crate::testing::noise;

const CHANNELS: usize = 3;
const SIDE: usize = 96;

fn geometry(data_type: DataType) -> ArrayGeometry {
    let layout = Layout {
        chunk_sites: 2,
        shard_sites: Some(4),
        ..Layout::default()
    };
    ArrayGeometry::new(8, CHANNELS, SIDE, SIDE, data_type, layout).unwrap()
}

/// A dim field with a gradient, a bright square and noise.
fn chunk(geometry: &ArrayGeometry, seed: u32) -> Vec<u8> {
    let mut state = seed;
    let samples = geometry.chunk_bytes() / geometry.data_type.bytes();
    let mut pixels = Vec::with_capacity(geometry.chunk_bytes());
    for index in 0..samples {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        let (row, column) = (index / SIDE % SIDE, index % SIDE);
        let cell = (20..50).contains(&row) && (30..60).contains(&column);
        let value = (column / 8) as u16 + (state >> 29) as u16 + if cell { 60 } else { 0 };
        match geometry.data_type {
            DataType::UInt8 => pixels.push(value as u8),
            DataType::UInt16 => pixels.extend_from_slice(&(value << 3).to_le_bytes()),
        }
    }
    pixels
}

fn encode(encoder: &ChunkEncoder, pixels: &[u8], scratch: &mut EncoderScratch) -> Vec<u8> {
    let mut stored = vec![0xEE; 7];
    let mut chunk = encoder.begin(scratch, &mut stored);
    for plane in pixels.chunks(encoder.plane_bytes) {
        chunk.plane_buffer().unwrap().copy_from_slice(plane);
        chunk.push().unwrap();
    }
    chunk.finish().unwrap();
    stored
}

/// Decodes as a reader does: with zarrs, which does not know differences, then those.
fn decode(codec: Codec, geometry: &ArrayGeometry, stored: &[u8]) -> Result<Vec<u8>, String> {
    c_blosc::register();
    let without_delta = usize::from(codec == Codec::DeltaZstd);
    let metadata: Vec<MetadataV3> = codec
        .chain(geometry)
        .into_iter()
        .skip(without_delta)
        .map(|codec| serde_json::from_value(codec).unwrap())
        .collect();
    let data_type = match geometry.data_type {
        DataType::UInt8 => data_type::uint8(),
        DataType::UInt16 => data_type::uint16(),
    };
    let fill_value = FillValue::new(vec![0; geometry.data_type.bytes()]);
    let shape = [geometry.chunk_sites, CHANNELS, SIDE, SIDE]
        .map(|length| NonZeroU64::new(length as u64).unwrap());
    let decoded = zarrs::array::codec::api::ArrayToBytesCodecTraits::decode(
        &CodecChain::from_metadata(&metadata).unwrap(),
        Cow::Borrowed(stored),
        &shape,
        &data_type,
        &fill_value,
        &CodecOptions::default(),
    )
    .map_err(|error| error.to_string())?;
    let ArrayBytes::Fixed(bytes) = decoded else {
        return Err("not of fixed length".to_owned());
    };
    let mut bytes = bytes.into_owned();
    if codec == Codec::DeltaZstd {
        accumulate(&mut bytes, geometry.data_type);
    }
    Ok(bytes)
}

fn accumulate(bytes: &mut [u8], data_type: DataType) {
    match data_type {
        DataType::UInt8 => {
            let mut sum = 0u8;
            for byte in bytes {
                sum = sum.wrapping_add(*byte);
                *byte = sum;
            }
        }
        DataType::UInt16 => {
            let mut sum = 0u16;
            for sample in bytes.as_chunks_mut().0 {
                sum = sum.wrapping_add(u16::from_le_bytes(*sample));
                *sample = sum.to_le_bytes();
            }
        }
    }
}

fn each_chain(mut check: impl FnMut(Codec, &ArrayGeometry)) {
    for data_type in [DataType::UInt8, DataType::UInt16] {
        for codec in Codec::ALL {
            check(codec, &geometry(data_type));
        }
    }
}

#[test]
fn zarrs_reads_what_is_encoded() {
    each_chain(|codec, geometry| {
        let encoder = ChunkEncoder::new(codec, geometry).unwrap();
        let mut scratch = EncoderScratch::default();
        let blank = vec![0; geometry.chunk_bytes()];
        for pixels in [chunk(geometry, 1), blank, chunk(geometry, 2)] {
            let stored = encode(&encoder, &pixels, &mut scratch);
            assert!(stored.len() < pixels.len());
            assert!(
                decode(codec, geometry, &stored).unwrap() == pixels,
                "{codec}"
            );
        }
    });
}

#[test]
fn zarrs_reads_chunks_that_do_not_become_smaller() {
    each_chain(|codec, geometry| {
        let pixels = noise(geometry.chunk_bytes());
        let encoder = ChunkEncoder::new(codec, geometry).unwrap();
        let stored = encode(&encoder, &pixels, &mut EncoderScratch::default());
        assert!(stored.len() >= pixels.len(), "{codec}");
        assert!(
            decode(codec, geometry, &stored).unwrap() == pixels,
            "{codec}"
        );
    });
}

#[test]
fn bytes_do_not_depend_on_what_came_before() {
    each_chain(|codec, geometry| {
        let encoder = ChunkEncoder::new(codec, geometry).unwrap();
        let encoded =
            |seed, scratch: &mut EncoderScratch| encode(&encoder, &chunk(geometry, seed), scratch);
        let fresh = encoded(1, &mut EncoderScratch::default());
        let mut used = EncoderScratch::default();
        for seed in 2..6 {
            encoded(seed, &mut used);
        }
        assert!(encoded(1, &mut used) == fresh, "{codec}");
    });
}

#[test]
fn damage_is_noticed() {
    each_chain(|codec, geometry| {
        let encoder = ChunkEncoder::new(codec, geometry).unwrap();
        let stored = encode(
            &encoder,
            &chunk(geometry, 1),
            &mut EncoderScratch::default(),
        );
        for place in (0..stored.len()).step_by(stored.len() / 40) {
            let mut damaged = stored.clone();
            damaged[place] ^= 0x10;
            let error = decode(codec, geometry, &damaged).unwrap_err();
            assert!(error.contains("checksum"), "{codec}, byte {place}: {error}");
        }
    });
}

#[test]
fn a_frame_states_its_decoded_size() {
    let geometry = geometry(DataType::UInt8);
    for codec in [Codec::Zstd, Codec::DeltaZstd] {
        let encoder = ChunkEncoder::new(codec, &geometry).unwrap();
        let stored = encode(
            &encoder,
            &chunk(&geometry, 1),
            &mut EncoderScratch::default(),
        );
        let size = zstd::zstd_safe::get_frame_content_size(&stored).unwrap();
        assert_eq!(size, Some(geometry.chunk_bytes() as u64));
    }
}

#[test]
fn added_planes_and_filled_buffers_give_the_same_bytes() {
    each_chain(|codec, geometry| {
        let encoder = ChunkEncoder::new(codec, geometry).unwrap();
        let pixels = chunk(geometry, 1);
        let mut scratch = EncoderScratch::default();
        let filled = encode(&encoder, &pixels, &mut scratch);
        let mut added = Vec::new();
        let mut chunk = encoder.begin(&mut scratch, &mut added);
        for plane in pixels.chunks(geometry.plane_bytes()) {
            chunk.add_plane(plane).unwrap();
        }
        chunk.finish().unwrap();
        assert!(added == filled, "{codec}");
    });
}

#[test]
fn a_chunk_with_other_planes_is_a_defect() {
    each_chain(|codec, geometry| {
        let encoder = ChunkEncoder::new(codec, geometry).unwrap();
        let (mut scratch, mut stored) = (EncoderScratch::default(), Vec::new());
        let plane = vec![0; geometry.plane_bytes()];

        let mut short = encoder.begin(&mut scratch, &mut stored);
        for _ in 1..encoder.planes() {
            short.add_plane(&plane).unwrap();
        }
        let error = short.finish().unwrap_err().to_string();
        assert!(error.contains("has 6 planes, not 5"), "{error}");

        let mut long = encoder.begin(&mut scratch, &mut stored);
        for _ in 0..encoder.planes() {
            long.add_plane(&plane).unwrap();
        }
        let error = long.add_plane(&plane).unwrap_err().to_string();
        assert!(error.contains("has 6 planes, not more"), "{error}");

        let mut other = encoder.begin(&mut scratch, &mut stored);
        let error = other.add_plane(&plane[1..]).unwrap_err().to_string();
        assert!(error.contains("bytes, not"), "{error}");
    });
}
