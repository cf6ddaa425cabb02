//! Report of `montage`.

use std::io::{self, Write};
use std::path::PathBuf;

use serde::Serialize;

use super::text::quantity;

/// What was drawn.
#[derive(Serialize)]
pub(crate) struct Drawn {
    /// The file.
    pub(crate) output: PathBuf,
    /// Sites in it.
    pub(crate) sites: usize,
    /// Names of its channels.
    pub(crate) channels: Vec<String>,
    /// Width in pixels.
    pub(crate) width: usize,
    /// Height in pixels.
    pub(crate) height: usize,
}

/// Writes what was drawn.
pub(crate) fn montage(out: &mut dyn Write, drawn: &Drawn) -> io::Result<()> {
    writeln!(
        out,
        "{}: {} in {}, {} x {} pixels",
        drawn.output.display(),
        quantity(drawn.sites, "site"),
        drawn.channels.join(" "),
        drawn.width,
        drawn.height,
    )
}
