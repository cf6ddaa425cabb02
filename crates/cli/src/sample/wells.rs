//! Which sites the sample has: experiments, plates, wells, and what was put into them.

use std::num::NonZeroUsize;

use super::random::Stream;

/// Plates of an experiment that is large enough.
const PLATES: usize = 4;
/// Rows B–O of a 384-well plate; the outermost wells stay empty.
const ROWS: usize = 14;
/// Columns 2–23.
const COLUMNS: usize = 22;
/// Treatments are numbered from 0, positive controls follow them.
const TREATMENTS: usize = 1108;
/// Positive controls, from 1108 on.
const POSITIVE_CONTROLS: usize = 30;
/// The untreated wells' number.
const EMPTY: usize = TREATMENTS + POSITIVE_CONTROLS;

/// The four cell types of RxRx1.
#[derive(Clone, Copy)]
pub(super) enum CellType {
    /// Liver cancer: small cells in colonies.
    Hepg2,
    /// Vein lining: polygons side by side.
    Huvec,
    /// Retinal pigment: long, aligned, rich in fibres.
    Rpe,
    /// Bone cancer: large and flat.
    U2os,
}

impl CellType {
    /// The name in the metadata.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Hepg2 => "HEPG2",
            Self::Huvec => "HUVEC",
            Self::Rpe => "RPE",
            Self::U2os => "U2OS",
        }
    }
}

/// What a well is for.
#[derive(Clone, Copy, PartialEq)]
enum WellType {
    /// Nothing was done to it.
    NegativeControl,
    /// Has one of thirty siRNAs of known effect.
    PositiveControl,
    /// Has one of 1,108 siRNAs under study.
    Treatment,
}

/// One field of view: a row of the metadata, six images.
pub(super) struct Site {
    /// Such as `HUVEC-01`.
    pub(super) experiment: String,
    /// The experiment's cells.
    pub(super) cell_type: CellType,
    /// `train` or `test`.
    dataset: &'static str,
    /// From 1.
    pub(super) plate: usize,
    /// Such as `B02`.
    well: String,
    /// 1 or 2.
    number: usize,
    /// What the well is for.
    well_type: WellType,
    /// What was done to the cells, known or not: 0–1107, 1108–1137; `None` for nothing.
    pub(super) treatment: Option<usize>,
    /// Whether the metadata says so. Half of the test wells keep their secret.
    disclosed: bool,
}

/// The metadata's header: `site_id` first, then what it is made of.
pub(super) const HEADER: &str =
    "site_id,well_id,cell_type,dataset,experiment,plate,well,site,well_type,sirna,sirna_id";

impl Site {
    /// The site's key, `HUVEC-01_1_B02_1`.
    pub(super) fn id(&self) -> String {
        format!("{}_{}", self.well_id(), self.number)
    }

    /// The well's key, `HUVEC-01_1_B02`.
    fn well_id(&self) -> String {
        format!("{}_{}_{}", self.experiment, self.plate, self.well)
    }

    /// The folder of the plate below `images`.
    pub(super) fn folder(&self) -> String {
        format!("{}/Plate{}", self.experiment, self.plate)
    }

    /// The file name of a channel, counted from 0: `B02_s1_w1.png`.
    pub(super) fn file_name(&self, channel: usize) -> String {
        format!("{}_s{}_w{}.png", self.well, self.number, channel + 1)
    }

    /// The metadata row, columns as in [`HEADER`]. No value needs quotes.
    pub(super) fn row(&self) -> String {
        let (sirna, sirna_id) = match self.treatment {
            None => ("EMPTY".to_owned(), EMPTY.to_string()),
            Some(id) if self.disclosed => (sirna(id), id.to_string()),
            Some(_) => (String::new(), String::new()),
        };
        let well_type = match self.well_type {
            WellType::NegativeControl => "negative_control",
            WellType::PositiveControl => "positive_control",
            WellType::Treatment => "treatment",
        };
        [
            &self.id(),
            &self.well_id(),
            self.cell_type.name(),
            self.dataset,
            &self.experiment,
            &self.plate.to_string(),
            &self.well,
            &self.number.to_string(),
            well_type,
            &sirna,
            &sirna_id,
        ]
        .join(",")
    }
}

/// The catalogue name of an siRNA; each number has its own.
fn sirna(id: usize) -> String {
    // The factor and the modulus have no common divisor, so no two ids meet.
    let number = 1000 + id * 7919 % 27_000;
    format!("{}{number}", if id == TREATMENTS { 'n' } else { 's' })
}

/// Exactly `count` sites, ordered by experiment, plate, well and site.
///
/// A well has two sites; the last well of an odd `count` has one.
pub(super) fn sites(count: NonZeroUsize, seed: u64) -> Vec<Site> {
    let wells = count.get().div_ceil(2);
    // Up to four experiments of four wells and more; further ones only when
    // these are full but for one well, so that a plate is ragged at any size.
    let full = PLATES * ROWS * COLUMNS - 1;
    let experiments = (wells / 4).clamp(1, 4).max(wells.div_ceil(full));
    let mut sites: Vec<Site> = (0..experiments)
        .flat_map(|experiment| {
            let share = wells / experiments + usize::from(experiment < wells % experiments);
            experiment_sites(experiment, share, seed)
        })
        .collect();
    sites.truncate(count.get());
    sites.sort_by(|a, b| {
        let key = |site: &Site| (site.plate, site.well.clone(), site.number);
        a.experiment
            .cmp(&b.experiment)
            .then_with(|| key(a).cmp(&key(b)))
    });
    sites
}

/// The sites of the `index`th experiment, which has `wells` wells.
fn experiment_sites(index: usize, wells: usize, seed: u64) -> Vec<Site> {
    let (cell_type, first, last_train) = match index % 4 {
        0 => (CellType::Huvec, 1, 16),
        // The public split: U2OS-04 and later are test experiments.
        1 => (CellType::U2os, 4, 3),
        2 => (CellType::Hepg2, 1, 7),
        _ => (CellType::Rpe, 1, 7),
    };
    let number = first + index / 4;
    let experiment = format!("{}-{number:02}", cell_type.name());
    let dataset = if number <= last_train {
        "train"
    } else {
        "test"
    };

    let sizes = plate_sizes(wells);
    let layout = layout(
        &mut Stream::new(seed, &experiment),
        sizes.iter().copied().max(),
    );
    let mut sites = Vec::with_capacity(2 * wells);
    let mut treated = 0;
    for (plate, &size) in (1..).zip(&sizes) {
        for (slot, well) in layout.iter().take(size).enumerate() {
            let well_type = well_type(plate, slot, size);
            let treatment = match well_type {
                WellType::NegativeControl => None,
                // Steps prime to the counts visit every number before any twice.
                WellType::PositiveControl => {
                    Some(TREATMENTS + (7 * (sites.len() / 2) + index) % POSITIVE_CONTROLS)
                }
                WellType::Treatment => {
                    treated += 1;
                    Some((409 * treated + 131 * index) % TREATMENTS)
                }
            };
            let secret = dataset == "test" && well_type == WellType::Treatment && treated % 2 == 1;
            sites.extend([1, 2].map(|number| Site {
                experiment: experiment.clone(),
                cell_type,
                dataset,
                plate,
                well: well.clone(),
                number,
                well_type,
                treatment,
                disclosed: !secret,
            }));
        }
    }
    sites
}

/// Wells on each plate: ragged from three wells on, as some real plates are.
fn plate_sizes(wells: usize) -> Vec<usize> {
    let plates = (wells * 2 / 3).clamp(1, PLATES);
    let mut sizes: Vec<usize> = (0..plates)
        .map(|plate| wells / plates + usize::from(plate < wells % plates))
        .collect();
    if plates > 1 && wells.is_multiple_of(plates) {
        sizes[0] += 1;
        sizes[plates - 1] -= 1;
    }
    sizes
}

/// The wells in use, spread over the plate, always with `B02`; plates that
/// have fewer leave out the last ones.
fn layout(stream: &mut Stream, wells: Option<usize>) -> Vec<String> {
    let wells = wells.unwrap_or_default();
    let positions = ROWS * COLUMNS;
    (0..wells)
        .map(|slot| {
            let [start, end] = [slot, slot + 1].map(|slot| slot * positions / wells);
            let offset = stream.unit() * (end - start) as f32;
            let position = if slot == 0 {
                0
            } else {
                start + offset as usize
            };
            let row = b'B' + (position / COLUMNS) as u8;
            format!("{}{:02}", char::from(row), position % COLUMNS + 2)
        })
        .collect()
}

/// A control or two on every plate, about one well in ten on large ones.
fn well_type(plate: usize, slot: usize, wells: usize) -> WellType {
    match slot {
        0 if wells > 3 || !plate.is_multiple_of(2) => WellType::NegativeControl,
        0 => WellType::PositiveControl,
        _ if wells > 3 && slot % 10 == 1 => WellType::PositiveControl,
        _ => WellType::Treatment,
    }
}
