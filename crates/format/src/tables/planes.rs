//! `planes.parquet`: one row for each site and channel, that is, for each image file that
//! exists or is missing.

use std::ops::Range;
use std::sync::Arc;

use arrow_array::{ArrayRef, Float64Array, Int32Array, Int64Array, StringArray};
use rxrx_metadata::{Plan, SiteIndex};

use super::plane_row::PlaneRow;
use super::schema::planes_schema;
use super::statistics::{STATISTICS, Statistic, StatisticValue};
use super::writer::{ROWS_IN_PAGE, TableError, TableWriter, check_rows, site_groups};
use crate::keys::{PLANES, shard_key};

/// Rows that are written at a time.
const ROWS_AT_ONCE: usize = 4 * ROWS_IN_PAGE;

/// A row with its place in the array.
struct PlacedRow<'a> {
    site: usize,
    channel: usize,
    row: &'a PlaneRow,
}

/// A table that is encoded row by row.
pub struct PlanesTable<'a> {
    plan: &'a Plan,
    channels: Vec<String>,
    writer: TableWriter,
    /// Numbers of the rows at which row groups end, in descending order.
    group_ends: Vec<usize>,
    /// Number of the first row that is not written yet.
    next: usize,
    /// Rows that were added and are not written yet.
    pending: Vec<PlaneRow>,
    /// Bytes of their chunks in the shard, where each plane has chunks of its own.
    places: Vec<Range<u64>>,
    has_places: bool,
}

impl<'a> PlanesTable<'a> {
    /// Begins the table of `plan`.
    ///
    /// # Errors
    /// [`TableError`], a defect.
    pub fn new(plan: &'a Plan, key_values: &[(&str, String)]) -> Result<Self, TableError> {
        let channels = plan.geometry().channels;
        let groups: Vec<_> = site_groups(plan.table().len()).collect();
        let longest = groups.first().map_or(0, ExactSizeIterator::len);
        let bloom = [("xxh3_128".to_owned(), longest * channels)];
        let has_places = plan.geometry().has_plane_chunks();
        let schema = planes_schema(has_places);
        Ok(Self {
            plan,
            channels: plan.channel_names().to_vec(),
            writer: TableWriter::new(PLANES, schema, &bloom, key_values)?,
            group_ends: groups
                .iter()
                .rev()
                .map(|group| group.end * channels)
                .collect(),
            next: 0,
            pending: Vec::with_capacity(ROWS_AT_ONCE),
            places: Vec::new(),
            has_places,
        })
    }

    /// Adds the planes of the next sites, site-major. Where each plane has chunks of its
    /// own, `places` has their bytes in the shard for each plane; else nothing.
    ///
    /// # Errors
    /// [`TableError`], a defect.
    pub fn add(&mut self, planes: Vec<PlaneRow>, places: &[Range<u64>]) -> Result<(), TableError> {
        let expected = if self.has_places { planes.len() } else { 0 };
        check_rows(PLANES, places.len(), expected)?;
        let mut places = places.iter().cloned();
        for plane in planes {
            self.pending.push(plane);
            self.places.extend(places.next());
            let ends = self.group_ends.last() == Some(&(self.next + self.pending.len()));
            if ends || self.pending.len() == ROWS_AT_ONCE {
                self.write()?;
            }
            if ends {
                self.writer.end_group()?;
                self.group_ends.pop();
            }
        }
        Ok(())
    }

    /// Takes the bytes of the row groups that are whole. Those of the whole table are what each
    /// call returns, and then [`Self::finish`].
    ///
    /// # Errors
    /// [`TableError`], a defect.
    pub fn take_written(&mut self) -> Result<Vec<u8>, TableError> {
        self.writer.take_written()
    }

    /// Returns the bytes of the table that were not taken, once all sites are added.
    ///
    /// # Errors
    /// [`TableError`], a defect.
    pub fn finish(self) -> Result<Vec<u8>, TableError> {
        self.writer.finish()
    }

    /// Writes the rows that are pending.
    fn write(&mut self) -> Result<(), TableError> {
        let Self {
            plan,
            channels: names,
            ..
        } = self;
        let rows = self.pending.iter().enumerate().map(|(at, row)| PlacedRow {
            site: (self.next + at) / names.len(),
            channel: (self.next + at) % names.len(),
            row,
        });
        let rows: Vec<PlacedRow<'_>> = rows.collect();
        let texts = |value: fn(&PlaneRow) -> Option<&str>| -> ArrayRef {
            Arc::new(StringArray::from_iter(
                rows.iter().map(|row| value(row.row)),
            ))
        };
        let source = |row: &PlacedRow<'_>| plan.source(SiteIndex(row.site), row.channel);
        let sizes = rows
            .iter()
            .map(|row| row.row.source_bytes().map(|bytes| bytes as i64));
        let hashes = rows.iter().map(|row| {
            let summary = row.row.summary()?;
            Some(format!("{:032x}", summary.xxh3_128))
        });
        // A plane has at most 2^28 pixels.
        let pixels = plan.geometry().plane_pixels() as i32;
        let pixels = rows.iter().map(|row| row.row.summary().map(|_| pixels));
        let mut columns: Vec<ArrayRef> = vec![
            Arc::new(Int32Array::from_iter_values(
                rows.iter().map(|row| row.site as i32),
            )),
            Arc::new(StringArray::from_iter(
                rows.iter().map(|row| names.get(row.channel)),
            )),
            Arc::new(StringArray::from_iter(rows.iter().map(source))),
            Arc::new(Int64Array::from_iter(sizes)),
            texts(|row| Some(row.status())),
            texts(PlaneRow::error),
            texts(PlaneRow::cause),
            Arc::new(StringArray::from_iter(hashes)),
            Arc::new(Int32Array::from_iter(pixels)),
        ];
        columns.extend(
            STATISTICS
                .iter()
                .map(|statistic| column(statistic, &self.pending)),
        );
        if self.has_places {
            columns.extend(self.place_columns());
        }
        self.writer.write_rows(columns)?;
        self.next += self.pending.len();
        self.pending.clear();
        self.places.clear();
        Ok(())
    }

    /// The columns with the bytes of each plane.
    fn place_columns(&self) -> [ArrayRef; 3] {
        let geometry = self.plan.geometry();
        let shards = (self.next..self.next + self.places.len())
            .map(|row| shard_key(row / geometry.channels / geometry.shard_sites));
        let offsets = self.places.iter().map(|place| place.start as i64);
        let lengths = self.places.iter();
        let lengths = lengths.map(|place| (place.end - place.start) as i64);
        [
            Arc::new(StringArray::from_iter_values(shards)),
            Arc::new(Int64Array::from_iter_values(offsets)),
            Arc::new(Int64Array::from_iter_values(lengths)),
        ]
    }
}

/// The column of one statistic, null where a plane has none.
fn column(statistic: &Statistic, rows: &[PlaneRow]) -> ArrayRef {
    let statistics = rows
        .iter()
        .map(|row| row.summary().map(|summary| &summary.statistics));
    match statistic.value {
        StatisticValue::Float(accessor) => Arc::new(Float64Array::from_iter(
            statistics.map(|statistics| statistics.map(accessor.get)),
        )),
        StatisticValue::Pixel(accessor) => Arc::new(Int32Array::from_iter(
            statistics.map(|statistics| Some(i32::from((accessor.get)(statistics?)))),
        )),
        // Far below 2^63: a plane has at most 2^28 pixels of 16 bits.
        StatisticValue::Sum(accessor) => Arc::new(Int64Array::from_iter(
            statistics.map(|statistics| Some((accessor.get)(statistics?) as i64)),
        )),
    }
}
