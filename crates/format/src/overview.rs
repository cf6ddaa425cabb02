//! The array `overview`: the images at about 64 x 64, in one object for each unit.
//!
//! A chunk holds one channel of all sites of a full unit, so that a program that shows a
//! channel of a plate reads few chunks, and one object has all channels of the unit. The chunk
//! of the last unit has the full shape, too, padded with 0. The codec is `blosc-zstd`, whatever
//! the codec of the images is.
//!
//! The dimensions have names of their own: in one group, xarray refuses two sizes of one
//! dimension.

use rxrx_decoder::overview_shape;
use rxrx_metadata::{ArrayGeometry, Column};
use serde_json::Value;

use crate::codec::{ChunkDecoder, ChunkEncoder, Codec, CodecError, EncoderScratch};
use crate::image_array::{ArrayDescription, array_document, plane_shape};
use crate::shard::ShardIndex;

/// The codec of the chunks.
const CODEC: Codec = Codec::BloscZstd;

/// Returns the shape of the array `overview` beside images of `images`. Its units are those of
/// the images; each is one object.
pub fn overview_geometry(images: &ArrayGeometry) -> ArrayGeometry {
    let plane = overview_shape(plane_shape(images));
    ArrayGeometry {
        sites: images.sites,
        channels: images.channels,
        height: plane.height as usize,
        width: plane.width as usize,
        data_type: images.data_type,
        chunk_sites: images.shard_sites,
        chunk_channels: 1,
        tile: None,
        shard_sites: images.shard_sites,
        shard_channels: images.channels,
    }
}

/// Returns the geometry by which chunks are compressed: each as one plane that has the rows of
/// all its sites, because blocks of single sites would be a twentieth larger.
fn compressed_as(overview: &ArrayGeometry) -> ArrayGeometry {
    ArrayGeometry {
        height: overview.height * overview.chunk_sites,
        chunk_sites: 1,
        ..overview.clone()
    }
}

/// Writes the `zarr.json` of the array beside images of `images`. `columns` are those of the
/// metadata table.
pub fn overview_metadata(images: &ArrayGeometry, columns: &[Column]) -> Value {
    let geometry = overview_geometry(images);
    array_document(
        &geometry,
        columns,
        &ArrayDescription {
            codecs: CODEC.chain(&compressed_as(&geometry)),
            dimensions: ["site", "channel", "overview_y", "overview_x"],
            long_name: "fluorescence intensity, overview",
        },
    )
}

/// Makes the objects of the array. All threads share it.
#[derive(Debug)]
pub struct OverviewEncoder {
    geometry: ArrayGeometry,
    chunks: ChunkEncoder,
}

impl OverviewEncoder {
    /// Makes the encoder of the overviews of images of `images`.
    ///
    /// # Errors
    /// [`CodecError::OverviewTooLarge`].
    pub fn new(images: &ArrayGeometry) -> Result<Self, CodecError> {
        let geometry = overview_geometry(images);
        let chunks = ChunkEncoder::new(CODEC, &compressed_as(&geometry));
        Ok(Self {
            chunks: chunks.map_err(CodecError::of_overview)?,
            geometry,
        })
    }

    /// Shape of the array.
    pub fn geometry(&self) -> &ArrayGeometry {
        &self.geometry
    }

    /// Bytes of the overview of a plane.
    pub fn plane_bytes(&self) -> usize {
        self.geometry.plane_bytes()
    }

    /// Bytes of the overviews of a full unit.
    pub fn unit_bytes(&self) -> usize {
        self.geometry.chunk_bytes() * self.geometry.channels
    }

    /// Offset of the overview of a plane in those of its unit, whose order is
    /// (channel, site, y, x). `site` counts from the first site of the unit.
    pub fn offset(&self, site: usize, channel: usize) -> usize {
        (channel * self.geometry.chunk_sites + site) * self.plane_bytes()
    }

    /// Returns the bytes of memory that one thread needs to encode objects.
    pub fn scratch_bytes(&self) -> usize {
        let object = crate::codec::largest_chunk(self.unit_bytes());
        let unit = self.unit_bytes().saturating_add(object);
        unit.saturating_add(self.chunks.scratch_bytes())
    }

    /// Encodes the object of a unit from the overviews of all its planes, in the order that
    /// [`Self::offset`] gives. Planes without an image, and sites beyond the array, are 0.
    ///
    /// # Errors
    /// [`CodecError::Failed`], a defect.
    pub fn object(
        &self,
        overviews: &[u8],
        scratch: &mut EncoderScratch,
    ) -> Result<Vec<u8>, CodecError> {
        let mut index = ShardIndex::default();
        let mut object = Vec::new();
        let mut stored = Vec::new();
        for pixels in overviews.chunks(self.geometry.chunk_bytes().max(1)) {
            let mut chunk = self.chunks.begin(scratch, &mut stored);
            chunk.add_plane(pixels)?;
            chunk.finish()?;
            index.add(stored.len());
            object.extend_from_slice(&stored);
        }
        object.extend(index.encode(self.geometry.channels));
        Ok(object)
    }
}

/// Makes the decoder of the chunks of the array beside images of `images`.
///
/// # Errors
/// [`CodecError::OverviewTooLarge`].
pub fn overview_decoder(images: &ArrayGeometry) -> Result<ChunkDecoder, CodecError> {
    let geometry = compressed_as(&overview_geometry(images));
    ChunkDecoder::new(CODEC, &geometry).map_err(CodecError::of_overview)
}

/// Returns the most bytes that an object of the array beside images of `images` can have.
pub fn overview_bytes_at_most(images: &ArrayGeometry) -> u64 {
    let geometry = overview_geometry(images);
    let chunk = crate::codec::largest_chunk(geometry.chunk_bytes()) as u64;
    chunk
        .saturating_add(64)
        .saturating_mul(geometry.channels as u64)
}

#[cfg(test)]
mod tests {
    use rxrx_metadata::{DataType, Layout};
    use serde_json::json;

    use super::*;
    use crate::shard::read_index;
    use crate::testing::plan;

    #[test]
    fn an_object_has_a_chunk_for_each_channel() {
        let layout = Layout {
            shard_sites: Some(4),
            ..Layout::default()
        };
        for data_type in [DataType::UInt8, DataType::UInt16] {
            let images = ArrayGeometry::new(6, 3, 130, 100, data_type, layout).unwrap();
            let encoder = OverviewEncoder::new(&images).unwrap();
            let plane = 44 * 34 * data_type.bytes();
            assert_eq!(encoder.plane_bytes(), plane);
            assert_eq!(encoder.offset(1, 2), 9 * plane);
            let overviews: Vec<u8> = (0..encoder.unit_bytes())
                .map(|at| (at / plane * 7 + at % 5) as u8)
                .collect();
            let mut scratch = EncoderScratch::default();
            let object = encoder.object(&overviews, &mut scratch).unwrap();
            assert!((object.len() as u64) < overview_bytes_at_most(&images));
            let decoder = overview_decoder(&images).unwrap();
            let ranges = read_index(&object, 3).unwrap();
            let chunks = overviews.chunks(4 * plane);
            for (range, expected) in ranges.into_iter().zip(chunks) {
                let range = range.unwrap();
                let mut pixels = vec![0; 4 * plane];
                let stored = &object[range.start as usize..range.end as usize];
                decoder.decode(stored, &mut pixels).unwrap();
                assert_eq!(pixels, expected);
            }
        }
    }

    #[test]
    fn the_metadata_describe_the_objects() {
        let plan = plan(
            5,
            6,
            Layout {
                chunk_sites: 2,
                chunk_channels: Some(4),
                shard_sites: Some(4),
                ..Layout::default()
            },
        );
        let metadata = overview_metadata(plan.geometry(), plan.table().columns());
        assert_eq!(metadata["shape"], json!([5, 6, 4, 4]));
        let grid = &metadata["chunk_grid"]["configuration"];
        assert_eq!(grid["chunk_shape"], json!([4, 6, 4, 4]));
        let sharding = &metadata["codecs"][0]["configuration"];
        assert_eq!(sharding["chunk_shape"], json!([4, 1, 4, 4]));
        assert_eq!(
            metadata["dimension_names"],
            json!(["site", "channel", "overview_y", "overview_x"])
        );
    }

    #[test]
    fn a_unit_of_too_many_sites_is_refused() {
        let layout = Layout {
            shard_sites: Some(1 << 19),
            ..Layout::default()
        };
        let images = ArrayGeometry::new(1 << 19, 1, 64, 64, DataType::UInt8, layout).unwrap();
        let error = OverviewEncoder::new(&images).unwrap_err().to_string();
        assert!(error.contains("--shard-sites"), "{error}");
    }
}
