//! All of it, in order.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

use serde::Serialize;

use crate::baseline::{Baseline, Scope};
use crate::flag::{Flag, FlagKind};
use crate::flat_field::{self, FlatField};
use crate::focus::{self, FocusRank, SiteFocus, Worst};
use crate::screen::{PlateRows, Screen};
use crate::summary::{self, PlateQuality};
use crate::thresholds::Thresholds;
use crate::{equal, images, layout};

/// Numbers of planes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct PlaneNumbers {
    /// Planes that are there.
    pub ok: usize,
    /// Planes without an image.
    pub missing: usize,
    /// Planes whose image the system could not read.
    pub unreadable: usize,
    /// Planes whose image cannot be used.
    pub corrupt: usize,
}

/// With what the planes were compared: numbers of plates and channels together.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Judged {
    /// Compared with their plate.
    pub by_plate: usize,
    /// Compared with their experiment.
    pub by_experiment: usize,
    /// Not compared, because there are too few planes.
    pub not: usize,
}

/// The quality of a dataset.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Quality {
    /// Number of sites.
    pub sites: usize,
    /// Numbers of planes.
    pub planes: PlaneNumbers,
    /// With what the planes were compared.
    pub compared: Judged,
    /// Each plate.
    pub plates: Vec<PlateQuality>,
    /// What is wrong, by kind, then in the order of the sites.
    pub flags: Vec<Flag>,
    /// Number of flags of each kind that there are.
    pub counts: BTreeMap<&'static str, usize>,
    /// The 24 sites with the worst focus, the worst first; they need not be flagged.
    pub worst_focus: Vec<FocusRank>,
    /// The thresholds of the flags.
    pub thresholds: Thresholds,
}

impl Quality {
    /// Keeps the flags of these sites, and those of their plates.
    pub fn retain_sites(&mut self, screen: &Screen, site_ids: &BTreeSet<String>) {
        let has = |plate: &&PlateRows| {
            let ids = screen.site_ids.get(plate.rows.clone()).unwrap_or_default();
            ids.iter().any(|id| site_ids.contains(id))
        };
        let plates = screen.plates.iter().filter(has);
        let plates: BTreeSet<(&str, &str)> = plates
            .map(|plate| (plate.experiment.as_str(), plate.plate.as_str()))
            .collect();
        self.flags.retain(|flag| match &flag.site_id {
            Some(id) => site_ids.contains(id),
            None => plates.contains(&(flag.experiment.as_str(), flag.plate.as_str())),
        });
        self.counts = counts(&self.flags);
    }
}

/// One plate, with what it is compared with.
struct Judge<'a> {
    plate: &'a PlateRows,
    experiment: Range<usize>,
    baselines: Vec<Option<Baseline>>,
    focus: Vec<SiteFocus>,
}

/// Judges the images of a screen. `field` gives the light over the field of view of a plate
/// (its number, from 0, and its rows) in each channel, where it is known.
///
/// # Errors
/// The error of `field`.
pub fn assess<E>(
    screen: &Screen,
    thresholds: &Thresholds,
    mut field: impl FnMut(Range<usize>) -> Result<Vec<Option<FlatField>>, E>,
) -> Result<Quality, E> {
    let mut quality = Quality {
        sites: screen.site_ids.len(),
        planes: numbers(screen),
        compared: Judged::default(),
        plates: Vec::new(),
        flags: Vec::new(),
        counts: BTreeMap::new(),
        worst_focus: Vec::new(),
        thresholds: *thresholds,
    };
    let mut worst = Worst::default();
    for plates in experiments(screen) {
        let judges = judges(screen, &plates, thresholds);
        let all: Vec<f64> = judges
            .iter()
            .flat_map(|judge| focus::means(&judge.focus))
            .collect();
        for judge in &judges {
            let own: Vec<f64> = focus::means(&judge.focus).collect();
            let scope = if own.len() >= thresholds.least_planes {
                &own
            } else {
                &all
            };
            let fields = field(judge.plate.rows.clone())?;
            let Judge {
                plate,
                baselines,
                focus: sites,
                ..
            } = judge;
            count(&mut quality.compared, baselines);
            worst.add(sites);
            let flags = &mut quality.flags;
            for site in plate.rows.clone() {
                flags.extend(images::flags(screen, plate, site, baselines, thresholds));
            }
            flags.extend(focus::flags(
                screen, plate, sites, scope, baselines, thresholds,
            ));
            flags.extend(layout::flags_of_bands(screen, plate, baselines, thresholds));
            flags.extend(flat_field::flag(screen, plate, &fields, thresholds));
            let summary = summary::plate(screen, plate, baselines, &fields);
            quality.plates.push(summary);
        }
        let drift = layout::flags_of_drift(screen, plates, thresholds);
        quality.flags.extend(drift);
    }
    quality.flags.extend(equal::flags(screen));
    // Stable: sites stay in their order.
    quality.flags.sort_by_key(|flag| flag.kind);
    quality.counts = counts(&quality.flags);
    quality.worst_focus = worst.list(screen);
    Ok(quality)
}

/// The plates of each experiment, by their numbers.
fn experiments(screen: &Screen) -> Vec<Range<usize>> {
    let same = |a: &PlateRows, b: &PlateRows| a.experiment == b.experiment;
    let mut first = 0;
    let of = screen.plates.chunk_by(same).map(|plates| {
        let range = first..first + plates.len();
        first = range.end;
        range
    });
    of.collect()
}

fn judges<'a>(
    screen: &'a Screen,
    plates: &Range<usize>,
    thresholds: &Thresholds,
) -> Vec<Judge<'a>> {
    let plates = screen.plates.get(plates.clone()).unwrap_or_default();
    let start = plates.first().map_or(0, |plate| plate.rows.start);
    let end = plates.last().map_or(0, |plate| plate.rows.end);
    let judge = |plate: &'a PlateRows| {
        let mut judge = Judge {
            plate,
            experiment: start..end,
            baselines: Vec::new(),
            focus: Vec::new(),
        };
        let baseline =
            |channel| Baseline::of(screen, &plate.rows, &judge.experiment, channel, thresholds);
        judge.baselines = (0..screen.channels.len()).map(baseline).collect();
        judge.focus = focus::sites(screen, plate, &judge.baselines, thresholds);
        judge
    };
    plates.iter().map(judge).collect()
}

fn numbers(screen: &Screen) -> PlaneNumbers {
    let bad = |status: &str| {
        screen
            .bad
            .values()
            .filter(|bad| bad.status == status)
            .count()
    };
    PlaneNumbers {
        ok: screen.planes.len() - screen.bad.len(),
        missing: bad("missing"),
        unreadable: bad("unreadable"),
        corrupt: bad("corrupt"),
    }
}

fn count(judged: &mut Judged, baselines: &[Option<Baseline>]) {
    for baseline in baselines {
        match baseline.map(|baseline| baseline.scope) {
            Some(Scope::Plate) => judged.by_plate += 1,
            Some(Scope::Experiment) => judged.by_experiment += 1,
            None => judged.not += 1,
        }
    }
}

fn counts(flags: &[Flag]) -> BTreeMap<&'static str, usize> {
    let of = |kind: FlagKind| flags.iter().filter(|flag| flag.kind == kind).count();
    let all = FlagKind::ALL
        .into_iter()
        .map(|kind| (kind.name(), of(kind)));
    all.filter(|(_, count)| *count > 0).collect()
}
