//! Rows, columns and plates that are brighter or darker than the others.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

use rxrx_metadata::Well;

use crate::baseline::{Baseline, log};
use crate::flag::{Flag, FlagKind};
use crate::images::fault;
use crate::robust::{Robust, median};
use crate::screen::{Measure, PlateRows, Screen};
use crate::thresholds::Thresholds;

/// Deviations of brightness below this are never told from chance: 5 %.
const FLOOR: f64 = 0.05;
/// The standard error of a median, relative to that of a mean.
const OF_MEDIAN: f64 = 1.2533;

/// A row or a column of a plate.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Band {
    /// Counted from 0.
    Row(u8),
    /// Counted from 1.
    Column(u8),
}

impl Band {
    /// The row and the column of a well.
    pub(crate) fn of(well: Well) -> [Self; 2] {
        [Self::Row(well.row()), Self::Column(well.column())]
    }

    /// The name as on a plate: `B`, `02`.
    pub(crate) fn name(self) -> String {
        match self {
            Self::Column(column) => format!("{column:02}"),
            Self::Row(row) => {
                let letter = char::from(b'A' + row % 26);
                match row / 26 {
                    0 => letter.to_string(),
                    _ => format!("A{letter}"),
                }
            }
        }
    }

    fn is_row(self) -> bool {
        matches!(self, Self::Row(_))
    }
}

/// The planes of one row or column.
#[derive(Default)]
struct Planes {
    wells: BTreeSet<Well>,
    means: Vec<f64>,
}

/// Returns the flags of the rows and columns of a plate.
pub(crate) fn flags_of_bands(
    screen: &Screen,
    plate: &PlateRows,
    baselines: &[Option<Baseline>],
    thresholds: &Thresholds,
) -> Vec<Flag> {
    // The channels in which a band differs, with the factor.
    let mut found: BTreeMap<(Band, bool), Vec<(usize, f64)>> = BTreeMap::new();
    for (channel, baseline) in baselines.iter().enumerate() {
        let usable = Usable {
            baseline: baseline.as_ref(),
            thresholds,
        };
        let Some((usual, bands)) = bands(screen, plate, channel, &usable) else {
            continue;
        };
        let is_outer = outer(&bands);
        for (band, planes) in bands {
            if planes.wells.len() < thresholds.row_wells {
                continue;
            }
            let error = OF_MEDIAN * usual.deviation(FLOOR) / (planes.means.len() as f64).sqrt();
            let limit = (thresholds.row_errors * error).max(thresholds.row_factor.ln());
            let mut means = planes.means;
            let difference = median(&mut means).map(|median| median - usual.median);
            if let Some(difference) = difference.filter(|by| by.abs() > limit) {
                let key = (band, is_outer(band));
                found.entry(key).or_default().push((channel, difference));
            }
        }
    }
    let flag = |((band, is_outer), channels): ((Band, bool), Vec<(usize, f64)>)| {
        let size = |difference: f64| difference.abs();
        let worst = channels.iter().map(|(_, by)| *by);
        let worst = worst.max_by(|a, b| size(*a).total_cmp(&size(*b)))?;
        let kind = match is_outer {
            true => FlagKind::Edge,
            false => FlagKind::Stripe,
        };
        let what = if band.is_row() { "row" } else { "column" };
        let (name, value) = (band.name(), worst.exp());
        let text = format!("the median of {what} {name} is {value:.2} x that of the plate");
        let channels: Vec<usize> = channels.into_iter().map(|(channel, _)| channel).collect();
        Some(Flag::of_plate(
            kind,
            screen,
            plate,
            &channels,
            Some(value),
            text,
        ))
    };
    found.into_iter().filter_map(flag).collect()
}

/// Which planes tell the brightness of a row or column.
struct Usable<'a> {
    baseline: Option<&'a Baseline>,
    thresholds: &'a Thresholds,
}

impl Usable<'_> {
    /// Whether a plane does: one that is saturated or empty has flags of its own.
    fn has(&self, measure: &Measure) -> bool {
        let found = fault(measure, self.baseline, self.thresholds);
        !matches!(found, Some((FlagKind::Saturated | FlagKind::Empty, ..)))
    }
}

/// The means of a channel on a plate, of all planes and by rows and columns; `None` where the
/// plate has too few planes.
fn bands(
    screen: &Screen,
    plate: &PlateRows,
    channel: usize,
    usable: &Usable<'_>,
) -> Option<(Robust, BTreeMap<Band, Planes>)> {
    let mut all = Vec::new();
    let mut bands: BTreeMap<Band, Planes> = BTreeMap::new();
    let measures = screen.measures(plate.rows.clone(), channel);
    for (site, measure) in measures.filter(|(_, measure)| usable.has(measure)) {
        let mean = log(measure.mean);
        all.push(mean);
        let Some(well) = screen.wells.get(site).copied().flatten() else {
            continue;
        };
        for band in Band::of(well) {
            let planes = bands.entry(band).or_default();
            planes.wells.insert(well);
            planes.means.push(mean);
        }
    }
    let is_enough = all.len() >= usable.thresholds.least_planes;
    let all = Robust::of(all).filter(|_| is_enough)?;
    Some((all, bands))
}

/// Whether a row or column is the first or last one in use.
fn outer(bands: &BTreeMap<Band, Planes>) -> impl Fn(Band) -> bool + use<> {
    let ends = [true, false].map(|rows| {
        let mut of_kind = bands.keys().filter(move |band| band.is_row() == rows);
        let first = of_kind.next().copied();
        (first, of_kind.next_back().copied().or(first))
    });
    move |band| {
        ends.iter()
            .any(|(first, last)| *first == Some(band) || *last == Some(band))
    }
}

/// Returns the flags of the plates of an experiment whose brightness differs.
pub(crate) fn flags_of_drift(
    screen: &Screen,
    plates: Range<usize>,
    thresholds: &Thresholds,
) -> Vec<Flag> {
    let plates = screen.plates.get(plates).unwrap_or_default();
    let mut found: BTreeMap<usize, Vec<(usize, f64)>> = BTreeMap::new();
    for channel in 0..screen.channels.len() {
        let of_plate = |(number, plate): (usize, &PlateRows)| {
            let means = screen.measures(plate.rows.clone(), channel);
            let mut means: Vec<f64> = means.map(|(_, measure)| log(measure.mean)).collect();
            let is_enough = means.len() >= thresholds.least_planes;
            let median = median(&mut means).filter(|_| is_enough)?;
            Some((number, median))
        };
        let medians: Vec<(usize, f64)> = plates.iter().enumerate().filter_map(of_plate).collect();
        if medians.len() < thresholds.drift_plates {
            continue;
        }
        let mut of_all: Vec<f64> = medians.iter().map(|(_, median)| *median).collect();
        let Some(usual) = median(&mut of_all) else {
            continue;
        };
        for (number, median) in medians {
            let difference = median - usual;
            if difference.abs() > thresholds.drift_factor.ln() {
                found.entry(number).or_default().push((channel, difference));
            }
        }
    }
    let flag = |(number, channels): (usize, Vec<(usize, f64)>)| {
        let plate = plates.get(number)?;
        let worst = channels.iter().map(|(_, by)| *by);
        let worst = worst.max_by(|a, b| a.abs().total_cmp(&b.abs()))?.exp();
        let text = format!("the median is {worst:.2} x that of the plates of the experiment");
        let channels: Vec<usize> = channels.iter().map(|(channel, _)| *channel).collect();
        let kind = FlagKind::Drift;
        Some(Flag::of_plate(
            kind,
            screen,
            plate,
            &channels,
            Some(worst),
            text,
        ))
    };
    found.into_iter().filter_map(flag).collect()
}
