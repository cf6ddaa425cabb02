//! Report of `sample`.

use std::io::{self, Write};
use std::path::Path;

use super::text::bytes;
use rxrx_sample::SampleSummary;

/// Writes what is in the sample at `dest`, and how to convert it.
pub(crate) fn sample(out: &mut dyn Write, summary: &SampleSummary, dest: &Path) -> io::Result<()> {
    let dest = dest.display();
    writeln!(
        out,
        "{dest}: {} sites of {}, {} images, {}",
        summary.sites,
        summary.experiments.join(", "),
        summary.files,
        bytes(summary.bytes)
    )?;
    for flaw in &summary.flaws {
        writeln!(out, "    {:<14} {}", flaw.kind.name(), flaw.place)?;
    }
    let allow = match summary.flaws.is_empty() {
        true => "",
        false => " --allow-missing",
    };
    writeln!(
        out,
        "Convert it:  rxrx2zarr convert {dest} {dest}-zarr{allow}"
    )
}
