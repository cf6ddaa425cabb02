//! Reads `planes.parquet`.

use std::ops::Range;

use arrow_array::{Array, Float64Array, Int32Array, Int64Array, StringArray};
use bytes::Bytes;
use rxrx_decoder::{PlaneSummary, Statistics};
use rxrx_metadata::ArrayGeometry;

use super::batch::Batch;
use super::batches::each_batch;
use super::error::ReadTableError;
use crate::keys::{PLANES, shard_key};
use crate::tables::plane_row::{MISSING, PlaneRow, UNREADABLE};
use crate::tables::statistics::{STATISTICS, Statistic, StatisticValue};

/// The rows of `planes.parquet`, site-major.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct PlanesRead {
    /// The record of each plane.
    pub rows: Vec<PlaneRow>,
    /// The bytes of each plane in its shard, where each plane has chunks of its own and the
    /// table states them; else nothing.
    pub places: Vec<Range<u64>>,
    /// Whether the table has the column `pixels`, which is correct then.
    pub has_pixels: bool,
}

/// Reads the table of an array of `geometry` with those `channels`. Tables of format 3
/// have no columns `cause` and `pixels`, and none with the bytes of planes.
///
/// # Errors
/// [`ReadTableError`]: the object is not Parquet, columns or types differ from those of
/// the format, rows are out of order, or a status or a shard contradicts other cells.
pub fn planes_of(
    bytes: Bytes,
    geometry: &ArrayGeometry,
    channels: &[String],
) -> Result<PlanesRead, ReadTableError> {
    let mut rows = Vec::new();
    let read = each_plane_of(bytes, geometry, channels, &mut |row| rows.push(row))?;
    Ok(PlanesRead { rows, ..read })
}

/// Gives the rows of the table to `take`, one after the other, and returns the rest of it.
///
/// # Errors
/// The errors of [`planes_of`]. `take` may have received rows by then.
pub fn each_plane_of(
    bytes: Bytes,
    geometry: &ArrayGeometry,
    channels: &[String],
    take: &mut dyn FnMut(PlaneRow),
) -> Result<PlanesRead, ReadTableError> {
    let mut planes = PlanesRead::default();
    let rows = geometry.sites.saturating_mul(channels.len());
    each_batch(PLANES, bytes, rows, 1, |batch| {
        let site = batch.integers("site_index")?;
        batch.required("site_index", &site)?;
        let channel = batch.required("channel", batch.texts("channel")?)?;
        let columns = Columns::of(batch, geometry.plane_pixels())?;
        planes.has_pixels = columns.pixels.is_some();
        for row in 0..batch.len() {
            let position = batch.first_row + row;
            let place = (position / channels.len(), position % channels.len());
            if usize::try_from(site.value(row)) != Ok(place.0) {
                let reason = format!("{}, expected {}", site.value(row), place.0);
                return Err(batch.cell(row, "site_index", reason));
            }
            match channels.get(place.1) {
                Some(expected) if channel.value(row) == expected => {}
                expected => {
                    let reason = format!("{:?}, expected {expected:?}", channel.value(row));
                    return Err(batch.cell(row, "channel", reason));
                }
            }
            take(columns.plane(row)?);
        }
        if geometry.has_plane_chunks() && batch.has_column("byte_length") {
            check_shards(batch, geometry, channels.len())?;
            planes
                .places
                .extend(batch.byte_ranges("byte_offset", "byte_length")?);
        }
        Ok(())
    })?;
    Ok(planes)
}

/// Demands that the planes lie in the shards of their sites.
fn check_shards(
    batch: &Batch,
    geometry: &ArrayGeometry,
    channels: usize,
) -> Result<(), ReadTableError> {
    let shards = batch.required("object", batch.texts("object")?)?;
    for row in 0..batch.len() {
        let site = (batch.first_row + row) / channels;
        let expected = shard_key(site / geometry.shard_sites);
        if shards.value(row) != expected {
            let reason = format!("{:?}, expected {expected:?}", shards.value(row));
            return Err(batch.cell(row, "object", reason));
        }
    }
    Ok(())
}

/// The columns that describe the planes, found once for each batch.
struct Columns<'a> {
    batch: &'a Batch,
    source: &'a StringArray,
    source_bytes: Int64Array,
    status: &'a StringArray,
    error: &'a StringArray,
    /// `None` in format 3.
    cause: Option<&'a StringArray>,
    hash: &'a StringArray,
    /// `None` in format 3.
    pixels: Option<Int64Array>,
    /// Pixels of each plane.
    plane_pixels: u64,
    /// In the order of [`STATISTICS`].
    statistics: Vec<StatisticColumn<'a>>,
}

/// The column of one statistic.
struct StatisticColumn<'a> {
    statistic: &'static Statistic,
    values: StatisticValues<'a>,
}

#[derive(Clone)]
enum StatisticValues<'a> {
    Floats(&'a Float64Array),
    Pixels(&'a Int32Array),
    Sums(Int64Array),
}

impl<'a> Columns<'a> {
    fn of(batch: &'a Batch, plane_pixels: u64) -> Result<Self, ReadTableError> {
        let statistics = STATISTICS.iter().map(|statistic| {
            let values = match statistic.value {
                StatisticValue::Float(_) => StatisticValues::Floats(batch.floats(statistic.name)?),
                StatisticValue::Pixel(_) => {
                    StatisticValues::Pixels(batch.short_integers(statistic.name)?)
                }
                StatisticValue::Sum(_) => StatisticValues::Sums(batch.integers(statistic.name)?),
            };
            Ok(StatisticColumn { statistic, values })
        });
        let has_cause = batch.has_column("cause");
        Ok(Self {
            batch,
            source: batch.texts("source")?,
            source_bytes: batch.integers("source_bytes")?,
            status: batch.required("status", batch.texts("status")?)?,
            error: batch.texts("error")?,
            cause: has_cause.then(|| batch.texts("cause")).transpose()?,
            hash: batch.texts("xxh3_128")?,
            pixels: (batch.has_column("pixels").then(|| batch.integers("pixels"))).transpose()?,
            plane_pixels,
            statistics: statistics.collect::<Result<_, _>>()?,
        })
    }

    fn plane(&self, row: usize) -> Result<PlaneRow, ReadTableError> {
        let status = self.status.value(row);
        let source_bytes = self.source_bytes(row)?;
        let plane = match status {
            "ok" => PlaneRow::Ok {
                source_bytes: source_bytes.ok_or_else(|| self.null(row, "source_bytes"))?,
                summary: self.summary(row)?,
            },
            "missing" => {
                self.check_cause(row, MISSING)?;
                PlaneRow::Missing
            }
            UNREADABLE => {
                self.check_cause(row, UNREADABLE)?;
                PlaneRow::Unreadable {
                    error: self.required_text(self.error, row, "error")?,
                }
            }
            "corrupt" => PlaneRow::Corrupt {
                source_bytes,
                error: self.required_text(self.error, row, "error")?,
                cause: match self.cause {
                    Some(cause) => Some(self.required_text(cause, row, "cause")?),
                    None => None,
                },
            },
            other => {
                let reason = format!("{other:?}, expected ok, missing, unreadable or corrupt");
                return Err(self.batch.cell(row, "status", reason));
            }
        };
        match self.surplus(row, status) {
            Some(column) => {
                let reason = format!("is not null, against the status {status}");
                Err(self.batch.cell(row, column, reason))
            }
            None if status != "missing" && self.source.is_null(row) => {
                Err(self.null(row, "source"))
            }
            None => Ok(plane),
        }
    }

    /// A column that is filled and must not be for a plane of that status.
    fn surplus(&self, row: usize, status: &str) -> Option<&'static str> {
        let (is_ok, is_missing) = (status == "ok", status == "missing");
        let has_error = status == "corrupt" || status == UNREADABLE;
        let others = [
            (is_missing && self.source.is_valid(row), "source"),
            (
                (is_missing || status == UNREADABLE) && self.source_bytes.is_valid(row),
                "source_bytes",
            ),
            (!has_error && self.error.is_valid(row), "error"),
            (
                is_ok && self.cause.is_some_and(|cause| cause.is_valid(row)),
                "cause",
            ),
            (!is_ok && self.hash.is_valid(row), "xxh3_128"),
            (
                !is_ok && (self.pixels.as_ref()).is_some_and(|pixels| pixels.is_valid(row)),
                "pixels",
            ),
        ];
        let other = others
            .iter()
            .find_map(|(surplus, name)| surplus.then_some(*name));
        let statistics = self.statistics.iter().filter(|_| !is_ok);
        let mut filled = statistics.filter(|column| column.array().is_valid(row));
        other.or_else(|| Some(filled.next()?.statistic.name))
    }

    /// Demands the number of pixels that all planes have.
    fn check_pixels(&self, row: usize) -> Result<(), ReadTableError> {
        let Some(pixels) = &self.pixels else {
            return Ok(());
        };
        if pixels.is_null(row) {
            return Err(self.null(row, "pixels"));
        }
        if u64::try_from(pixels.value(row)) == Ok(self.plane_pixels) {
            return Ok(());
        }
        let reason = format!("{}, expected {}", pixels.value(row), self.plane_pixels);
        Err(self.batch.cell(row, "pixels", reason))
    }

    fn summary(&self, row: usize) -> Result<PlaneSummary, ReadTableError> {
        self.check_pixels(row)?;
        let mut statistics = Statistics::default();
        for column in &self.statistics {
            self.read_statistic(column, row, &mut statistics)?;
        }
        let column = "xxh3_128";
        let hash = text(self.hash, row).ok_or_else(|| self.null(row, column))?;
        let number = u128::from_str_radix(hash, 16).ok();
        // Written in one way only: no sign, no capitals, no fewer digits.
        let number = number.filter(|number| format!("{number:032x}") == *hash);
        let xxh3_128 = number.ok_or_else(|| {
            let reason = format!("{hash:?}, expected 32 lower-case hexadecimal digits");
            self.batch.cell(row, column, reason)
        })?;
        Ok(PlaneSummary {
            statistics,
            xxh3_128,
        })
    }

    /// Writes the statistic of one column into `statistics`.
    fn read_statistic(
        &self,
        column: &StatisticColumn<'_>,
        row: usize,
        statistics: &mut Statistics,
    ) -> Result<(), ReadTableError> {
        let Statistic { name, value, .. } = *column.statistic;
        if column.array().is_null(row) {
            return Err(self.null(row, name));
        }
        let refused = |reason: String| self.batch.cell(row, name, reason);
        match (value, &column.values) {
            (StatisticValue::Float(accessor), StatisticValues::Floats(values)) => {
                (accessor.set)(statistics, values.value(row));
            }
            (StatisticValue::Pixel(accessor), StatisticValues::Pixels(values)) => {
                let value = values.value(row);
                let pixel = u16::try_from(value);
                let pixel = pixel.map_err(|_| refused(format!("{value} is no pixel")))?;
                (accessor.set)(statistics, pixel);
            }
            (StatisticValue::Sum(accessor), StatisticValues::Sums(values)) => {
                let value = values.value(row);
                let sum = u64::try_from(value);
                let sum = sum.map_err(|_| refused(format!("{value} is no sum of pixels")))?;
                (accessor.set)(statistics, sum);
            }
            _ => return Err(refused("has another type than its statistic".to_owned())),
        }
        Ok(())
    }

    /// Demands the cause of a plane whose status has only one.
    fn check_cause(&self, row: usize, expected: &str) -> Result<(), ReadTableError> {
        let Some(causes) = self.cause else {
            return Ok(());
        };
        let cause = self.required_text(causes, row, "cause")?;
        if cause == expected {
            return Ok(());
        }
        let reason = format!("{cause:?}, expected {expected:?}");
        Err(self.batch.cell(row, "cause", reason))
    }

    /// Size of the image file in bytes.
    fn source_bytes(&self, row: usize) -> Result<Option<u64>, ReadTableError> {
        if self.source_bytes.is_null(row) {
            return Ok(None);
        }
        let value = self.source_bytes.value(row);
        let bytes = u64::try_from(value).map_err(|_| {
            self.batch
                .cell(row, "source_bytes", format!("{value} is no size"))
        })?;
        Ok(Some(bytes))
    }

    fn required_text(
        &self,
        values: &StringArray,
        row: usize,
        column: &str,
    ) -> Result<String, ReadTableError> {
        let text = text(values, row).ok_or_else(|| self.null(row, column))?;
        Ok(text.to_owned())
    }

    fn null(&self, row: usize, column: &str) -> ReadTableError {
        let reason = format!("is null, against the status {}", self.status.value(row));
        self.batch.cell(row, column, reason)
    }
}

impl StatisticColumn<'_> {
    fn array(&self) -> &dyn Array {
        match &self.values {
            StatisticValues::Floats(values) => *values,
            StatisticValues::Pixels(values) => *values,
            StatisticValues::Sums(values) => values,
        }
    }
}

fn text(values: &StringArray, row: usize) -> Option<&str> {
    values.is_valid(row).then(|| values.value(row))
}
