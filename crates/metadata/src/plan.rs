//! The plan of a conversion: the array, its rows, its images and its units.

pub(crate) mod error;
pub(crate) mod geometry;
pub(crate) mod stored;
#[cfg(test)]
mod tests;
pub(crate) mod unit;

use std::ops::Range;

use self::error::PlanError;
use self::geometry::{ArrayGeometry, DataType, Layout};
use self::unit::Unit;
use crate::join::Join;
use crate::join::sources::PlaneSources;
use crate::problem::Problems;
use crate::site::{Channel, PlaneIndex, SiteIndex};
use crate::table::metadata_table::MetadataTable;

/// Everything that a conversion knows before it decodes the first pixel.
#[derive(Clone, Debug)]
pub struct Plan {
    table: MetadataTable,
    channel_names: Vec<String>,
    sources: PlaneSources,
    problems: Problems,
    geometry: ArrayGeometry,
    /// The position on the first axis of the first row that the plan has: 0, but for a part
    /// of a stored plan.
    first: usize,
}

impl Plan {
    /// Plans an array of planes of `height` x `width` pixels.
    ///
    /// # Errors
    /// A size is zero, chunks do not fit shards or channels, or the array is
    /// too large to be addressed.
    pub fn new(
        join: Join,
        height: usize,
        width: usize,
        data_type: DataType,
        layout: Layout,
    ) -> Result<Self, PlanError> {
        let (sites, channels) = (join.table.len(), join.sources.channels().len());
        let geometry = ArrayGeometry::new(sites, channels, height, width, data_type, layout)?;
        Ok(Self {
            table: join.table,
            channel_names: join.channel_names,
            sources: join.sources,
            problems: join.problems,
            geometry,
            first: 0,
        })
    }

    /// Adds problems that were found in the images.
    #[must_use]
    pub fn with_problems(self, found: Problems) -> Self {
        let mut problems = self.problems;
        problems.extend(found);
        Self { problems, ..self }
    }

    /// Shape, chunks and shards of the array.
    pub fn geometry(&self) -> &ArrayGeometry {
        &self.geometry
    }

    /// The rows of the array; a part of a stored plan has some of them only.
    pub fn table(&self) -> &MetadataTable {
        &self.table
    }

    /// The channels of the array, ascending.
    pub fn channels(&self) -> &[Channel] {
        self.sources.channels()
    }

    /// The names of the channels, along [`Self::channels`]: `w1`, `w2`, …, or those that
    /// the user gave.
    pub fn channel_names(&self) -> &[String] {
        &self.channel_names
    }

    /// Iterates over the units in the order of their shards. Together they cover
    /// each site once.
    pub fn units(&self) -> impl ExactSizeIterator<Item = Unit> + '_ {
        (0..self.geometry.shards()).map(|shard| self.geometry.unit(shard))
    }

    /// The unit of one shard, if there is such a shard.
    pub fn unit(&self, shard: usize) -> Option<Unit> {
        (shard < self.geometry.shards()).then(|| self.geometry.unit(shard))
    }

    /// Path of the image of one plane; `None` if there is no image or no such
    /// plane. `channel_position` counts along [`Self::channels`].
    pub fn source(&self, site: SiteIndex, channel_position: usize) -> Option<String> {
        let plane = PlaneIndex {
            site: SiteIndex(site.0.checked_sub(self.first)?),
            channel: channel_position,
        };
        self.sources.path(self.table.keys(), plane)
    }

    /// Iterates over the paths of the images of some sites, in array order.
    pub fn images(&self, sites: Range<usize>) -> impl Iterator<Item = String> + '_ {
        let channels = 0..self.channels().len();
        let planes =
            sites.flat_map(move |site| channels.clone().map(move |channel| (site, channel)));
        planes.filter_map(|(site, channel)| self.source(SiteIndex(site), channel))
    }

    /// The site id of a site, if the plan has its row.
    pub fn site_id(&self, site: SiteIndex) -> Option<&str> {
        self.table.site_id(site.0.checked_sub(self.first)?)
    }

    /// Images, rows and files that do not fit together.
    pub fn problems(&self) -> &Problems {
        &self.problems
    }

    /// Number of planes that have an image.
    pub fn present_planes(&self) -> usize {
        self.sources.present()
    }

    /// Number of planes that have no image.
    pub fn missing_planes(&self) -> usize {
        self.sources.missing()
    }
}
