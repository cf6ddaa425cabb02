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
    let speed = match new_sites {
        0 => String::new(),
        sites => format!(" ({:.0} sites/s)", sites as f64 / seconds.max(1e-3)),
    };
    writeln!(
        out,
        "{output}: {} in {}, {} read, {} stored, {seconds:.1} s{speed}",
        quantity(converted.sites, "site"),
        quantity(converted.shards, "shard"),
        bytes(converted.source_bytes),
        bytes(converted.stored_bytes),
    )?;
    if converted.sites_before > 0 {
        writeln!(
            out,
            "an earlier run converted {} of these sites",
            count(converted.sites_before)
        )?;
    }
    bad_images(out, converted)?;
    next_steps(out, output)
}

/// Writes the commands that come next.
pub(super) fn next_steps(out: &mut dyn Write, output: &Location) -> io::Result<()> {
    let name = shell_word(&output.to_string());
    let verify = format!("rxrx2zarr verify {name}");
    let info = format!("rxrx2zarr info {name}");
    let width = verify.chars().count() + 2;
    writeln!(
        out,
        "next:  {verify:<width$}read all of it, and compare every hash"
    )?;
    writeln!(
        out,
        "       {info:<width$}see what is in it, and how to open it"
    )?;
    if output.as_path().is_some() {
        let publish = format!("rxrx2zarr publish {name} s3://BUCKET/NAME");
        writeln!(out, "       {publish}  copy it into a bucket")?;
    }
    Ok(())
}

/// Quotes a word for a shell, where that is needed.
fn shell_word(word: &str) -> String {
    let is_plain = |c: char| c.is_alphanumeric() || "/._-:@%+,=".contains(c);
    match word.chars().all(is_plain) {
        true => word.to_owned(),
        false => format!("'{}'", word.replace('\'', r"'\''")),
    }
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
        writeln!(
            out,
            "convert with --retry-bad converts them again, once they are there or repaired"
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
