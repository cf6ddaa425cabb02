//! The chunks of a unit and the planes of a chunk.

use std::ops::Range;

use rxrx_metadata::{ArrayGeometry, SiteIndex, Unit};

/// The planes of a chunk of the image array. Where planes are cut, all tiles of the same
/// planes have one address; they are a *group* of chunks and follow each other in the shard.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ChunkAddress {
    /// The chunk's sites inside the array.
    pub sites: Range<usize>,
    /// The chunk's channel positions inside the array.
    pub channels: Range<usize>,
}

/// A plane of the image array.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct PlanePosition {
    /// Position along the axis `site`.
    pub site: SiteIndex,
    /// Position along the axis `channel`, from 0.
    pub channel: usize,
}

impl ChunkAddress {
    /// The group number `group` of `unit`, row-major over sites and channels. A group is one
    /// chunk where planes are not cut.
    pub fn new(geometry: &ArrayGeometry, unit: &Unit, group: usize) -> Self {
        let in_row = channel_chunks(geometry);
        let first_site = unit.sites.start + group / in_row * geometry.chunk_sites;
        let first_channel = group % in_row * geometry.chunk_channels;
        Self {
            sites: first_site..unit.sites.end.min(first_site + geometry.chunk_sites),
            channels: first_channel
                ..geometry
                    .channels
                    .min(first_channel + geometry.chunk_channels),
        }
    }

    /// The planes of the chunk that lie inside the array, in C order.
    pub fn planes(&self) -> impl Iterator<Item = PlanePosition> {
        let channels = self.channels.clone();
        self.sites.clone().flat_map(move |site| {
            let site = SiteIndex(site);
            let planes = channels.clone();
            planes.map(move |channel| PlanePosition { site, channel })
        })
    }

    /// All planes of the chunk in C order: the order of its pixels. `None` stands for a
    /// plane outside the array, whose pixels are 0.
    pub fn positions(
        &self,
        geometry: &ArrayGeometry,
    ) -> impl Iterator<Item = Option<PlanePosition>> {
        let Self { sites, channels } = self.clone();
        let (rows, columns) = (geometry.chunk_sites, geometry.chunk_channels);
        (0..rows * columns).map(move |number| {
            let site = sites.start + number / columns;
            let channel = channels.start + number % columns;
            let is_inside = sites.contains(&site) && channels.contains(&channel);
            is_inside.then_some(PlanePosition {
                site: SiteIndex(site),
                channel,
            })
        })
    }
}

/// Groups of chunks that together hold all channels of a site: chunks, where planes are not
/// cut.
pub fn channel_chunks(geometry: &ArrayGeometry) -> usize {
    geometry.channels.div_ceil(geometry.chunk_channels)
}

/// Chunks that together hold all pixels of a site.
pub fn site_chunks(geometry: &ArrayGeometry) -> usize {
    channel_chunks(geometry) * geometry.tiles()
}

#[cfg(test)]
mod tests {
    use rxrx_metadata::Layout;

    use super::*;
    use crate::testing::plan;

    #[test]
    fn a_chunk_at_the_end_of_both_axes_has_planes_outside_the_array() {
        let layout = Layout {
            chunk_sites: 2,
            chunk_channels: Some(2),
            shard_sites: Some(4),
            ..Layout::default()
        };
        let plan = plan(7, 3, layout);
        let geometry = plan.geometry();
        assert_eq!(channel_chunks(geometry), 2);
        let unit = plan.units().nth(1).unwrap();
        let chunk = ChunkAddress::new(geometry, &unit, 3);
        let expected = ChunkAddress {
            sites: 6..7,
            channels: 2..3,
        };
        assert_eq!(chunk, expected);
        let plane = PlanePosition {
            site: SiteIndex(6),
            channel: 2,
        };
        assert_eq!(chunk.planes().collect::<Vec<_>>(), [plane]);
        let positions: Vec<_> = chunk.positions(geometry).collect();
        assert_eq!(positions, [Some(plane), None, None, None]);
    }

    #[test]
    fn planes_inside_the_array_are_in_the_order_of_the_pixels() {
        let layout = Layout {
            chunk_sites: 2,
            chunk_channels: Some(2),
            shard_sites: Some(4),
            ..Layout::default()
        };
        let plan = plan(7, 3, layout);
        let unit = plan.units().next().unwrap();
        for number in 0..4 {
            let chunk = ChunkAddress::new(plan.geometry(), &unit, number);
            let inside: Vec<_> = chunk.positions(plan.geometry()).flatten().collect();
            assert_eq!(inside, chunk.planes().collect::<Vec<_>>());
        }
    }
}
