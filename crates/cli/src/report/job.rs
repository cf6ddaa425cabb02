//! Reports of `job`.

use std::io::{self, Write};

use rxrx_writer::{JobSealed, JobStarted, JobStatus, Location, PartRun, PlaneCounts};

use super::converted::{bad_images, next_steps};
use super::text::{bytes, count, property, quantity};

/// Lines of parts that a report shows.
const PARTS_SHOWN: usize = 8;
/// Slurm takes no more tasks of an array by default (MaxArraySize is 1001).
const SLURM_TASKS: usize = 1000;

/// Writes the parts of a job that was begun at `output`.
pub(crate) fn job_started(
    out: &mut dyn Write,
    started: &JobStarted,
    output: &Location,
) -> io::Result<()> {
    if started.sealed {
        return writeln!(out, "{output}: complete already");
    }
    let parts = &started.parts;
    let there = if started.existed { ", as before" } else { "" };
    writeln!(out, "{output}: {}{there}", quantity(parts.len(), "part"))?;
    for part in parts.iter().take(PARTS_SHOWN) {
        writeln!(
            out,
            "part {}: {} in {}, {} images, about {} to read, {} of pixels",
            part.part,
            quantity(part.sites, "site"),
            quantity(part.units, "shard"),
            count(part.images),
            bytes(part.source_bytes),
            bytes(part.raw_bytes),
        )?;
    }
    if let more @ 1.. = parts.len().saturating_sub(PARTS_SHOWN) {
        writeln!(out, "and {} like these", quantity(more, "part"))?;
    }
    if parts.len() > SLURM_TASKS {
        writeln!(
            out,
            "Slurm takes {} tasks of an array unless MaxArraySize says otherwise; a task can run \
             several parts: job run OUTPUT 0-9",
            count(SLURM_TASKS)
        )?;
    }
    let last = parts.len().saturating_sub(1);
    writeln!(
        out,
        "next: rxrx2zarr job run {output} PART for each PART of 0-{last}, then rxrx2zarr job seal \
         {output}"
    )
}

/// Writes what a worker did in `seconds`.
pub(crate) fn parts_run(
    out: &mut dyn Write,
    runs: &[PartRun],
    output: &Location,
    seconds: f64,
) -> io::Result<()> {
    for run in runs {
        let part = run.part;
        if run.sealed {
            writeln!(out, "part {part}: {output} is complete already")?;
        } else if run.units == 0 {
            writeln!(
                out,
                "part {part}: no work, the job has {}",
                quantity(run.parts, "part")
            )?;
        } else {
            writeln!(
                out,
                "part {part}: {} in {}, {} read, {} stored",
                quantity(run.sites, "site"),
                quantity(run.units, "shard"),
                bytes(run.source_bytes),
                bytes(run.stored_bytes),
            )?;
            if run.units_before > 0 {
                writeln!(
                    out,
                    "  {} were done before",
                    quantity(run.units_before, "shard")
                )?;
            }
            bad_planes(out, run.planes)?;
            if run.changed_images > 0 {
                let changed = quantity(run.changed_images, "image");
                writeln!(out, "  {changed} changed since the job was planned")?;
            }
        }
    }
    writeln!(out, "{seconds:.1} s")
}

/// Seconds as text in a unit that fits.
fn duration(seconds: f64) -> String {
    match seconds {
        minutes if minutes < 90.0 * 60.0 => format!("{:.0} min", (minutes / 60.0).max(1.0)),
        hours if hours < 48.0 * 3600.0 => format!("{:.0} h", hours / 3600.0),
        days => format!("{:.1} days", days / 86400.0),
    }
}

/// Writes how many planes are not there or not good, if any is so.
fn bad_planes(out: &mut dyn Write, planes: PlaneCounts) -> io::Result<()> {
    if planes.is_complete() {
        return Ok(());
    }
    writeln!(
        out,
        "  {} missing, {} unreadable, {} corrupt: their pixels are 0",
        count(planes.missing),
        count(planes.unreadable),
        count(planes.corrupt),
    )
}

/// Writes what was sealed at `output` in `seconds`.
pub(crate) fn job_sealed(
    out: &mut dyn Write,
    sealed: &JobSealed,
    output: &Location,
    seconds: f64,
) -> io::Result<()> {
    let converted = &sealed.converted;
    let sites = quantity(converted.sites, "site");
    let shards = quantity(converted.shards, "shard");
    let stored = bytes(converted.stored_bytes);
    if sealed.existed {
        writeln!(
            out,
            "{output}: complete already, {sites} in {shards}, {stored}"
        )?;
    } else {
        let read = bytes(converted.source_bytes);
        writeln!(
            out,
            "{output}: sealed in {seconds:.1} s: {sites} in {shards}, {read} read, {stored} stored"
        )?;
    }
    bad_images(out, converted)?;
    next_steps(out, output)
}

/// Writes how far the job at `output` is.
pub(crate) fn job_status(
    out: &mut dyn Write,
    status: &JobStatus,
    output: &Location,
) -> io::Result<()> {
    if status.sealed {
        return writeln!(out, "{output}: sealed, the dataset is complete");
    }
    let (done, units) = (status.units_done, status.units);
    let percent = 100.0 * done as f64 / units.max(1) as f64;
    writeln!(
        out,
        "{output}: a job of {}",
        quantity(status.parts.len(), "part")
    )?;
    property(
        out,
        "done",
        format!("{done} of {units} shards ({percent:.0} %)"),
    )?;
    property(out, "read", bytes(status.source_bytes))?;
    property(out, "stored", bytes(status.stored_bytes))?;
    if let Some((rate, left)) = status.sites_per_second.zip(status.seconds_left) {
        property(
            out,
            "rate",
            format!("{rate:.1} sites/s, {} left", duration(left)),
        )?;
    }
    let bad = status.planes.missing + status.planes.unreadable + status.planes.corrupt;
    property(out, "bad", format!("{} so far", quantity(bad, "plane")))?;
    for worker in &status.workers {
        property(
            out,
            "running",
            format!("{}: {}", worker.work, worker.process),
        )?;
    }
    if let Some(process) = &status.alone {
        property(out, "running", format!("{process} (init, seal or convert)"))?;
    }
    for failed in status.failed.iter().take(PARTS_SHOWN) {
        let text = format!("part {}: {}: {}", failed.part, failed.process, failed.error);
        property(out, "failed", text)?;
    }
    if let more @ 1.. = status.failed.len().saturating_sub(PARTS_SHOWN) {
        property(out, "failed", format!("{} more", quantity(more, "part")))?;
    }
    match status.missing_parts.as_str() {
        "" => property(out, "next", format!("rxrx2zarr job seal {output}")),
        parts => property(out, "missing", format!("parts {parts}")),
    }
}
