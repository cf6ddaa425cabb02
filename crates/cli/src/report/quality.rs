//! Report of `report`: the quality of the images.

use std::io::{self, Write};

use rxrx_quality::{ChannelQuality, Flag, FlagKind, PlateQuality, Quality};
use rxrx_writer::Location;

use super::streams::OneLine;
use super::text::{EXAMPLES, count, quantity};
use crate::verbosity::Verbosity;

/// Plates whose medians are told, unless all are.
const PLATES: usize = 4;
/// Sites of the worst focus that are told, unless all are.
const WORST: usize = 5;

/// Writes the medians of plates and the flags; ends with the numbers of flags by kind.
pub(crate) fn quality(
    out: &mut dyn Write,
    quality: &Quality,
    dataset: &Location,
    verbosity: Verbosity,
) -> io::Result<()> {
    let all = verbosity == Verbosity::Verbose;
    let planes = quality.planes;
    writeln!(
        out,
        "{dataset}: {} on {}; planes: {} stored, {} missing, {} unreadable, {} corrupt",
        quantity(quality.sites, "site"),
        quantity(quality.plates.len(), "plate"),
        count(planes.ok),
        count(planes.missing),
        count(planes.unreadable),
        count(planes.corrupt),
    )?;
    compared(out, quality)?;
    plates(out, quality, if all { usize::MAX } else { PLATES })?;
    worst_focus(out, quality, if all { usize::MAX } else { WORST })?;
    for kind in FlagKind::ALL {
        flags(out, quality, kind, if all { usize::MAX } else { EXAMPLES })?;
    }
    let counts = FlagKind::ALL.iter().filter_map(|kind| {
        let count = quality.counts.get(kind.name())?;
        Some(format!("{} {}", self::count(*count), kind.name()))
    });
    let counts: Vec<String> = counts.collect();
    match counts.is_empty() {
        true => writeln!(out, "no flags"),
        false => writeln!(out, "flags: {}", counts.join(", ")),
    }
}

/// Tells which planes were not compared with others.
fn compared(out: &mut dyn Write, quality: &Quality) -> io::Result<()> {
    let least = quality.thresholds.least_planes;
    let judged = quality.compared;
    if judged.by_experiment > 0 {
        let of = quantity(judged.by_experiment, "channel");
        writeln!(
            out,
            "{of} of plates with fewer than {least} planes: compared with their experiment"
        )?;
    }
    if judged.not > 0 {
        let of = quantity(judged.not, "channel");
        writeln!(
            out,
            "{of} of plates in experiments with fewer than {least} planes: not compared, so that \
             only missing, saturated, empty and equal planes are flagged"
        )?;
    }
    Ok(())
}

/// Writes the medians of the first plates.
fn plates(out: &mut dyn Write, quality: &Quality, at_most: usize) -> io::Result<()> {
    let rows = quality.plates.iter().take(at_most).flat_map(|plate| {
        let channels = plate.channels.iter();
        channels.map(move |channel| row(plate, channel))
    });
    let head = [
        "plate",
        "channel",
        "planes",
        "mean",
        "p99.9",
        "focus",
        "saturated",
        "corners",
    ];
    let rows: Vec<[String; 8]> = [head.map(str::to_owned)].into_iter().chain(rows).collect();
    let width = |column: usize| {
        let cells = rows.iter().filter_map(|row| row.get(column));
        cells.map(|cell| cell.chars().count()).max().unwrap_or(0)
    };
    let widths: Vec<usize> = (0..head.len()).map(width).collect();
    writeln!(out, "medians of planes ± their median absolute deviations:")?;
    for row in &rows {
        let cells = row.iter().zip(&widths);
        let cells: Vec<String> = cells
            .enumerate()
            .map(|(column, (cell, width))| match column {
                0 | 1 => format!("{cell:<width$}"),
                _ => format!("{cell:>width$}"),
            })
            .collect();
        writeln!(out, "{}", cells.join("  ").trim_end())?;
    }
    let more = quality.plates.len().saturating_sub(at_most);
    if more > 0 {
        writeln!(out, "… and {} (-v shows all)", quantity(more, "more plate"))?;
    }
    Ok(())
}

/// The medians of a channel on a plate, behind which the median absolute deviation is.
fn row(plate: &PlateQuality, channel: &ChannelQuality) -> [String; 8] {
    let spread = |of: &Option<rxrx_quality::Spread>, digits: usize| match of {
        Some(of) => format!("{:.digits$} ± {:.digits$}", of.median, of.mad),
        None => "-".to_owned(),
    };
    let percent = channel
        .saturated
        .map(|of| format!("{:.2} %", 100.0 * of.median));
    let corners = channel
        .flat_field
        .map(|field| format!("{:.2}", field.corners));
    let or_none = |text: Option<String>| text.unwrap_or_else(|| "-".to_owned());
    [
        OneLine(format!("{} {}", plate.experiment, plate.plate)).to_string(),
        OneLine(&channel.channel).to_string(),
        channel.planes.to_string(),
        spread(&channel.mean, 1),
        spread(&channel.p999, 0),
        spread(&channel.focus, 1),
        or_none(percent),
        or_none(corners),
    ]
}

/// Writes the sites with the worst focus.
fn worst_focus(out: &mut dyn Write, quality: &Quality, at_most: usize) -> io::Result<()> {
    let worst = quality.worst_focus.iter().take(at_most);
    let worst: Vec<String> = worst
        .map(|rank| format!("{} {:.2}", OneLine(&rank.site_id), rank.relative_focus))
        .collect();
    match worst.is_empty() {
        true => Ok(()),
        false => writeln!(
            out,
            "lowest focus, relative to sites that are as bright: {}",
            worst.join(", ")
        ),
    }
}

/// Writes the first flags of a kind.
fn flags(out: &mut dyn Write, quality: &Quality, kind: FlagKind, at_most: usize) -> io::Result<()> {
    let of_kind = quality.flags.iter().filter(|flag| flag.kind == kind);
    let number = quality.counts.get(kind.name()).copied().unwrap_or(0);
    if number == 0 {
        return Ok(());
    }
    writeln!(out, "{} ({})", kind.name(), count(number))?;
    for flag in of_kind.take(at_most) {
        writeln!(out, "    {}", OneLine(flag_text(flag)))?;
    }
    let more = number.saturating_sub(at_most);
    match more {
        0 => Ok(()),
        _ => writeln!(out, "    … and {} more (-v shows all)", count(more)),
    }
}

/// Formats a flag.
fn flag_text(flag: &Flag) -> String {
    let place = match &flag.site_id {
        Some(site) => site.clone(),
        None => format!("{} plate {}", flag.experiment, flag.plate),
    };
    let control = match flag.control {
        Some(true) => " (negative control)",
        _ => "",
    };
    format!(
        "{place}{control} {}: {}",
        flag.channels.join(" "),
        flag.text
    )
}
