//! A plan as it is stored, so that another process need not list INPUT or read its tables.

use std::ops::Range;

use serde::{Deserialize, Serialize};
use thiserror::Error;

use super::Plan;
use super::geometry::ArrayGeometry;
use crate::column::{Column, ColumnValues};
use crate::join::sources::SourcesBuilder;
use crate::plate::Plate;
use crate::problem::Problems;
use crate::site::{Channel, ExperimentName, PlaneIndex, SiteIndex, SiteKey};
use crate::table::metadata_table::MetadataTable;
use rxrx_tables::{Integers, Texts};

/// Everything of a plan but its rows and their images.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StoredPlan {
    /// Name of the table, for messages.
    table: String,
    /// Numbers of the channels, ascending.
    channels: Vec<u16>,
    /// Their names.
    channel_names: Vec<String>,
    /// Shape of the array.
    geometry: ArrayGeometry,
    /// Names and types of the columns.
    columns: Vec<(String, ColumnType)>,
    /// Whether the plates are names.
    has_plate_names: bool,
}

/// Rows of a plan and the images of their planes.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct StoredRows {
    /// The first row.
    first: usize,
    /// Experiment, plate, well and site of each row.
    keys: Vec<(String, String, String, u32)>,
    /// The cells of each column.
    columns: Vec<Cells>,
    /// Path of the image of each plane, site-major; `None` if there is none.
    images: Vec<Option<String>>,
}

/// The type of a column, which follows from the whole table.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
enum ColumnType {
    Int32,
    Int64,
    Float64,
    Text,
}

/// Cells of a column; `None` for a blank one.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Cells {
    /// Whole numbers, and the bits of floats: JSON has no NaN.
    Numbers(Vec<Option<i64>>),
    Texts(Vec<Option<String>>),
}

/// A stored plan whose parts contradict each other.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("the stored plan contradicts itself: {0}")]
pub struct StoredPlanError(String);

fn contradiction(text: impl Into<String>) -> StoredPlanError {
    StoredPlanError(text.into())
}

impl ColumnType {
    fn of(values: &ColumnValues) -> Self {
        match values {
            ColumnValues::Integer(values) if values.is_wide() => Self::Int64,
            ColumnValues::Integer(_) => Self::Int32,
            ColumnValues::Float(_) => Self::Float64,
            ColumnValues::String(_) => Self::Text,
        }
    }

    fn empty(self) -> ColumnValues {
        match self {
            Self::Int32 => ColumnValues::Integer(Integers::empty(false)),
            Self::Int64 => ColumnValues::Integer(Integers::empty(true)),
            Self::Float64 => ColumnValues::Float(Vec::new()),
            Self::Text => ColumnValues::String(Texts::default()),
        }
    }
}

impl Cells {
    fn of(values: &ColumnValues, rows: Range<usize>) -> Self {
        match values {
            ColumnValues::Integer(values) => {
                Self::Numbers(rows.map(|row| values.get(row)).collect())
            }
            ColumnValues::Float(values) => {
                let bits = |row: usize| values.get(row).copied().flatten().map(float_bits);
                Self::Numbers(rows.map(bits).collect())
            }
            ColumnValues::String(values) => {
                let cell = |row: usize| values.get(row).map(str::to_owned);
                Self::Texts(rows.map(cell).collect())
            }
        }
    }

    fn len(&self) -> usize {
        match self {
            Self::Numbers(cells) => cells.len(),
            Self::Texts(cells) => cells.len(),
        }
    }

    /// Appends the cells to a column.
    fn add_to(self, column: &mut Column) -> Result<(), StoredPlanError> {
        match (&mut column.values, self) {
            (ColumnValues::Integer(values), Self::Numbers(cells)) => values.extend(cells),
            (ColumnValues::Float(values), Self::Numbers(cells)) => {
                values.extend(cells.into_iter().map(|cell| cell.map(float_of_bits)));
            }
            (ColumnValues::String(values), Self::Texts(cells)) => {
                for cell in cells {
                    values.push(&cell.unwrap_or_default());
                }
            }
            _ => {
                let text = format!("column {} has cells of another type", column.name);
                return Err(contradiction(text));
            }
        }
        Ok(())
    }
}

fn float_bits(number: f64) -> i64 {
    i64::from_ne_bytes(number.to_bits().to_ne_bytes())
}

fn float_of_bits(bits: i64) -> f64 {
    f64::from_bits(u64::from_ne_bytes(bits.to_ne_bytes()))
}

impl Plan {
    /// Returns everything but the rows, to be stored.
    pub fn stored(&self) -> StoredPlan {
        let columns = self.table.columns().iter();
        let columns = columns.map(|column| (column.name.clone(), ColumnType::of(&column.values)));
        let first = self.table.keys().first();
        StoredPlan {
            table: self.table.name().to_owned(),
            channels: self.channels().iter().map(|channel| channel.0).collect(),
            channel_names: self.channel_names.clone(),
            geometry: self.geometry.clone(),
            columns: columns.collect(),
            has_plate_names: first.is_some_and(|key| matches!(key.plate, Plate::Name(_))),
        }
    }

    /// Returns rows and the paths of their images, to be stored.
    pub fn stored_rows(&self, rows: Range<usize>) -> StoredRows {
        let channels = 0..self.channels().len();
        let keys = self.table.keys().get(rows.clone()).unwrap_or_default();
        let keys = keys.iter().map(|key| {
            let (experiment, plate) = (key.experiment.to_string(), key.plate.to_string());
            (experiment, plate, key.well.to_string(), key.site)
        });
        let columns = self.table.columns().iter();
        let planes = rows.clone().flat_map(|row| {
            channels
                .clone()
                .map(move |channel| (SiteIndex(row), channel))
        });
        StoredRows {
            first: rows.start,
            keys: keys.collect(),
            columns: columns
                .map(|column| Cells::of(&column.values, rows.clone()))
                .collect(),
            images: planes
                .map(|(site, channel)| self.source(site, channel))
                .collect(),
        }
    }
}

impl StoredPlan {
    /// Shape, chunks and shards of the array.
    pub fn geometry(&self) -> &ArrayGeometry {
        &self.geometry
    }

    /// Makes the plan again, with the given rows of the array, which follow each other. One part
    /// of them is in memory at a time. Problems of the input are not stored.
    ///
    /// # Errors
    /// The rows do not follow each other, are not those of this plan, or there are none.
    pub fn with_rows<E: From<StoredPlanError>>(
        &self,
        parts: impl IntoIterator<Item = Result<StoredRows, E>>,
    ) -> Result<Plan, E> {
        let mut rows = Rows::of(self);
        for part in parts {
            rows.add(part?, self)?;
        }
        let first = rows.first.ok_or_else(|| contradiction("it has no rows"))?;
        if first + rows.keys.len() > self.geometry.sites {
            return Err(contradiction("it has more rows than the array").into());
        }
        rows.columns.iter_mut().for_each(share);
        Ok(Plan {
            table: MetadataTable::new(self.table.clone(), rows.keys, rows.columns),
            channel_names: self.channel_names.clone(),
            sources: rows.sources.finish(),
            problems: Problems::default(),
            geometry: self.geometry.clone(),
            first,
        })
    }

    /// Demands that rows have the columns and channels of the plan.
    fn check(&self, rows: &StoredRows) -> Result<(), StoredPlanError> {
        let (sites, channels) = (rows.keys.len(), self.channels.len());
        let is_whole = rows.columns.len() == self.columns.len()
            && rows.columns.iter().all(|cells| cells.len() == sites)
            && channels > 0
            && channels == self.geometry.channels
            && channels == self.channel_names.len()
            && rows.images.len() == sites.saturating_mul(channels);
        if is_whole {
            return Ok(());
        }
        let text = format!("rows from {} have other columns or channels", rows.first);
        Err(contradiction(text))
    }
}

/// Rows that are put together.
struct Rows {
    /// The first one.
    first: Option<usize>,
    keys: Vec<SiteKey>,
    columns: Vec<Column>,
    channels: Vec<Channel>,
    sources: SourcesBuilder,
}

impl Rows {
    fn of(plan: &StoredPlan) -> Self {
        let channels: Vec<Channel> = plan
            .channels
            .iter()
            .map(|&number| Channel(number))
            .collect();
        let columns = plan.columns.iter();
        Self {
            first: None,
            keys: Vec::new(),
            columns: columns
                .map(|(name, kind)| Column {
                    name: name.clone(),
                    values: kind.empty(),
                })
                .collect(),
            sources: SourcesBuilder::new(0, channels.clone()),
            channels,
        }
    }

    /// Appends rows.
    fn add(&mut self, part: StoredRows, plan: &StoredPlan) -> Result<(), StoredPlanError> {
        plan.check(&part)?;
        let before = self.keys.len();
        let begins_at = *self.first.get_or_insert(part.first) + before;
        if part.first != begins_at {
            let text = format!("rows from {} follow {begins_at} rows", part.first);
            return Err(contradiction(text));
        }
        self.sources.add_sites(part.keys.len());
        for key in part.keys {
            let key = self.key(key, plan.has_plate_names)?;
            self.keys.push(key);
        }
        for (column, cells) in self.columns.iter_mut().zip(part.columns) {
            cells.add_to(column)?;
        }
        let channels = self.channels.len();
        for (slot, path) in part.images.into_iter().enumerate() {
            let plane = PlaneIndex {
                site: SiteIndex(before + slot / channels),
                channel: slot % channels,
            };
            let key = self.keys.get(plane.site.0);
            let channel = self.channels.get(plane.channel);
            if let (Some(path), Some(key), Some(&channel)) = (path, key, channel) {
                let added = self.sources.insert(plane, path.into(), key, channel);
                added.map_err(|path| contradiction(format!("two images of a plane: {path}")))?;
            }
        }
        Ok(())
    }

    /// Reads the key of a row. It shares its texts with the row before, if they are equal.
    fn key(
        &self,
        (experiment, plate, well, site): (String, String, String, u32),
        has_plate_names: bool,
    ) -> Result<SiteKey, StoredPlanError> {
        let last = self.keys.last();
        let same_experiment = last.filter(|last| last.experiment.as_str() == experiment);
        let experiment = same_experiment.map_or_else(
            || ExperimentName::new(&experiment),
            |last| last.experiment.clone(),
        );
        let plate = match has_plate_names {
            true => Some(Plate::name(&plate)),
            false => Plate::number_of_table(&plate),
        };
        let plate = plate.ok_or_else(|| contradiction("a plate is no number"))?;
        let same_plate = last.filter(|last| last.plate == plate);
        let well = well
            .parse()
            .map_err(|_| contradiction(format!("{well} is no well")))?;
        Ok(SiteKey {
            experiment,
            plate: same_plate.map_or(plate, |last| last.plate.clone()),
            well,
            site,
        })
    }
}

/// Stores equal cells of a column once, where that takes less memory.
fn share(column: &mut Column) {
    match &mut column.values {
        ColumnValues::String(values) => *values = values.iter().collect(),
        ColumnValues::Integer(values) => {
            let rows: Vec<usize> = (0..values.len()).collect();
            values.retain_rows(&rows);
        }
        ColumnValues::Float(_) => {}
    }
}

#[cfg(test)]
mod tests;
