//! Images out of focus.

use serde::Serialize;

use crate::baseline::Baseline;
use crate::flag::{Flag, FlagKind};
use crate::images::fault;
use crate::robust::Robust;
use crate::screen::{PlateRows, Screen};
use crate::thresholds::Thresholds;

/// Deviations of the focus of one plane below this are never told from chance: 5 %.
const FLOOR: f64 = 0.05;
/// The same for the mean of all channels: 2 %.
const SITE_FLOOR: f64 = 0.02;
/// Sites in the list of the worst.
const WORST: usize = 24;

/// A site in the list of the worst by focus.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[non_exhaustive]
pub struct FocusRank {
    /// The site.
    pub site_id: String,
    /// Mean of its channels, relative to planes of its plate that are as bright: 1 is usual.
    pub relative_focus: f64,
}

/// The focus of one site.
pub(crate) struct SiteFocus {
    site: usize,
    /// Each channel that can be judged, with its logarithm relative to planes as bright.
    channels: Vec<(usize, f64)>,
}

impl SiteFocus {
    /// Mean of the channels, a logarithm.
    fn mean(&self) -> f64 {
        let sum: f64 = self.channels.iter().map(|(_, focus)| focus).sum();
        sum / self.channels.len() as f64
    }
}

/// Measures the sites of a plate. A plane that is saturated or empty has no focus.
pub(crate) fn sites(
    screen: &Screen,
    plate: &PlateRows,
    baselines: &[Option<Baseline>],
    thresholds: &Thresholds,
) -> Vec<SiteFocus> {
    let of_channel = |site: usize, channel: usize, baseline: &Option<Baseline>| {
        let (measure, baseline) = (screen.measure(site, channel)?, baseline.as_ref()?);
        let found = fault(measure, Some(baseline), thresholds);
        let has_none = matches!(found, Some((FlagKind::Saturated | FlagKind::Empty, ..)));
        (!has_none).then(|| (channel, baseline.relative_focus(measure)))
    };
    let of_site = |site: usize| {
        let channels = baselines.iter().enumerate();
        let channels = channels.filter_map(|(channel, line)| of_channel(site, channel, line));
        let channels: Vec<(usize, f64)> = channels.collect();
        (!channels.is_empty()).then_some(SiteFocus { site, channels })
    };
    plate.rows.clone().filter_map(of_site).collect()
}

/// Returns the flags of the sites of a plate. `scope` has the sites with which they are
/// compared: those of the plate, or of its experiment.
pub(crate) fn flags(
    screen: &Screen,
    plate: &PlateRows,
    sites: &[SiteFocus],
    scope: &[f64],
    baselines: &[Option<Baseline>],
    thresholds: &Thresholds,
) -> Vec<Flag> {
    let usual = Robust::of(scope.to_vec()).filter(|_| scope.len() >= thresholds.least_planes);
    let blurred = |site: &SiteFocus| {
        let whole = usual.filter(|usual| {
            let limit = thresholds.site_focus_deviations * usual.deviation(SITE_FLOOR);
            usual.median - site.mean() > limit.max(-thresholds.site_focus_ratio.ln())
        });
        if let Some(usual) = whole {
            let value = (site.mean() - usual.median).exp();
            let channels: Vec<usize> = site.channels.iter().map(|(channel, _)| *channel).collect();
            let text = format!("the focus is {value:.2} x that of sites that are as bright");
            return Some((channels, value, text));
        }
        let is_blurred = |(channel, focus): &&(usize, f64)| {
            let baseline = baselines.get(*channel).and_then(Option::as_ref);
            baseline.is_some_and(|baseline| {
                let limit = thresholds.focus_deviations * baseline.focus.deviation(FLOOR);
                baseline.focus.median - focus > limit.max(-thresholds.focus_ratio.ln())
            })
        };
        let dull: Vec<&(usize, f64)> = site.channels.iter().filter(is_blurred).collect();
        let worst = dull
            .iter()
            .map(|(_, focus)| *focus)
            .min_by(f64::total_cmp)?;
        let channels = dull.iter().map(|(channel, _)| *channel).collect();
        let value = worst.exp();
        let text = format!("the focus is {value:.2} x that of planes that are as bright");
        Some((channels, value, text))
    };
    let flag = |site: &SiteFocus| {
        let (channels, value, text) = blurred(site)?;
        let (kind, value) = (FlagKind::Blurred, Some(value));
        let site = site.site;
        Some(Flag::of_site(
            kind, screen, plate, site, &channels, value, text,
        ))
    };
    sites.iter().filter_map(flag).collect()
}

/// The mean focus of each site, for [`flags`].
pub(crate) fn means(sites: &[SiteFocus]) -> impl Iterator<Item = f64> {
    sites.iter().map(SiteFocus::mean)
}

/// Keeps the worst sites of all.
#[derive(Default)]
pub(crate) struct Worst(Vec<(f64, usize)>);

impl Worst {
    /// Adds the sites of a plate.
    pub(crate) fn add(&mut self, sites: &[SiteFocus]) {
        self.0
            .extend(sites.iter().map(|site| (site.mean(), site.site)));
        self.0
            .sort_by(|a, b| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1)));
        self.0.truncate(WORST);
    }

    /// The list, the worst first.
    pub(crate) fn list(&self, screen: &Screen) -> Vec<FocusRank> {
        let rank = |(focus, site): &(f64, usize)| FocusRank {
            site_id: screen.site_ids.get(*site).cloned().unwrap_or_default(),
            relative_focus: focus.exp(),
        };
        self.0.iter().map(rank).collect()
    }
}
