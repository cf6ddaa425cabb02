//! Digests of the bytes of encoded chunks: with those of labels and tables the
//! contract of [`ENCODER_REVISION`].
//!
//! A change of one of these digests means that a run cannot be continued by the
//! new program: count [`ENCODER_REVISION`] up in the same commit, and replace the
//! digests by those that the failing test prints.
//!
//! [`ENCODER_REVISION`]: crate::version::ENCODER_REVISION

use rxrx_metadata::Layout;
use sha2::{Digest, Sha256};

use super::*;
use crate::testing::noise;

/// Height and width of the planes of each kind of chunk.
const SIZES: [[usize; 2]; 4] = [
    // Planes of bits that are long enough to be taken for noise.
    [256, 256],
    // Rows of whole bytes.
    [96, 96],
    // Rows that are no whole bytes of a plane of bits.
    [21, 43],
    // Planes that are smaller than a Blosc block.
    [7, 9],
];

/// Sites of a chunk, and channels.
const PLANES: [usize; 2] = [2, 3];

/// The start of the SHA-256 of the stored bytes of [`chunks`], for each of [`SIZES`].
const PINNED: [(Codec, DataType, [&str; 4]); 8] = [
    (
        Codec::BloscZstd,
        DataType::UInt8,
        [
            "7e4a9ca4eec3b0d1",
            "600a932fa1a8581a",
            "af9c07ad81afadd6",
            "36b1562abc635764",
        ],
    ),
    (
        Codec::BloscZstd,
        DataType::UInt16,
        [
            "64fc76b19693766d",
            "fb4b9262c6b99343",
            "89aba1f4ea6f7147",
            "02d6ae168a533dd8",
        ],
    ),
    (
        Codec::Zstd,
        DataType::UInt8,
        [
            "cb7ab0bc5556a8a1",
            "a608677d6e3dbe5d",
            "3d35a9a100e10ba5",
            "93dec220af350055",
        ],
    ),
    (
        Codec::Zstd,
        DataType::UInt16,
        [
            "390d5c619721577a",
            "212d3b78726f83a3",
            "bae788370b5569b5",
            "a6d4c81295868ef0",
        ],
    ),
    (
        Codec::BloscLz4,
        DataType::UInt8,
        [
            "f46fc058f639ce0d",
            "129997194b59a72f",
            "af3016099917729c",
            "03ddbc956337b0a8",
        ],
    ),
    (
        Codec::BloscLz4,
        DataType::UInt16,
        [
            "07b767565c373c1a",
            "ffe0b6e78109df14",
            "8f798dee9b4d2d4c",
            "e2c40929432c3ffc",
        ],
    ),
    (
        Codec::DeltaZstd,
        DataType::UInt8,
        [
            "e8be460c45b4a801",
            "8c0eacc8097c3c0d",
            "770a78bd6956f1c0",
            "3e1260e508f0e08d",
        ],
    ),
    (
        Codec::DeltaZstd,
        DataType::UInt16,
        [
            "322155833219d4c4",
            "cc828939456a7dcf",
            "fc9fe91e476851e9",
            "968233f578210799",
        ],
    ),
];

fn geometry([height, width]: [usize; 2], data_type: DataType) -> ArrayGeometry {
    let [sites, channels] = PLANES;
    let layout = Layout {
        chunk_sites: sites,
        shard_sites: Some(sites),
        ..Layout::default()
    };
    ArrayGeometry::new(sites, channels, height, width, data_type, layout).unwrap()
}

/// The pixels of a plane: a gradient with a bright square and `bits` of noise.
fn plane(geometry: &ArrayGeometry, noise: &[u8], bits: u32) -> Vec<u8> {
    let (height, width) = (geometry.height, geometry.width);
    let pixel = |index: usize| {
        let (row, column) = (index / width, index % width);
        let square = row > height / 3 && row < height / 2 && column > width / 4;
        let noise = u16::from_le_bytes([noise[2 * index], noise[2 * index + 1]]) >> (16 - bits);
        (row / 5 + column / 3) as u16 + noise + if square { 90 } else { 0 }
    };
    let pixels = (0..height * width).map(pixel);
    match geometry.data_type {
        DataType::UInt8 => pixels.map(|pixel| pixel as u8).collect(),
        DataType::UInt16 => pixels
            .flat_map(|pixel| (pixel << 2).to_le_bytes())
            .collect(),
    }
}

/// Chunks of six planes: pictures; pictures, blank planes and noise; noise alone,
/// which no codec makes smaller.
fn chunks(geometry: &ArrayGeometry) -> [Vec<u8>; 3] {
    let plane_bytes = geometry.plane_bytes();
    let random = noise(6 * plane_bytes.max(2 * geometry.height * geometry.width));
    let part = |number: usize| &random[number * random.len() / 6..];
    let picture = |number: usize| plane(geometry, part(number), 1 + number as u32);
    let incompressible = |number: usize| part(number)[..plane_bytes].to_vec();
    let pictures: Vec<u8> = (0..6).flat_map(picture).collect();
    let mixed = [
        picture(2),
        incompressible(1),
        vec![0; plane_bytes],
        incompressible(3),
        vec![7; plane_bytes],
        picture(5),
    ];
    [
        pictures,
        mixed.concat(),
        (0..6).flat_map(incompressible).collect(),
    ]
}

fn encode(encoder: &ChunkEncoder, pixels: &[u8], scratch: &mut EncoderScratch) -> Vec<u8> {
    let mut stored = Vec::new();
    let mut chunk = encoder.begin(scratch, &mut stored);
    for plane in pixels.chunks(encoder.plane_bytes) {
        chunk.add_plane(plane).unwrap();
    }
    chunk.finish().unwrap();
    stored
}

fn digest(codec: Codec, geometry: &ArrayGeometry, level: SimdLevel) -> String {
    let encoder = ChunkEncoder::new(codec, geometry)
        .unwrap()
        .with_level(level);
    let mut scratch = EncoderScratch::default();
    let mut hasher = Sha256::new();
    for pixels in chunks(geometry) {
        hasher.update(encode(&encoder, &pixels, &mut scratch));
    }
    hex::encode(&hasher.finalize()[..8])
}

#[test]
fn the_bytes_of_every_codec_are_those_of_the_encoder_revision() {
    for level in SimdLevel::ALL {
        let found = PINNED.map(|(codec, data_type, _)| {
            let digest = |size| digest(codec, &geometry(size, data_type), level);
            (codec, data_type, SIZES.map(digest))
        });
        let is_pinned = found
            .iter()
            .zip(&PINNED)
            .all(|(found, pinned)| found.2 == pinned.2);
        assert!(is_pinned, "with {level:?} the digests are now {found:#?}");
    }
}
