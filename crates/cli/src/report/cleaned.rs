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
    let parts = [
        (cleaned.run_folder_objects, "of run folders"),
        (cleaned.journal_objects, "of the journal of a run"),
        (cleaned.left_behind, "of a dataset that was replaced"),
        (cleaned.abandoned, "of an unfinished run"),
    ];
    let uploads = cleaned.unfinished_uploads.unwrap_or_default();
    match uploads == 0 && parts.iter().all(|(count, _)| *count == 0) {
        true => writeln!(out, "{output}: nothing is left to remove")?,
        false => writeln!(out, "{output}: {done} {}", bytes(cleaned.bytes))?,
    }
    for (count, what) in parts {
        if count > 0 {
            writeln!(out, "{done} {} {what}", quantity(count, "object"))?;
        }
    }
    if uploads > 0 {
        let uploads = quantity(uploads, "upload");
        writeln!(out, "{done} {uploads} that a run has not completed")?;
    }
    if cleaned.young_uploads > 0 {
        let uploads = quantity(cleaned.young_uploads, "upload");
        writeln!(
            out,
            "{uploads} not completed and less than a minute old: run the same command again"
        )?;
    }
    if cleaned.unfinished_uploads.is_none() {
        writeln!(
            out,
            "the store does not list uploads that were not completed: a life-cycle rule of the \
             bucket removes them"
        )?;
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
