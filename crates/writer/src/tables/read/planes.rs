//! `planes.parquet`, read back.

use arrow_array::{Array, Float64Array, Int32Array, Int64Array, StringArray};
use bytes::Bytes;
use rxrx_decoder::{PlaneSummary, Statistics};

use super::batch::Batch;
use super::{PLANES, ReadTableError, each_batch};
use crate::record::PlaneRecord;
use crate::source::SourceStamp;

/// The cause of a plane whose error is known from the table only.
const RECORDED: &str = "recorded";

/// Reads the table of an array of `sites` and `channels`, site-major.
///
/// # Errors
/// [`ReadTableError`]: not Parquet, other columns or types than we write, rows
/// out of order, a status that the other cells contradict.
pub(crate) fn planes_of(
    bytes: Bytes,
    sites: usize,
    channels: &[String],
) -> Result<Vec<PlaneRecord>, ReadTableError> {
    let mut records = Vec::new();
    let rows = sites.saturating_mul(channels.len());
    each_batch(PLANES, bytes, rows, |batch| {
        let site = batch.required("site_index", batch.integers("site_index")?)?;
        let channel = batch.required("channel", batch.texts("channel")?)?;
        let columns = Columns::of(batch)?;
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
            records.push(columns.record(row)?);
        }
        Ok(())
    })?;
    Ok(records)
}

/// The columns that say what became of the planes. Looked up once a batch.
struct Columns<'a> {
    batch: &'a Batch,
    source: &'a StringArray,
    source_bytes: &'a Int64Array,
    status: &'a StringArray,
    error: &'a StringArray,
    hash: &'a StringArray,
    /// As [`FLOATS`].
    floats: [&'a Float64Array; FLOATS.len()],
    /// As [`INTEGERS`].
    integers: [&'a Int32Array; INTEGERS.len()],
    /// As [`SUMS`].
    sums: [&'a Int64Array; SUMS.len()],
}

const FLOATS: [&str; 9] = [
    "mean",
    "std",
    "p001",
    "p01",
    "p50",
    "p99",
    "p999",
    "saturated",
    "focus",
];
const INTEGERS: [&str; 2] = ["min", "max"];
const SUMS: [&str; 2] = ["sum", "sum_of_squares"];

impl<'a> Columns<'a> {
    fn of(batch: &'a Batch) -> Result<Self, ReadTableError> {
        let [mean, std, p001, p01, p50, p99, p999, saturated, focus] =
            FLOATS.map(|name| batch.floats(name));
        let [min, max] = INTEGERS.map(|name| batch.short_integers(name));
        let [sum, squares] = SUMS.map(|name| batch.integers(name));
        Ok(Self {
            batch,
            source: batch.texts("source")?,
            source_bytes: batch.integers("source_bytes")?,
            status: batch.required("status", batch.texts("status")?)?,
            error: batch.texts("error")?,
            hash: batch.texts("xxh3_128")?,
            floats: [
                mean?, std?, p001?, p01?, p50?, p99?, p999?, saturated?, focus?,
            ],
            integers: [min?, max?],
            sums: [sum?, squares?],
        })
    }

    fn record(&self, row: usize) -> Result<PlaneRecord, ReadTableError> {
        let status = self.status.value(row);
        let source = self.stamp(row)?;
        let record = match status {
            "ok" => PlaneRecord::Ok {
                source: source.ok_or_else(|| self.null(row, "source_bytes"))?,
                summary: self.summary(row)?,
            },
            "missing" => PlaneRecord::Missing,
            "corrupt" => PlaneRecord::Corrupt {
                source,
                error: text(self.error, row)
                    .ok_or_else(|| self.null(row, "error"))?
                    .to_owned(),
                cause: RECORDED.into(),
            },
            other => {
                let reason = format!("{other:?}, expected ok, missing or corrupt");
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
            None => Ok(record),
        }
    }

    /// A column that is filled and must not be for a plane of that status.
    fn surplus(&self, row: usize, status: &str) -> Option<&'static str> {
        let filled = |values: &dyn Array| values.is_valid(row);
        let (is_ok, is_missing) = (status == "ok", status == "missing");
        if is_missing && filled(self.source) {
            return Some("source");
        }
        if is_missing && filled(self.source_bytes) {
            return Some("source_bytes");
        }
        if status != "corrupt" && filled(self.error) {
            return Some("error");
        }
        if is_ok {
            return None;
        }
        if filled(self.hash) {
            return Some("xxh3_128");
        }
        let floats = FLOATS.iter().zip(self.floats.map(|v| filled(v)));
        let integers = INTEGERS.iter().zip(self.integers.map(|v| filled(v)));
        let sums = SUMS.iter().zip(self.sums.map(|v| filled(v)));
        floats
            .chain(integers)
            .chain(sums)
            .find_map(|(name, filled)| filled.then_some(*name))
    }

    fn summary(&self, row: usize) -> Result<PlaneSummary, ReadTableError> {
        let float = |column: usize| {
            let values = self.floats[column];
            let valid = values.is_valid(row).then(|| values.value(row));
            valid.ok_or_else(|| self.null(row, FLOATS[column]))
        };
        let integer = |column: usize| {
            let values = self.integers[column];
            if values.is_null(row) {
                return Err(self.null(row, INTEGERS[column]));
            }
            let value = values.value(row);
            u16::try_from(value).map_err(|_| {
                self.batch
                    .cell(row, INTEGERS[column], format!("{value} is no pixel"))
            })
        };
        let sum = |column: usize| {
            let values = self.sums[column];
            if values.is_null(row) {
                return Err(self.null(row, SUMS[column]));
            }
            let value = values.value(row);
            u64::try_from(value).map_err(|_| {
                self.batch
                    .cell(row, SUMS[column], format!("{value} is no sum of pixels"))
            })
        };
        let column = "xxh3_128";
        let hash = text(self.hash, row).ok_or_else(|| self.null(row, column))?;
        let number = u128::from_str_radix(hash, 16).ok();
        // Written in one way only: no sign, no capitals, no fewer digits.
        let number = number.filter(|number| format!("{number:032x}") == *hash);
        Ok(PlaneSummary {
            xxh3_128: number.ok_or_else(|| {
                let reason = format!("{hash:?}, expected 32 lower-case hexadecimal digits");
                self.batch.cell(row, column, reason)
            })?,
            statistics: Statistics {
                mean: float(0)?,
                std: float(1)?,
                min: integer(0)?,
                max: integer(1)?,
                p001: float(2)?,
                p01: float(3)?,
                p50: float(4)?,
                p99: float(5)?,
                p999: float(6)?,
                saturated: float(7)?,
                focus: float(8)?,
                sum: sum(0)?,
                sum_of_squares: sum(1)?,
            },
        })
    }

    /// What the table tells of the image file: its size.
    fn stamp(&self, row: usize) -> Result<Option<SourceStamp>, ReadTableError> {
        if self.source_bytes.is_null(row) {
            return Ok(None);
        }
        let value = self.source_bytes.value(row);
        let bytes = u64::try_from(value).map_err(|_| {
            self.batch
                .cell(row, "source_bytes", format!("{value} is no size"))
        })?;
        Ok(Some(SourceStamp {
            bytes,
            version: None,
        }))
    }

    fn null(&self, row: usize, column: &str) -> ReadTableError {
        let reason = format!("is null, against the status {}", self.status.value(row));
        self.batch.cell(row, column, reason)
    }
}

fn text(values: &StringArray, row: usize) -> Option<&str> {
    values.is_valid(row).then(|| values.value(row))
}
