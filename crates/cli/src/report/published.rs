//! Report of `publish`.

use std::io::{self, Write};

use rxrx_writer::{Location, Published};

use super::text::{bytes, quantity};

/// Writes what an upload did in `seconds`.
pub(crate) fn published(
    out: &mut dyn Write,
    published: &Published,
    url: &Location,
    seconds: f64,
) -> io::Result<()> {
    counts(out, published, url, ["uploaded ", "there    ", "left     "])?;
    if let Some(verified) = published.verified {
        let verified = quantity(verified, "object");
        writeln!(out, "read back {verified}, all as recorded")?;
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
    counts(out, published, url, ["to upload", "there    ", "to leave "])?;
    writeln!(out, "nothing was uploaded")
}

/// Writes the numbers of objects that are uploaded, kept and left, each after
/// its label.
fn counts(
    out: &mut dyn Write,
    published: &Published,
    url: &Location,
    [uploaded, kept, left]: [&str; 3],
) -> io::Result<()> {
    writeln!(
        out,
        "{url}: {}, {}",
        quantity(published.objects, "object"),
        bytes(published.bytes)
    )?;
    writeln!(
        out,
        "{uploaded} {}, {} in {}",
        quantity(published.uploaded, "object"),
        bytes(published.uploaded_bytes),
        quantity(published.upload_requests, "request")
    )?;
    writeln!(out, "{kept} {}", quantity(published.kept, "object"))?;
    if published.left_behind > 0 {
        let objects = quantity(published.left_behind, "object");
        writeln!(
            out,
            "{left} {objects} of the former dataset, which this one lacks"
        )?;
    }
    Ok(())
}
