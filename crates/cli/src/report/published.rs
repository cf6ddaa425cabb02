//! Report of `publish`.

use std::io::{self, Write};

use rxrx_writer::{Location, Published};

use super::text::{bytes, count};

/// Writes what an upload did in `seconds`.
pub(crate) fn published(
    out: &mut dyn Write,
    published: &Published,
    url: &Location,
    seconds: f64,
) -> io::Result<()> {
    counts(out, published, url, ["uploaded ", "there    ", "removed  "])?;
    if let Some(verified) = published.verified {
        let verified = count(verified);
        writeln!(out, "read back {verified} objects, all as recorded")?;
    }
    writeln!(
        out,
        "{seconds:.1} s; the policy of the bucket decides who can read it\n"
    )
}

/// Writes what an upload would do.
pub(crate) fn to_publish(
    out: &mut dyn Write,
    published: &Published,
    url: &Location,
) -> io::Result<()> {
    counts(out, published, url, ["to upload", "there    ", "to remove"])?;
    writeln!(out, "nothing was uploaded")
}

/// Writes the numbers of objects that are uploaded, kept and removed, each after
/// its label.
fn counts(
    out: &mut dyn Write,
    published: &Published,
    url: &Location,
    [uploaded, kept, removed]: [&str; 3],
) -> io::Result<()> {
    writeln!(
        out,
        "{url}: {} objects, {}",
        count(published.objects),
        bytes(published.bytes)
    )?;
    writeln!(
        out,
        "{uploaded} {} objects, {} in {} requests",
        count(published.uploaded),
        bytes(published.uploaded_bytes),
        count(published.upload_requests)
    )?;
    writeln!(out, "{kept} {} objects", count(published.kept))?;
    if published.removed > 0 {
        let objects = count(published.removed);
        writeln!(out, "{removed} {objects} objects of another dataset")?;
    }
    Ok(())
}
