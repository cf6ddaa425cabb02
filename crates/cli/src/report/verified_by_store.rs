//! Report of `verify --no-download`.

use std::io::{self, Write};

use rxrx_reader::ObjectCount;
use rxrx_writer::{ChangedObjects, Location, StoreReport};

use super::streams::OneLine;
use super::text::{bytes, count, quantity};
use crate::verbosity::Verbosity;

/// Writes what the store says about a dataset.
pub(crate) fn verified_by_store(
    out: &mut dyn Write,
    report: &StoreReport,
    dataset: &Location,
    verbosity: Verbosity,
) -> io::Result<()> {
    objects(out, &report.missing, "missing")?;
    changed(out, &report.changed)?;
    if let Some(extra) = &report.extra {
        objects(out, extra, "no part of the dataset")?;
    }
    if report.recorded || verbosity == Verbosity::Verbose {
        objects(out, &report.without_proof, "without a checksum to compare")?;
    }
    let kinds = report.kinds.iter();
    let kinds: Vec<String> = kinds
        .map(|(kind, number)| format!("{kind} {}", count(*number)))
        .collect();
    writeln!(
        out,
        "{dataset}: {}, {}, {} as recorded by the checksums of the store ({})",
        quantity(report.objects, "object"),
        bytes(report.bytes),
        count(report.proven),
        kinds.join(", ")
    )?;
    if report.extra.is_none() {
        writeln!(
            out,
            "the store gives no list: objects that are no part of the dataset are not found"
        )?;
    }
    if report.is_clean() {
        return writeln!(
            out,
            "all is as recorded, as the store says; no pixels were read"
        );
    }
    if !report.recorded {
        writeln!(
            out,
            "the dataset has no store-checksums.json: verify it without --no-download, or publish it again"
        )?;
    }
    writeln!(
        out,
        "NOT shown to be as recorded: {} missing, {} changed, {} without proof, {} extra",
        count(report.missing.count),
        count(report.changed.count),
        count(report.without_proof.count),
        count(report.extra.as_ref().map_or(0, |extra| extra.count)),
    )
}

/// Writes the first objects of one kind.
fn objects(out: &mut dyn Write, objects: &ObjectCount, what: &str) -> io::Result<()> {
    if objects.count == 0 {
        return Ok(());
    }
    writeln!(out, "{} {what}", quantity(objects.count, "object"))?;
    for key in &objects.examples {
        writeln!(out, "    {}", OneLine(key))?;
    }
    more(out, objects.count, objects.examples.len())
}

/// Writes the first objects that are changed, and what differs.
fn changed(out: &mut dyn Write, changed: &ChangedObjects) -> io::Result<()> {
    if changed.count == 0 {
        return Ok(());
    }
    writeln!(out, "{} changed", quantity(changed.count, "object"))?;
    for (key, text) in &changed.examples {
        writeln!(out, "    {}: {}", OneLine(key), OneLine(text))?;
    }
    more(out, changed.count, changed.examples.len())
}

fn more(out: &mut dyn Write, all: usize, shown: usize) -> io::Result<()> {
    match all.saturating_sub(shown) {
        0 => Ok(()),
        more => writeln!(out, "    … and {} more", count(more)),
    }
}
