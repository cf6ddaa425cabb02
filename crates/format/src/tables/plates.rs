//! `plates.parquet`: one row for each plate, in array order. The sites of a plate follow each
//! other, so that a program that shows plates begins with this table and then reads the rows
//! of one plate.

use std::collections::HashSet;
use std::sync::Arc;

use arrow_array::{ArrayRef, Float64Array, Int32Array, StringArray};
use arrow_schema::{DataType as Arrow, Schema};
use rxrx_metadata::{Column, ColumnValues, Texts};

use super::channel_stats::{PlateLabel, plate_label, plate_values};
use super::plane_row::PlaneRow;
use super::schema::{optional, required};
use super::writer::{TableError, TableWriter};
use crate::channel_description::ChannelDescription;
use crate::keys::PLATES;

/// A row of the table.
#[derive(Clone, Debug, PartialEq)]
pub struct PlateRow {
    /// The experiment, as the metadata table spells it.
    pub experiment: String,
    /// The plate in the experiment.
    pub plate: Option<PlateLabel>,
    /// Position of its first site along the site axis.
    pub first_site: u64,
    /// Number of its sites, which follow each other.
    pub sites: u64,
    /// Number of wells that have a site.
    pub wells: u64,
    /// Number of planes without an image.
    pub missing: u64,
    /// Number of planes whose image could not be read or used.
    pub bad: u64,
    /// Mean of the pixels of each channel, by exact sums; `None` where no plane was stored.
    pub means: Vec<Option<f64>>,
}

/// The name of the column with the means of a channel.
fn mean_column(channel: &str) -> String {
    format!("mean_{channel}")
}

/// The schema of `plates.parquet`.
pub fn plates_schema(plates_are_names: bool, channels: &[ChannelDescription]) -> Schema {
    let (plate, description) = match plates_are_names {
        true => (Arrow::Utf8, "Plate in the experiment, a name"),
        false => (Arrow::Int32, "Plate in the experiment, from 1"),
    };
    let mut fields = vec![
        required(
            "experiment",
            Arrow::Utf8,
            "Experiment, as in metadata.parquet",
        ),
        required("plate", plate, description),
        required(
            "first_site",
            Arrow::Int32,
            "site_index of the first site of the plate; the others follow it",
        ),
        required("sites", Arrow::Int32, "Number of sites of the plate"),
        required("wells", Arrow::Int32, "Number of wells that have a site"),
        required(
            "missing",
            Arrow::Int32,
            "Planes without an image: those whose status is missing in planes.parquet",
        ),
        required(
            "bad",
            Arrow::Int32,
            "Planes whose image was not usable: those whose status is unreadable or corrupt in \
             planes.parquet",
        ),
    ];
    fields.extend(channels.iter().map(|channel| {
        let stain = match channel.stain.is_empty() {
            true => String::new(),
            false => format!(" ({})", channel.stain),
        };
        let description = format!(
            "Mean of the pixels of the stored planes of {}{stain}, in units of the samples; null \
             where there are none",
            channel.name
        );
        optional(&mean_column(&channel.name), Arrow::Float64, &description)
    }));
    Schema::new(fields)
}

/// The rows of the table, made plane by plane.
pub struct PlateSums<'a> {
    experiments: Option<&'a Texts>,
    plates: Option<&'a ColumnValues>,
    wells: Option<&'a Texts>,
    channels: usize,
    rows: Vec<PlateRow>,
    /// Wells of the last row.
    seen: HashSet<&'a str>,
    /// Planes and sums of their pixels, row-major by channel.
    sums: Vec<(u64, u128)>,
    /// Planes added so far.
    added: usize,
}

impl<'a> PlateSums<'a> {
    /// Begins with no plane. `columns` are those of the metadata table.
    pub fn new(columns: &'a [Column], channels: usize) -> Self {
        let column = |name: &str| columns.iter().find(|column| column.name == name);
        let texts = |name: &str| match column(name).map(|column| &column.values) {
            Some(ColumnValues::String(texts)) => Some(texts),
            _ => None,
        };
        Self {
            experiments: texts("experiment"),
            plates: column("plate").map(|column| &column.values),
            wells: texts("well"),
            channels,
            rows: Vec::new(),
            seen: HashSet::new(),
            sums: Vec::new(),
            added: 0,
        }
    }

    /// Adds the next plane, in site-major order.
    pub fn add(&mut self, plane: &PlaneRow) {
        let channels = self.channels.max(1);
        let (site, channel) = (self.added / channels, self.added % channels);
        self.added += 1;
        if channel == 0 {
            self.begin(site);
        }
        let first = self.sums.len().saturating_sub(channels);
        let (Some(row), Some(sums)) = (self.rows.last_mut(), self.sums.get_mut(first + channel))
        else {
            return;
        };
        match plane {
            PlaneRow::Ok { summary, .. } => {
                sums.0 += 1;
                sums.1 += u128::from(summary.statistics.sum);
            }
            PlaneRow::Missing => row.missing += 1,
            PlaneRow::Unreadable { .. } | PlaneRow::Corrupt { .. } => row.bad += 1,
        }
    }

    /// Counts a site, and begins a row if it is the first one of its plate.
    fn begin(&mut self, site: usize) {
        let experiment = self.experiments.and_then(|names| names.get(site));
        let experiment = experiment.unwrap_or_default();
        let plate = self.plates.and_then(|plates| plate_label(plates, site));
        let is_of = |row: &PlateRow| row.experiment == experiment && row.plate == plate;
        if !self.rows.last().is_some_and(is_of) {
            self.seen.clear();
            self.sums.resize(self.sums.len() + self.channels, (0, 0));
            self.rows.push(PlateRow {
                experiment: experiment.to_owned(),
                plate,
                first_site: site as u64,
                sites: 0,
                wells: 0,
                missing: 0,
                bad: 0,
                means: Vec::new(),
            });
        }
        let well = self.wells.and_then(|wells| wells.get(site));
        let is_new = well.is_some_and(|well| self.seen.insert(well));
        if let Some(row) = self.rows.last_mut() {
            row.sites += 1;
            row.wells += u64::from(is_new);
        }
    }

    /// Returns the rows. Planes have `plane_pixels` each.
    pub fn rows(self, plane_pixels: u64) -> Vec<PlateRow> {
        let sums = self.sums.chunks(self.channels.max(1));
        let rows = self.rows.into_iter().zip(sums);
        let mean = |&(planes, sum): &(u64, u128)| {
            let pixels = planes.saturating_mul(plane_pixels);
            (pixels > 0).then(|| sum as f64 / pixels as f64)
        };
        rows.map(|(row, sums)| PlateRow {
            means: sums.iter().map(mean).collect(),
            ..row
        })
        .collect()
    }
}

/// Encodes the table.
///
/// # Errors
/// [`TableError`], a defect.
pub fn plates_table(
    rows: &[PlateRow],
    channels: &[ChannelDescription],
    key_values: &[(&str, String)],
) -> Result<Vec<u8>, TableError> {
    let (plates, are_names) = plate_values(rows.iter().map(|row| row.plate.as_ref()));
    // There are fewer than 2^31 sites, and far fewer planes of a plate.
    let numbers = |value: fn(&PlateRow) -> u64| -> ArrayRef {
        let values = rows.iter().map(|row| value(row) as i32);
        Arc::new(Int32Array::from_iter_values(values))
    };
    let experiments = rows.iter().map(|row| row.experiment.as_str());
    let mut columns: Vec<ArrayRef> = vec![
        Arc::new(StringArray::from_iter_values(experiments)),
        plates,
        numbers(|row| row.first_site),
        numbers(|row| row.sites),
        numbers(|row| row.wells),
        numbers(|row| row.missing),
        numbers(|row| row.bad),
    ];
    columns.extend((0..channels.len()).map(|channel| -> ArrayRef {
        let means = rows.iter().map(|row| *row.means.get(channel)?);
        Arc::new(Float64Array::from_iter(means))
    }));
    let schema = plates_schema(are_names, channels);
    let mut writer = TableWriter::new(PLATES, schema, &[], key_values)?;
    writer.write_group(columns)?;
    writer.finish()
}

/// The columns of whole numbers with the places of their values.
type Count = (&'static str, fn(&mut PlateRow) -> &mut u64);

/// The columns of whole numbers.
pub(super) const COUNTS: [Count; 5] = [
    ("first_site", |row| &mut row.first_site),
    ("sites", |row| &mut row.sites),
    ("wells", |row| &mut row.wells),
    ("missing", |row| &mut row.missing),
    ("bad", |row| &mut row.bad),
];

/// The names of the columns with the means of `channels`.
pub(super) fn mean_columns(channels: &[String]) -> Vec<String> {
    channels
        .iter()
        .map(|channel| mean_column(channel))
        .collect()
}
