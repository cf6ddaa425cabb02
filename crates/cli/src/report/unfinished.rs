//! Report of `info` about an unfinished dataset.

use std::io::{self, Write};

use rxrx_writer::{Location, Unfinished};

use super::text::{axes, property, quantity};

/// Writes the progress of an unfinished conversion to `dataset`.
pub(crate) fn unfinished(
    out: &mut dyn Write,
    unfinished: &Unfinished,
    dataset: &Location,
) -> io::Result<()> {
    let Unfinished {
        units_done, units, ..
    } = unfinished;
    let percent = 100.0 * *units_done as f64 / (*units).max(1) as f64;
    let done = format!("{units_done} of {units} shards ({percent:.0} %)");
    let running = unfinished.running.as_deref();
    let running = running.unwrap_or(match unfinished.parts {
        None => "no: the same convert command continues it, --overwrite starts over",
        Some(_) => "no: job status names the parts that are missing, job seal completes it",
    });
    writeln!(out, "{dataset}: unfinished, no dataset yet")?;
    property(out, "done", done)?;
    if let Some(parts) = unfinished.parts {
        property(out, "job", quantity(parts, "part"))?;
    }
    property(out, "array", axes(&unfinished.shape))?;
    property(out, "codec", unfinished.settings.codec)?;
    property(out, "running", running)
}
