//! Report of `montage`.

use std::io::{self, Write};

use super::text::quantity;
use crate::commands::Drawn;

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
