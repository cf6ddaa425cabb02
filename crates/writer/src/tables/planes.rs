//! `planes.parquet`: one row for each site and channel, that is, for each image
//! file that there is or should be.

use std::sync::Arc;

use arrow_array::{ArrayRef, Float64Array, Int32Array, Int64Array, StringArray};
use rxrx_decoder::PlaneSummary;
use rxrx_metadata::{Plan, SiteIndex, planes_schema};

use super::{ROWS_IN_PAGE, TableError, TableWriter, site_groups};
use crate::record::PlaneRecord;

/// Rows that are put into columns at once.
const ROWS_AT_ONCE: usize = 4 * ROWS_IN_PAGE;

/// A plane with its place in the array.
struct Row<'a> {
    site: usize,
    channel: usize,
    record: &'a PlaneRecord,
}

impl Row<'_> {
    fn source_bytes(&self) -> Option<i64> {
        self.record.source().map(|source| source.bytes as i64)
    }

    fn status(&self) -> &'static str {
        match self.record {
            PlaneRecord::Ok { .. } => "ok",
            PlaneRecord::Missing => "missing",
            PlaneRecord::Corrupt { .. } => "corrupt",
        }
    }

    fn error(&self) -> Option<&str> {
        match self.record {
            PlaneRecord::Corrupt { error, .. } => Some(error),
            _ => None,
        }
    }

    fn summary(&self) -> Option<&PlaneSummary> {
        match self.record {
            PlaneRecord::Ok { summary, .. } => Some(summary),
            _ => None,
        }
    }
}

/// The table, encoded as its rows come.
pub(crate) struct PlanesTable<'a> {
    plan: &'a Plan,
    channels: Vec<String>,
    writer: TableWriter,
    /// The numbers of the rows at which row groups end, the next one last.
    group_ends: Vec<usize>,
    /// The number of the first row that is not written yet.
    next: usize,
    /// Rows that came and are not written yet.
    pending: Vec<PlaneRecord>,
}

impl<'a> PlanesTable<'a> {
    pub(crate) fn new(plan: &'a Plan, notes: &[(&str, String)]) -> Result<Self, TableError> {
        let channels = plan.geometry().channels;
        let groups: Vec<_> = site_groups(plan.table().len()).collect();
        let longest = groups.first().map_or(0, ExactSizeIterator::len);
        let bloom = [("xxh3_128".to_owned(), longest * channels)];
        Ok(Self {
            plan,
            channels: plan.channels().iter().map(ToString::to_string).collect(),
            writer: TableWriter::new(super::PLANES, planes_schema(), &bloom, notes)?,
            group_ends: groups
                .iter()
                .rev()
                .map(|group| group.end * channels)
                .collect(),
            next: 0,
            pending: Vec::with_capacity(ROWS_AT_ONCE),
        })
    }

    /// Appends the planes of the next sites, site-major.
    pub(crate) fn add(&mut self, planes: Vec<PlaneRecord>) -> Result<(), TableError> {
        for plane in planes {
            self.pending.push(plane);
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

    /// The bytes of the table, once all sites have come.
    pub(crate) fn finish(self) -> Result<Vec<u8>, TableError> {
        self.writer.finish()
    }

    fn write(&mut self) -> Result<(), TableError> {
        let Self {
            plan,
            channels: names,
            ..
        } = self;
        let rows = self.pending.iter().enumerate().map(|(at, record)| Row {
            site: (self.next + at) / names.len(),
            channel: (self.next + at) % names.len(),
            record,
        });
        let rows: Vec<Row<'_>> = rows.collect();
        let source = |row: &Row<'_>| plan.source(SiteIndex(row.site), row.channel);
        let float = |value: fn(&PlaneSummary) -> f64| -> ArrayRef {
            Arc::new(Float64Array::from_iter(
                rows.iter().map(|row| row.summary().map(value)),
            ))
        };
        let integer = |value: fn(&PlaneSummary) -> u16| -> ArrayRef {
            let values = rows
                .iter()
                .map(|row| row.summary().map(|summary| i32::from(value(summary))));
            Arc::new(Int32Array::from_iter(values))
        };
        // Far below 2⁶³: a plane has at most 2²⁸ pixels of 16 bits.
        let sum = |value: fn(&PlaneSummary) -> u64| -> ArrayRef {
            let values = rows
                .iter()
                .map(|row| row.summary().map(|summary| value(summary) as i64));
            Arc::new(Int64Array::from_iter(values))
        };
        let text = rows.iter().map(|row| names.get(row.channel));
        self.writer.write_rows(vec![
            Arc::new(Int64Array::from_iter_values(
                rows.iter().map(|row| row.site as i64),
            )),
            Arc::new(StringArray::from_iter(text)),
            Arc::new(StringArray::from_iter(rows.iter().map(source))),
            Arc::new(Int64Array::from_iter(rows.iter().map(Row::source_bytes))),
            Arc::new(StringArray::from_iter_values(rows.iter().map(Row::status))),
            Arc::new(StringArray::from_iter(rows.iter().map(Row::error))),
            Arc::new(StringArray::from_iter(rows.iter().map(|row| {
                row.summary()
                    .map(|summary| format!("{:032x}", summary.xxh3_128))
            }))),
            float(|summary| summary.statistics.mean),
            float(|summary| summary.statistics.std),
            integer(|summary| summary.statistics.min),
            integer(|summary| summary.statistics.max),
            float(|summary| summary.statistics.p001),
            float(|summary| summary.statistics.p01),
            float(|summary| summary.statistics.p50),
            float(|summary| summary.statistics.p99),
            float(|summary| summary.statistics.p999),
            float(|summary| summary.statistics.saturated),
            float(|summary| summary.statistics.focus),
            sum(|summary| summary.statistics.sum),
            sum(|summary| summary.statistics.sum_of_squares),
        ])?;
        self.next += self.pending.len();
        self.pending.clear();
        Ok(())
    }
}
