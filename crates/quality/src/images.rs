//! Planes that are missing, saturated, empty, bright or dim.

use std::collections::BTreeMap;

use crate::baseline::{Baseline, log};
use crate::flag::{Flag, FlagKind};
use crate::screen::{Measure, PlateRows, Screen};
use crate::thresholds::Thresholds;

/// Deviations of brightness below this are never told from chance: 5 %.
const FLOOR: f64 = 0.05;

/// The channels of a site with one flaw, and the worst value of them.
#[derive(Default)]
struct Found {
    channels: Vec<usize>,
    value: Option<f64>,
    text: String,
}

/// Returns the flags of the planes of one site.
pub(crate) fn flags(
    screen: &Screen,
    plate: &PlateRows,
    site: usize,
    baselines: &[Option<Baseline>],
    thresholds: &Thresholds,
) -> Vec<Flag> {
    let mut found: BTreeMap<FlagKind, Found> = BTreeMap::new();
    let channels = 0..screen.channels.len();
    for (channel, baseline) in channels.zip(baselines) {
        let (kind, value, text) = match screen.measure(site, channel) {
            None => match bad(screen, site, channel) {
                Some((kind, text)) => (kind, None, text),
                None => continue,
            },
            Some(measure) => match fault(measure, baseline.as_ref(), thresholds) {
                Some((kind, value, text)) => (kind, Some(value), text),
                None => continue,
            },
        };
        let found = found.entry(kind).or_default();
        found.channels.push(channel);
        let is_worse = match (found.value, value) {
            (Some(worst), Some(value)) => match kind {
                FlagKind::Empty | FlagKind::Dim => value < worst,
                _ => value > worst,
            },
            (None, _) => true,
            _ => false,
        };
        if found.text.is_empty() || is_worse {
            found.value = value;
            found.text = text;
        }
    }
    let flag = |(kind, found): (FlagKind, Found)| {
        let Found {
            channels,
            value,
            text,
        } = found;
        Flag::of_site(kind, screen, plate, site, &channels, value, text)
    };
    found.into_iter().map(flag).collect()
}

/// Why a plane is not there.
fn bad(screen: &Screen, site: usize, channel: usize) -> Option<(FlagKind, String)> {
    let bad = screen.bad.get(&screen.position(site, channel))?;
    Some(match bad.status {
        "unreadable" => (FlagKind::Unreadable, bad.reason.clone()),
        "corrupt" => (FlagKind::Corrupt, bad.reason.clone()),
        _ => (FlagKind::Missing, "there is no image".to_owned()),
    })
}

/// Whether a plane is saturated, empty, bright or dim: the first that it is, with its value.
pub(crate) fn fault(
    measure: &Measure,
    baseline: Option<&Baseline>,
    thresholds: &Thresholds,
) -> Option<(FlagKind, f64, String)> {
    let Measure { saturated, .. } = *measure;
    if saturated > thresholds.saturated {
        let text = format!(
            "{:.2} % of the pixels have the largest value",
            100.0 * saturated
        );
        return Some((FlagKind::Saturated, saturated, text));
    }
    let contrast = measure.contrast();
    let usual = baseline.map_or(0.0, |baseline| baseline.contrast);
    if contrast <= thresholds.empty_counts || contrast < thresholds.empty_ratio * usual {
        let of = match baseline {
            Some(_) => format!("; usual here are {usual:.0}"),
            None => String::new(),
        };
        let text = format!("the brightest pixels are {contrast:.0} counts above the median{of}");
        return Some((FlagKind::Empty, contrast, text));
    }
    let baseline = baseline?;
    let difference = log(measure.mean) - baseline.mean.median;
    let limit = thresholds.brightness_deviations * baseline.mean.deviation(FLOOR);
    if difference.abs() <= limit.max(thresholds.brightness_factor.ln()) {
        return None;
    }
    let factor = difference.exp();
    let usual = baseline.mean.median.exp();
    let kind = match difference > 0.0 {
        true => FlagKind::Bright,
        false => FlagKind::Dim,
    };
    let text = format!("the mean is {factor:.2} x the median of {usual:.1} counts");
    Some((kind, factor, text))
}
