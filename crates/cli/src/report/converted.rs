//! Report of `convert`.

use std::io::{self, Write};

use rxrx_writer::{Converted, Location};

use super::streams::OneLine;
use super::text::{EXAMPLES, bytes, count, quantity};

/// Writes what a conversion did in `seconds`.
pub(crate) fn converted(
    out: &mut dyn Write,
    converted: &Converted,
    output: &Location,
    seconds: f64,
) -> io::Result<()> {
    let new_sites = converted.sites.saturating_sub(converted.sites_before);
    writeln!(
        out,
        "{output}: {} in {}, {} read, {} stored, {seconds:.1} s ({:.0} sites/s)",
        quantity(converted.sites, "site"),
        quantity(converted.shards, "shard"),
        bytes(converted.source_bytes),
        bytes(converted.stored_bytes),
        new_sites as f64 / seconds.max(1e-3),
    )?;
    if converted.sites_before > 0 {
        writeln!(
            out,
            "an earlier run converted {} of these sites",
            count(converted.sites_before)
        )?;
    }
    bad_images(out, converted)
}

/// Writes which images are missing or could not be used, if there are any.
pub(super) fn bad_images(out: &mut dyn Write, converted: &Converted) -> io::Result<()> {
    let planes = converted.planes;
    if !planes.is_complete() {
        writeln!(
            out,
            "{} stored, {} missing, {} unreadable, {} corrupt: the pixels of all but the stored planes are 0, and `present` is false",
            quantity(planes.ok, "plane"),
            count(planes.missing),
            count(planes.unreadable),
            count(planes.corrupt),
        )?;
    }
    for refused in &converted.refused {
        writeln!(out, "  {}: {}", refused.cause, count(refused.count))?;
        for example in refused.examples.iter().take(EXAMPLES) {
            writeln!(out, "    {}", OneLine(example))?;
        }
    }
    Ok(())
}
