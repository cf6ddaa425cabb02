//! The tables of a dataset, and its sites and channels by name.

use std::iter;

use rxrx_format::keys::{CHANNEL_STATS, CHECKSUMS, EMBEDDINGS, PLANES, SITES};
use rxrx_format::{
    ChannelStats, Checksums, EmbeddingsTable, PlaneRow, ReadTableError, SitesTable, channel_stats,
    channel_stats_of, embeddings_of, parse_checksums, planes_of, sites_of,
};

use crate::dataset::Dataset;
use crate::error::DatasetError;

impl Dataset {
    /// The table of sites: one row for each site, row *i* for `images[i]`. Read
    /// once and kept, because reading of pixels needs it.
    ///
    /// # Errors
    /// [`DatasetError`]: the table is missing or damaged, or the store failed.
    pub fn sites(&self) -> Result<&SitesTable, DatasetError> {
        if let Some(sites) = self.sites.get() {
            return Ok(sites);
        }
        let bytes = self.object(SITES)?.into();
        let sites = sites_of(bytes, self.root.geometry.sites).map_err(self.table())?;
        Ok(self.sites.get_or_init(|| sites))
    }

    /// Reads the table of planes: one row for each plane, site-major.
    ///
    /// # Errors
    /// The errors of [`Self::sites`].
    pub fn planes(&self) -> Result<Vec<PlaneRow>, DatasetError> {
        let bytes = self.object(PLANES)?.into();
        let planes = planes_of(bytes, &self.root.geometry, &self.root.channels);
        Ok(planes.map_err(self.table())?.rows)
    }

    /// Reads the table of mean and standard deviation of each channel over the
    /// dataset, each experiment, each plate, its negative controls and the rows to train on
    /// (the last two where they are known). Reads the table of sites, too.
    ///
    /// # Errors
    /// The errors of [`Self::sites`].
    pub fn channel_stats(&self) -> Result<Vec<ChannelStats>, DatasetError> {
        let geometry = &self.root.geometry;
        // Rows of a table with these groups, whatever the planes are.
        let planes = iter::repeat_n(&PlaneRow::Missing, geometry.planes());
        let columns = &self.sites()?.columns;
        let rules = &self.root.attributes.description.rows;
        let rows = channel_stats(columns, geometry.channels, 0, rules, planes).len();
        let bytes = self.object(CHANNEL_STATS)?.into();
        channel_stats_of(bytes, rows, &self.root.channels).map_err(self.table())
    }

    /// Reads the table of embeddings: one row for each site. `None` where the
    /// dataset has none.
    ///
    /// # Errors
    /// The errors of [`Self::sites`].
    pub fn embeddings(&self) -> Result<Option<EmbeddingsTable>, DatasetError> {
        let Some(digest) = &self.root.attributes.embeddings else {
            return Ok(None);
        };
        let bytes = self.object(EMBEDDINGS)?.into();
        let table = embeddings_of(bytes, self.root.geometry.sites, digest.length);
        table.map(Some).map_err(self.table())
    }

    /// Reads the SHA-256 of every object but the list itself.
    ///
    /// # Errors
    /// [`DatasetError`]: the list is missing or has a line of another kind, or
    /// the store failed.
    pub fn checksums(&self) -> Result<Checksums, DatasetError> {
        let list = self.object(CHECKSUMS)?;
        // A byte that is not UTF-8 becomes a character that no line may have.
        let list = String::from_utf8_lossy(&list);
        parse_checksums(&list).map_err(|line| DatasetError::Checksums {
            dataset: self.name.clone(),
            line,
        })
    }

    /// Position of the site with the name `site_id`, such as
    /// `HUVEC-01_1_B02_1`. Reads the table of sites.
    ///
    /// # Errors
    /// There is no such site, or the errors of [`Self::sites`].
    pub fn site_index(&self, site_id: &str) -> Result<usize, DatasetError> {
        let sites = self.sites()?;
        let order = self.sites_by_name.get_or_init(|| {
            let mut order: Vec<usize> = (0..sites.places.len()).collect();
            order.sort_by_key(|&site| sites.site_id(site));
            order
        });
        let found = order.binary_search_by_key(&Some(site_id), |&site| sites.site_id(site));
        let position = found.ok().and_then(|found| order.get(found).copied());
        position.ok_or_else(|| {
            self.unknown(
                "site",
                site_id,
                format!("the column site_id of {SITES} has all names"),
            )
        })
    }

    /// Position of the channel with that name, such as `w1`.
    ///
    /// # Errors
    /// There is no such channel.
    pub fn channel_index(&self, name: &str) -> Result<usize, DatasetError> {
        let channels = &self.root.channels;
        let position = channels.iter().position(|channel| channel == name);
        position
            .ok_or_else(|| self.unknown("channel", name, format!("it has {}", channels.join(", "))))
    }

    fn unknown(&self, axis: &'static str, name: &str, advice: String) -> DatasetError {
        DatasetError::UnknownName {
            dataset: self.name.clone(),
            axis,
            name: name.to_owned(),
            advice,
        }
    }

    fn table(&self) -> impl Fn(ReadTableError) -> DatasetError + '_ {
        |source| DatasetError::Table {
            dataset: self.name.clone(),
            source,
        }
    }
}
