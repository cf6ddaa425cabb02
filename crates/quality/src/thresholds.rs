//! The thresholds of flags. `docs/quality.md` gives the reason of each.

use serde::Serialize;

/// The thresholds of flags.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Thresholds {
    /// The least number of planes of a channel on a plate, or else in an experiment, with which
    /// a plane is compared.
    pub least_planes: usize,
    /// `saturated`: fraction of pixels at the largest value.
    pub saturated: f64,
    /// `empty`: the 99.9th percentile less the median, in counts, at most.
    pub empty_counts: f64,
    /// `empty`: the same, relative to the median of the plate, at most.
    pub empty_ratio: f64,
    /// `bright`, `dim`: factor to the median of the plate.
    pub brightness_factor: f64,
    /// `bright`, `dim`: robust standard deviations.
    pub brightness_deviations: f64,
    /// `blurred`: focus of one plane relative to planes as bright, at most.
    pub focus_ratio: f64,
    /// `blurred`: robust standard deviations of one plane.
    pub focus_deviations: f64,
    /// `blurred`: mean focus of all channels of a site relative to the plate, at most.
    pub site_focus_ratio: f64,
    /// `blurred`: robust standard deviations of a site.
    pub site_focus_deviations: f64,
    /// `edge`, `stripe`: factor of the median of a row or column to that of the plate.
    pub row_factor: f64,
    /// `edge`, `stripe`: standard errors of such a median.
    pub row_errors: f64,
    /// `edge`, `stripe`: the least number of wells in the row or column.
    pub row_wells: usize,
    /// `drift`: factor of the median of a plate to that of its experiment.
    pub drift_factor: f64,
    /// `drift`: the least number of plates in the experiment.
    pub drift_plates: usize,
    /// `vignette`: mean of the corners relative to the middle, at most.
    pub vignette_ratio: f64,
    /// `vignette`: the least number of planes of a plate and a channel.
    pub vignette_planes: usize,
}

impl Default for Thresholds {
    fn default() -> Self {
        Self {
            least_planes: 12,
            saturated: 0.001,
            empty_counts: 2.0,
            empty_ratio: 0.1,
            brightness_factor: 2.0,
            brightness_deviations: 5.0,
            focus_ratio: 0.5,
            focus_deviations: 6.0,
            site_focus_ratio: 0.85,
            site_focus_deviations: 5.0,
            row_factor: 1.3,
            row_errors: 5.0,
            row_wells: 3,
            drift_factor: 1.5,
            drift_plates: 3,
            vignette_ratio: 0.6,
            vignette_planes: 8,
        }
    }
}
