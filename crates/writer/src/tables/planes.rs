//! `planes.parquet`: one row for each site and channel, that is, for each image
//! file that there is or should be.

use std::sync::Arc;

use arrow_array::{ArrayRef, Float64Array, Int32Array, Int64Array, StringArray};
use rxrx_decoder::PlaneSummary;
use rxrx_metadata::{Plan, SiteIndex, planes_schema};

use super::{TableError, TableWriter, site_groups};
use crate::record::{PlaneRecord, UnitRecord};

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

/// Encodes the table. `units` are the records of all units in array order.
pub(crate) fn planes_table(
    plan: &Plan,
    units: &[UnitRecord],
    notes: &[(&str, String)],
) -> Result<Vec<u8>, TableError> {
    let channels = plan.geometry().channels;
    let names: Vec<String> = plan.channels().iter().map(ToString::to_string).collect();
    let longest = site_groups(plan.table().len())
        .next()
        .map_or(0, |group| group.len());
    let bloom = [("xxh3_128".to_owned(), longest * channels)];

    let mut records = units.iter().flat_map(|unit| &unit.planes);
    let mut writer = TableWriter::new(super::PLANES, planes_schema(), &bloom, notes)?;
    for group in site_groups(plan.table().len()) {
        let places = group.flat_map(|site| (0..channels).map(move |channel| (site, channel)));
        let rows: Vec<Row<'_>> = places
            .zip(&mut records)
            .map(|((site, channel), record)| Row {
                site,
                channel,
                record,
            })
            .collect();
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
        writer.write_group(vec![
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
    }
    writer.finish()
}
