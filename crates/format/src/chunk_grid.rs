//! The chunks of a unit.

use std::ops::Range;

use rxrx_metadata::{ArrayGeometry, Unit};

/// A chunk to be made.
#[derive(Clone, Debug)]
pub struct ChunkAddress {
    /// The chunk's sites inside the array.
    pub sites: Range<usize>,
    /// The chunk's channel positions inside the array.
    pub channels: Range<usize>,
}

impl ChunkAddress {
    /// The chunk number `chunk` of `unit`, row-major over sites and channels.
    pub fn new(geometry: &ArrayGeometry, unit: &Unit, chunk: usize) -> Self {
        let in_row = channel_chunks(geometry);
        let first_site = unit.sites.start + chunk / in_row * geometry.chunk_sites;
        let first_channel = chunk % in_row * geometry.chunk_channels;
        Self {
            sites: first_site..unit.sites.end.min(first_site + geometry.chunk_sites),
            channels: first_channel
                ..geometry
                    .channels
                    .min(first_channel + geometry.chunk_channels),
        }
    }

    /// Site and channel position of each plane, in the order they have in the chunk.
    pub fn planes(&self) -> impl Iterator<Item = (usize, usize)> {
        let channels = self.channels.clone();
        let sites = self.sites.clone();
        sites.flat_map(move |site| channels.clone().map(move |channel| (site, channel)))
    }

    /// The plane at a position in the chunk, in C order, if it lies inside the
    /// array: its place among [`Self::planes`], its site and channel position.
    pub fn plane_at(
        &self,
        geometry: &ArrayGeometry,
        position: usize,
    ) -> Option<(usize, usize, usize)> {
        let (row, column) = (
            position / geometry.chunk_channels,
            position % geometry.chunk_channels,
        );
        let (site, channel) = (self.sites.start + row, self.channels.start + column);
        let inside = self.sites.contains(&site) && self.channels.contains(&channel);
        inside.then_some((row * self.channels.len() + column, site, channel))
    }
}

/// Chunks that together hold all channels of a site.
pub fn channel_chunks(geometry: &ArrayGeometry) -> usize {
    geometry.channels.div_ceil(geometry.chunk_channels)
}
