//! The expected sizes of a conversion.

use rxrx_format::{Codec, index_bytes, overview_geometry};
use rxrx_input::PlannedInput;
use rxrx_metadata::ArrayGeometry;
use serde::Serialize;

use crate::sample_sizes::SampleSizes;

/// The expected sizes of a conversion, in bytes.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Projection {
    /// Size of the image files, estimated from a sample of them.
    pub source_bytes: u64,
    /// Size of the decoded pixels.
    pub raw_bytes: u64,
    /// Size of the shards, estimated from chunks that were encoded.
    pub stored_bytes: u64,
    /// Size of the overviews at most, in bytes.
    pub overview_bytes: u64,
    /// The number of images that were encoded; if it is 0, images like those of RxRx1 are
    /// assumed.
    pub sampled_planes: usize,
    /// Size of the shards with each codec that was tried, the smallest first.
    pub codecs: Vec<CodecSize>,
}

/// The expected size of the shards with a codec.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct CodecSize {
    /// The codec.
    pub codec: Codec,
    /// Size of the shards in bytes.
    pub stored_bytes: u64,
}

impl Projection {
    /// Estimates the sizes of the conversion of `input` with `codec`, and with all other
    /// codecs, by encoding some of the images.
    pub fn of(input: &PlannedInput, codec: Codec) -> Self {
        Self::from_sample(input, codec, &SampleSizes::measure(input, &Codec::ALL))
    }

    /// Estimates the sizes of the conversion of `input` with `codec` alone.
    pub fn of_codec(input: &PlannedInput, codec: Codec) -> Self {
        Self::from_sample(input, codec, &SampleSizes::measure(input, &[codec]))
    }

    /// Returns the largest sizes that the conversion of `input` can have.
    pub fn largest(input: &PlannedInput, codec: Codec) -> Self {
        let projection = Self::from_sample(input, codec, &SampleSizes::default());
        Self {
            // Codecs store pixels that they cannot make smaller as they are.
            stored_bytes: projection.raw_bytes + projection.raw_bytes / 64,
            ..projection
        }
    }

    fn from_sample(input: &PlannedInput, codec: Codec, sample: &SampleSizes) -> Self {
        let geometry = input.plan.geometry();
        let source_bytes = input.mean_file_bytes() * input.plan.present_planes() as f64;
        let indices = index_bytes(geometry.chunks_per_shard()) * geometry.shards();
        let stored = |over_source: f64| (source_bytes * over_source) as u64 + indices as u64;
        let codecs = Codec::ALL.into_iter().filter_map(|codec| {
            let stored_bytes = stored(sample.stored_over_source(codec)?);
            Some(CodecSize {
                codec,
                stored_bytes,
            })
        });
        let mut codecs: Vec<CodecSize> = codecs.collect();
        codecs.sort_by_key(|size| size.stored_bytes);
        let found = codecs.iter().find(|size| size.codec == codec);
        let usual = || stored(codec.size_over_png()).min(geometry.raw_bytes());
        Self {
            source_bytes: source_bytes as u64,
            raw_bytes: geometry.raw_bytes(),
            stored_bytes: found.map_or_else(usual, |size| size.stored_bytes),
            overview_bytes: overview_bytes(geometry),
            sampled_planes: sample.planes,
            codecs,
        }
    }
}

/// Returns the most bytes that all overviews of images of `geometry` can have.
fn overview_bytes(geometry: &ArrayGeometry) -> u64 {
    let overview = overview_geometry(geometry);
    let padded = overview.shards() * overview.shard_sites * overview.channels;
    let pixels = padded as u64 * overview.plane_bytes() as u64;
    let indices = index_bytes(overview.channels) * overview.shards();
    pixels + pixels / 64 + indices as u64
}

#[cfg(test)]
mod tests {
    use std::fs;

    use rxrx_input::PlanOptions;
    use rxrx_input::testing::{image_path, png};

    use super::*;

    #[test]
    fn images_that_cannot_be_read_are_like_those_of_rxrx1() {
        let folder = tempfile::tempdir().unwrap();
        let png = png(7, 5, 1);
        let input = planned(folder.path(), &png);
        let projection = Projection::from_sample(&input, Codec::Zstd, &SampleSizes::default());
        let raw_bytes = 2 * 2 * 7 * 5;
        assert_eq!(projection.source_bytes, 4 * png.len() as u64);
        assert_eq!(
            (projection.raw_bytes, projection.stored_bytes),
            (raw_bytes, raw_bytes)
        );
        assert_eq!(
            (projection.sampled_planes, projection.codecs),
            (0, Vec::new())
        );
    }

    /// Two sites of two channels with the same image.
    fn planned(folder: &std::path::Path, image: &[u8]) -> PlannedInput {
        for number in 0..4 {
            let path = folder.join(image_path(number / 2, number % 2));
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, image).unwrap();
        }
        let table = "experiment,plate,well,site\nE-1,1,B02,1\nE-1,2,B02,1\n";
        fs::write(folder.join("metadata.csv"), table).unwrap();
        PlannedInput::open(&folder.into(), PlanOptions::default()).unwrap()
    }
}
