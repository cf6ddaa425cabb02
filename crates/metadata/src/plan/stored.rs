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

impl StoredRows {
    /// Number of planes that have an image.
    pub fn images(&self) -> usize {
        self.images.iter().flatten().count()
    }
}

impl StoredPlan {
    /// Shape, chunks and shards of the array.
    pub fn geometry(&self) -> &ArrayGeometry {
        &self.geometry
    }

    /// Makes the plan again, with the given rows of the array, which follow each other. Problems of the
    /// input are not stored.
    ///
    /// # Errors
    /// The rows do not follow each other, are not those of this plan, or there are none.
    pub fn with_rows<E: From<StoredPlanError>>(
        &self,
        parts: impl IntoIterator<Item = Result<StoredRows, E>>,
    ) -> Result<Plan, E> {
        let mut first = None;
        let mut keys: Vec<SiteKey> = Vec::new();
        let columns = self.columns.iter();
        let mut columns: Vec<Column> = columns
            .map(|(name, kind)| Column {
                name: name.clone(),
                values: kind.empty(),
            })
            .collect();
        let mut images = Vec::new();
        for part in parts {
            let part = part?;
            self.check(&part)?;
            let begins_at = *first.get_or_insert(part.first) + keys.len();
            if part.first != begins_at {
                let text = format!("rows from {} follow {begins_at} rows", part.first);
                return Err(contradiction(text).into());
            }
            for key in part.keys {
                keys.push(self.key(key)?);
            }
            for (column, cells) in columns.iter_mut().zip(part.columns) {
                cells.add_to(column)?;
            }
            images.extend(part.images);
        }
        let first = first.ok_or_else(|| contradiction("it has no rows"))?;
        if first + keys.len() > self.geometry.sites {
            return Err(contradiction("it has more rows than the array").into());
        }
        let channels: Vec<Channel> = self
            .channels
            .iter()
            .map(|&number| Channel(number))
            .collect();
        let mut sources = SourcesBuilder::new(keys.len(), channels.clone());
        for (slot, path) in images.into_iter().enumerate() {
            let (site, channel) = (slot / channels.len(), slot % channels.len());
            let plane = PlaneIndex {
                site: SiteIndex(site),
                channel,
            };
            if let (Some(path), Some(key), Some(&number)) =
                (path, keys.get(site), channels.get(channel))
            {
                let added = sources.insert(plane, path.into(), key, number);
                added.map_err(|path| contradiction(format!("two images of a plane: {path}")))?;
            }
        }
        Ok(Plan {
            table: MetadataTable::new(self.table.clone(), keys, columns),
            channel_names: self.channel_names.clone(),
            sources: sources.finish(),
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

    /// Reads the key of a row.
    fn key(
        &self,
        (experiment, plate, well, site): (String, String, String, u32),
    ) -> Result<SiteKey, StoredPlanError> {
        let plate = match self.has_plate_names {
            true => Some(Plate::name(&plate)),
            false => Plate::number_of_table(&plate),
        };
        let plate = plate.ok_or_else(|| contradiction("a plate is no number"))?;
        let well = well
            .parse()
            .map_err(|_| contradiction(format!("{well} is no well")))?;
        Ok(SiteKey {
            experiment: ExperimentName::new(&experiment),
            plate,
            well,
            site,
        })
    }
}

#[cfg(test)]
mod tests;
