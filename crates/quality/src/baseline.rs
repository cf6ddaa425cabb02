//! What a plane is compared with: the planes of its plate and channel.

use std::ops::Range;

use serde::Serialize;

use crate::robust::{Line, Robust, median};
use crate::screen::{Measure, Screen};
use crate::thresholds::Thresholds;

/// The planes that a plane is compared with.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Scope {
    /// Those of its plate.
    Plate,
    /// Those of its experiment, because its plate has too few.
    Experiment,
}

/// Middle and width of the planes of a plate and a channel. All are of logarithms, so that
/// they are the same for any gain of the camera.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Baseline {
    pub(crate) scope: Scope,
    /// Logarithm of the mean.
    pub(crate) mean: Robust,
    /// Median of the contrast, in counts.
    pub(crate) contrast: f64,
    /// Logarithm of the focus over that of the mean.
    pub(crate) focus_line: Line,
    /// Width of the focus around that line.
    pub(crate) focus: Robust,
}

/// A number that is not below zero, as its logarithm; 0 becomes that of a thousandth.
pub(crate) fn log(value: f64) -> f64 {
    value.max(1e-3).ln()
}

impl Baseline {
    /// Measures the planes of a channel in the rows of a plate, or else in those of its
    /// experiment; `None` where there are too few.
    pub(crate) fn of(
        screen: &Screen,
        plate: &Range<usize>,
        experiment: &Range<usize>,
        channel: usize,
        thresholds: &Thresholds,
    ) -> Option<Self> {
        let scopes = [(Scope::Plate, plate), (Scope::Experiment, experiment)];
        scopes.into_iter().find_map(|(scope, rows)| {
            let measures = screen.measures(rows.clone(), channel);
            let measures: Vec<&Measure> = measures.map(|(_, measure)| measure).collect();
            (measures.len() >= thresholds.least_planes).then(|| Self::measure(scope, &measures))?
        })
    }

    fn measure(scope: Scope, measures: &[&Measure]) -> Option<Self> {
        let means = measures.iter().map(|measure| log(measure.mean));
        let mut contrasts: Vec<f64> = measures.iter().map(|m| m.contrast()).collect();
        let points = measures.iter().map(|m| (log(m.mean), log(m.focus)));
        let focus_line = Line::of(points.clone().collect())?;
        let rests = points.map(|(mean, focus)| focus - focus_line.at(mean));
        Some(Self {
            scope,
            mean: Robust::of(means.collect())?,
            contrast: median(&mut contrasts)?,
            focus_line,
            focus: Robust::of(rests.collect())?,
        })
    }

    /// The logarithm of the focus of a plane relative to planes that are as bright.
    pub(crate) fn relative_focus(&self, measure: &Measure) -> f64 {
        log(measure.focus) - self.focus_line.at(log(measure.mean))
    }
}
