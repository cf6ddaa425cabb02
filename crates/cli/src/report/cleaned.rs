//! Report of `clean`.

use std::io::{self, Write};

use rxrx_writer::{Cleaned, Location};

use super::text::{bytes, quantity};

/// Writes what was removed at `output` and beside it or, in a dry run, what would be.
pub(crate) fn cleaned(
    out: &mut dyn Write,
    cleaned: &Cleaned,
    output: &Location,
    is_dry_run: bool,
) -> io::Result<()> {
    let done = if is_dry_run { "to remove" } else { "removed" };
    let objects = cleaned.run_folder_objects + cleaned.left_behind + cleaned.abandoned;
    match objects {
        0 => writeln!(out, "{output}: nothing is left to remove")?,
        _ => writeln!(out, "{output}: {done} {}", bytes(cleaned.bytes))?,
    }
    for (count, what) in [
        (cleaned.run_folder_objects, "of run folders"),
        (cleaned.left_behind, "of a dataset that was replaced"),
        (cleaned.abandoned, "of an unfinished run"),
    ] {
        if count > 0 {
            writeln!(out, "{done} {} {what}", quantity(count, "object"))?;
        }
    }
    if cleaned.waiting > 0 {
        let waiting = quantity(cleaned.waiting, "empty object");
        writeln!(
            out,
            "{waiting} must stay for 15 minutes: a request of an earlier run could arrive"
        )?;
    }
    if cleaned.unfinished {
        writeln!(
            out,
            "there is unfinished work, which the same command continues; --abandon gives it up"
        )?;
    }
    Ok(())
}
