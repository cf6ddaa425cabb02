//! Overviews: the pixels of the array `overview`.
//!
//! The overviews of a unit are one small object, which is read as a whole: one request for a
//! unit, whatever the number of sites and channels. Only the chunks of the channels that are
//! asked for are decoded.

use std::collections::{BTreeMap, BTreeSet};
use std::num::NonZeroUsize;
use std::sync::Mutex;

use rxrx_format::keys::overview_key;
use rxrx_format::{
    ArrayGeometry, ChunkDecoder, overview_bytes_at_most, overview_decoder, overview_geometry,
    read_index,
};

use crate::dataset::Dataset;
use crate::error::DatasetError;
use crate::pixels::{Batch, Pixels};
use crate::read::for_each;

/// The overview of one plane, and its place in the result.
struct Piece<'a> {
    /// The site, counted from the first one of its unit.
    site: usize,
    channel: usize,
    pixels: &'a mut [u8],
}

impl Dataset {
    /// Shape of the array of overviews. Axes: (site, channel, overview_y, overview_x). `None`
    /// where the dataset has none: those of format 3, and of earlier drafts of format 4.
    pub fn overview_shape(&self) -> Option<[usize; 4]> {
        let has_overview = self.root.has_overview();
        has_overview.then(|| overview_geometry(&self.root.geometry).shape())
    }

    /// Reads the overviews of some channels of some sites, each in the given order. Axes of
    /// the result: (site, channel, overview_y, overview_x). A site or a channel may be there
    /// twice. One object for each unit (shard) of the sites is read, at most `threads` at once.
    ///
    /// # Errors
    /// [`DatasetError`]: the dataset has no overviews, there is no such site or channel, an
    /// object is missing or damaged, the result does not fit into memory, or the store failed.
    pub fn read_overview(
        &self,
        sites: &[usize],
        channels: &[usize],
        threads: NonZeroUsize,
    ) -> Result<Batch, DatasetError> {
        let Some([_, _, height, width]) = self.overview_shape() else {
            return Err(DatasetError::NoOverview {
                dataset: self.name.clone(),
            });
        };
        let geometry = overview_geometry(&self.root.geometry);
        let site_bytes = channels.len().saturating_mul(geometry.plane_bytes());
        let mut pixels = self.zeros(sites.len(), site_bytes)?;
        let units = self.overview_pieces(&geometry, sites, channels, &mut pixels)?;
        let decoder = overview_decoder(&self.root.geometry);
        let decoder = decoder.map_err(|source| DatasetError::Codec {
            dataset: self.name.clone(),
            source,
        })?;
        for_each(&units, threads, |(unit, pieces)| {
            let mut pieces = pieces.lock().unwrap_or_else(|error| error.into_inner());
            self.read_unit_overviews(&geometry, *unit, &decoder, &mut pieces)
        })?;
        let shape = [sites.len(), channels.len(), height, width];
        Ok(Pixels::new(shape, geometry.data_type, pixels))
    }

    /// Divides the result into the overviews of single planes, by unit.
    #[allow(clippy::type_complexity, reason = "it is used in one place")]
    fn overview_pieces<'a>(
        &self,
        geometry: &ArrayGeometry,
        sites: &[usize],
        channels: &[usize],
        pixels: &'a mut [u8],
    ) -> Result<Vec<(usize, Mutex<Vec<Piece<'a>>>)>, DatasetError> {
        let mut units: BTreeMap<usize, Vec<Piece<'a>>> = BTreeMap::new();
        let places = sites
            .iter()
            .flat_map(|&site| channels.iter().map(move |&channel| (site, channel)));
        for ((site, channel), pixels) in places.zip(pixels.chunks_mut(geometry.plane_bytes())) {
            if site >= geometry.sites {
                return Err(self.out_of_range("site", site, geometry.sites));
            }
            if channel >= geometry.channels {
                return Err(self.out_of_range("channel", channel, geometry.channels));
            }
            let unit = units.entry(site / geometry.shard_sites).or_default();
            unit.push(Piece {
                site: site % geometry.shard_sites,
                channel,
                pixels,
            });
        }
        let units = units.into_iter();
        Ok(units
            .map(|(unit, pieces)| (unit, Mutex::new(pieces)))
            .collect())
    }

    /// Reads the object of a unit, and decodes the chunks of the channels of `pieces`.
    fn read_unit_overviews(
        &self,
        geometry: &ArrayGeometry,
        unit: usize,
        decoder: &ChunkDecoder,
        pieces: &mut [Piece<'_>],
    ) -> Result<(), DatasetError> {
        let key = overview_key(unit);
        let object = self.object_at_most(&key, overview_bytes_at_most(&self.root.geometry))?;
        let index = read_index(&object, geometry.channels);
        let index = index.map_err(|source| DatasetError::Index {
            dataset: self.name.clone(),
            object: key.clone(),
            source,
        })?;
        let first_site = unit * geometry.shard_sites;
        let channels: BTreeSet<usize> = pieces.iter().map(|piece| piece.channel).collect();
        let mut chunk = self.zeros(geometry.chunk_sites, geometry.plane_bytes())?;
        for channel in channels {
            let range = index.get(channel).cloned().flatten();
            let range = range.ok_or_else(|| DatasetError::NoChunk {
                dataset: self.name.clone(),
                object: key.clone(),
                site: first_site,
                channel,
                reason: "it was never written".to_owned(),
            })?;
            // The index was read from this object, so that its ranges lie in it.
            let start = usize::try_from(range.start).unwrap_or(usize::MAX);
            let end = usize::try_from(range.end).unwrap_or(usize::MAX);
            let stored = object.get(start..end).unwrap_or_default();
            let decoded = decoder.decode(stored, &mut chunk);
            decoded.map_err(|source| DatasetError::Chunk {
                dataset: self.name.clone(),
                object: key.clone(),
                site: first_site,
                channel,
                source,
            })?;
            let planes = pieces.iter_mut().filter(|piece| piece.channel == channel);
            for piece in planes {
                let start = piece.site * geometry.plane_bytes();
                let end = start + piece.pixels.len();
                if let Some(plane) = chunk.get(start..end) {
                    piece.pixels.copy_from_slice(plane);
                }
            }
        }
        Ok(())
    }
}
