//! The tables of a dataset, and its sites and channels by name.

use std::iter;

use rxrx_format::keys::{CHANNEL_STATS, CHECKSUMS, EMBEDDINGS, PLANES, PLATES, SITES};
use rxrx_format::{
    ArrowTable, ChannelStats, Checksums, EmbeddingsTable, PlaneRow, PlateRow, PlateSums,
    ReadTableError, Selection, SitesTable, arrow_table_of, channel_stats, channel_stats_of,
    each_plane_of, embeddings_of, parse_checksums, planes_of, plates_of, sites_of,
};

use crate::dataset::Dataset;
use crate::error::DatasetError;

/// A table of a dataset.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum TableName {
    /// `metadata.parquet`: one row for each site, row *i* for `images[i]`.
    Sites,
    /// `planes.parquet`: one row for each plane, site-major.
    Planes,
    /// `channel_stats.parquet`: mean and standard deviation of each channel in each group.
    ChannelStats,
    /// `plates.parquet`: one row for each plate.
    Plates,
    /// `embeddings.parquet`: one vector for each site.
    Embeddings,
}

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

    /// Reads the table of planes, and gives its rows to `take`, one after the other.
    ///
    /// # Errors
    /// The errors of [`Self::sites`]. `take` may have received rows by then.
    pub fn each_plane(&self, take: &mut dyn FnMut(PlaneRow)) -> Result<(), DatasetError> {
        let bytes = self.object(PLANES)?.into();
        let read = each_plane_of(bytes, &self.root.geometry, &self.root.channels, take);
        read.map(drop).map_err(self.table())
    }

    /// Reads the table of mean and standard deviation of each channel over the
    /// dataset, each experiment, each plate, its negative controls and the rows to train on
    /// (the last two where they are known). Reads the table of sites, too.
    ///
    /// # Errors
    /// The errors of [`Self::sites`].
    pub fn channel_stats(&self) -> Result<Vec<ChannelStats>, DatasetError> {
        let rows = self.channel_stats_rows()?;
        let bytes = self.object(CHANNEL_STATS)?.into();
        channel_stats_of(bytes, rows, &self.root.channels).map_err(self.table())
    }

    /// Rows of the table of statistics: its groups are known without it.
    fn channel_stats_rows(&self) -> Result<usize, DatasetError> {
        let geometry = &self.root.geometry;
        // Rows of a table with these groups, whatever the planes are.
        let planes = iter::repeat_n(&PlaneRow::Missing, geometry.planes());
        let columns = &self.sites()?.columns;
        let rules = &self.root.attributes.description.rows;
        Ok(channel_stats(columns, geometry.channels, 0, rules, planes).len())
    }

    /// Reads the table of plates, in array order, and the table of sites.
    ///
    /// # Errors
    /// The errors of [`Self::sites`]; a dataset of format 3, or of an earlier draft of format 4,
    /// has no such table.
    pub fn plates(&self) -> Result<Vec<PlateRow>, DatasetError> {
        let rows = self.plate_rows()?;
        let bytes = self.object(PLATES)?.into();
        plates_of(bytes, rows, &self.root.channels).map_err(self.table())
    }

    /// Rows of the table of plates: they are known without it.
    fn plate_rows(&self) -> Result<usize, DatasetError> {
        let geometry = &self.root.geometry;
        let mut sums = PlateSums::new(&self.sites()?.columns, geometry.channels);
        (0..geometry.planes()).for_each(|_| sums.add(&PlaneRow::Missing));
        Ok(sums.rows(0).len())
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

    /// Reads a whole table as Arrow data, with all columns that the file has. `None` for
    /// embeddings where the dataset has none.
    ///
    /// # Errors
    /// The errors of [`Self::sites`].
    pub fn arrow_table(&self, table: TableName) -> Result<Option<ArrowTable>, DatasetError> {
        let geometry = &self.root.geometry;
        let (key, rows, values_a_row) = match table {
            TableName::Sites => (SITES, geometry.sites, 1),
            TableName::Planes => (PLANES, geometry.planes(), 1),
            TableName::ChannelStats => (CHANNEL_STATS, self.channel_stats_rows()?, 1),
            TableName::Plates => (PLATES, self.plate_rows()?, 1),
            TableName::Embeddings => match &self.root.attributes.embeddings {
                Some(digest) => (EMBEDDINGS, geometry.sites, digest.length),
                None => return Ok(None),
            },
        };
        let bytes = self.object(key)?.into();
        let table = arrow_table_of(key, bytes, rows, values_a_row);
        table.map(Some).map_err(self.table())
    }

    /// Positions of the sites that clauses choose, ascending. The clauses are those of
    /// `rxrx2zarr convert`: see [`Selection`]. Columns have the names of the metadata table
    /// of the input. Reads the table of sites.
    ///
    /// # Errors
    /// A clause is malformed, names an unknown column or fits no site, or no site is left;
    /// or the errors of [`Self::sites`].
    pub fn select(
        &self,
        include: &[String],
        exclude: &[String],
    ) -> Result<Vec<usize>, DatasetError> {
        let selection = Selection::parse(include, exclude)?;
        let columns = &self.sites()?.columns;
        Ok(selection.rows_of(columns, self.root.geometry.sites)?)
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
