//! The sites of a sample: experiments, plates, wells and treatments.

use std::num::NonZeroUsize;

use super::random::Stream;

/// Number of plates of an experiment, if it has enough wells.
const PLATES: usize = 4;
/// Number of rows in use, B to O; the outermost wells of a 384-well plate are not used.
const ROWS: usize = 14;
/// Number of columns in use, 2 to 23.
const COLUMNS: usize = 22;
/// Number of treatments; their numbers are 0 to 1107.
const TREATMENTS: usize = 1108;
/// Number of positive controls; their numbers are 1108 to 1137.
const POSITIVE_CONTROLS: usize = 30;
/// Number that stands for no treatment.
const EMPTY: usize = TREATMENTS + POSITIVE_CONTROLS;

/// The four cell types of RxRx1.
#[derive(Clone, Copy)]
pub(super) enum CellType {
    /// Liver cancer cells: small, in colonies.
    Hepg2,
    /// Endothelial cells of umbilical veins: polygons without gaps.
    Huvec,
    /// Retinal pigment epithelium: long, parallel, many fibres.
    Rpe,
    /// Bone cancer cells: large and flat.
    U2os,
}

impl CellType {
    /// Returns the name in the metadata table.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Hepg2 => "HEPG2",
            Self::Huvec => "HUVEC",
            Self::Rpe => "RPE",
            Self::U2os => "U2OS",
        }
    }
}

/// Role of a well in the experiment.
#[derive(Clone, Copy, PartialEq)]
enum WellType {
    /// No treatment.
    NegativeControl,
    /// One of 30 siRNAs of known effect.
    PositiveControl,
    /// One of 1,108 siRNAs under study.
    Treatment,
}

/// One field of view: a row of the metadata table and six images.
pub(super) struct Site {
    /// Name of the experiment, such as `HUVEC-01`.
    pub(super) experiment: String,
    /// Cell type of the experiment.
    pub(super) cell_type: CellType,
    /// Split: `train` or `test`.
    dataset: &'static str,
    /// Number of the plate, from 1.
    pub(super) plate: usize,
    /// Name of the well, such as `B02`.
    pub(super) well: String,
    /// Number of the site in the well: 1 or 2.
    pub(super) number: usize,
    /// Role of the well.
    well_type: WellType,
    /// Number of the siRNA, 0 to 1137; `None` for no treatment.
    pub(super) treatment: Option<usize>,
    /// Whether the table names the siRNA. It does not for half of the treatments of
    /// test experiments.
    disclosed: bool,
}

/// Header of the metadata table, as in RxRx1.
pub(super) const HEADER: &str =
    "site_id,well_id,cell_type,dataset,experiment,plate,well,site,well_type,sirna,sirna_id";

impl Site {
    /// Returns the `site_id`, such as `HUVEC-01_1_B02_1`.
    pub(super) fn id(&self) -> String {
        format!("{}_{}", self.well_id(), self.number)
    }

    /// Returns the `well_id`, such as `HUVEC-01_1_B02`.
    fn well_id(&self) -> String {
        format!("{}_{}_{}", self.experiment, self.plate, self.well)
    }

    /// Returns the folder of the plate, relative to `images`.
    pub(super) fn folder(&self) -> String {
        format!("{}/Plate{}", self.experiment, self.plate)
    }

    /// Returns the file name of a channel (0 is `w1`), such as `B02_s1_w1.png`.
    pub(super) fn file_name(&self, channel: usize) -> String {
        format!("{}_s{}_w{}.png", self.well, self.number, channel + 1)
    }

    /// Returns the row of the metadata table, with the columns of [`HEADER`]. No value
    /// needs quotes.
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

/// Returns the catalogue name of an siRNA, which is unique.
fn sirna(id: usize) -> String {
    // Factor and modulus have no common divisor, so that names do not repeat.
    let number = 1000 + id * 7919 % 27_000;
    format!("{}{number}", if id == TREATMENTS { 'n' } else { 's' })
}

/// Returns exactly `count` sites, ordered by experiment, plate, well and site.
///
/// A well has two sites; if `count` is odd, the last well has one.
pub(super) fn sites(count: NonZeroUsize, seed: u64) -> Vec<Site> {
    let wells = count.get().div_ceil(2);
    // Up to four experiments of at least four wells each. More experiments are used
    // only when these are full except for one well, so that for any `count` one
    // plate has fewer wells than another.
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

/// Returns exactly `count` sites of one experiment with two plates, whose wells are a block
/// of neighbours, ordered by plate, well and site. At most half of the wells are on the
/// second plate.
pub(super) fn blocks(count: NonZeroUsize) -> Vec<Site> {
    let wells = count.get().div_ceil(2);
    let sizes = [wells.div_ceil(2), wells / 2];
    let name = |columns: usize, slot: usize| {
        let row = char::from(b'B' + (slot / columns) as u8);
        format!("{row}{:02}", slot % columns + 2)
    };
    let columns = sizes[0].div_ceil(ROWS).max(4);
    let layout: Vec<String> = (0..sizes[0]).map(|slot| name(columns, slot)).collect();
    let mut sites = sites_of_plates(0, &sizes, &layout);
    sites.truncate(count.get());
    sites
}

/// Returns the sites of experiment number `index` (from 0), which has `wells` wells.
fn experiment_sites(index: usize, wells: usize, seed: u64) -> Vec<Site> {
    let experiment = experiment(index).0;
    let sizes = plate_sizes(wells);
    let largest = sizes.iter().fold(0, |largest, &size| largest.max(size));
    let layout = layout(&mut Stream::new(seed, &experiment), largest);
    sites_of_plates(index, &sizes, &layout)
}

/// Returns name, cell type and split of experiment number `index`.
fn experiment(index: usize) -> (String, CellType, &'static str) {
    let (cell_type, first, last_train) = match index % 4 {
        0 => (CellType::Huvec, 1, 16),
        // As in RxRx1: U2OS-04 and later are test experiments.
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
    (experiment, cell_type, dataset)
}

/// Returns the sites of experiment number `index` on plates of these numbers of wells, which
/// are the first ones of `layout`.
fn sites_of_plates(index: usize, sizes: &[usize], layout: &[String]) -> Vec<Site> {
    let (experiment, cell_type, dataset) = experiment(index);
    let mut sites = Vec::new();
    let mut treated = 0;
    for (plate, &size) in (1..).zip(sizes) {
        for (slot, well) in layout.iter().take(size).enumerate() {
            let well_type = well_type(plate, slot, size);
            let treatment = match well_type {
                WellType::NegativeControl => None,
                // The step has no common divisor with the count, so that each number
                // is used before one is used twice.
                WellType::PositiveControl => {
                    Some(TREATMENTS + (7 * (sites.len() / 2) + index) % POSITIVE_CONTROLS)
                }
                WellType::Treatment => {
                    treated += 1;
                    Some((409 * treated + 131 * index) % TREATMENTS)
                }
            };
            let is_undisclosed =
                dataset == "test" && well_type == WellType::Treatment && treated % 2 == 1;
            sites.extend([1, 2].map(|number| Site {
                experiment: experiment.clone(),
                cell_type,
                dataset,
                plate,
                well: well.clone(),
                number,
                well_type,
                treatment,
                disclosed: !is_undisclosed,
            }));
        }
    }
    sites
}

/// Returns the number of wells of each plate. With three wells or more the plates
/// differ, as some plates of RxRx1 do.
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

/// Returns the names of `wells` wells, distributed over the plate; the first is
/// `B02`. A plate with fewer wells uses the first of them.
fn layout(stream: &mut Stream, wells: usize) -> Vec<String> {
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

/// Returns the role of a well: each plate has one or two controls, a large plate
/// one in ten.
fn well_type(plate: usize, slot: usize, wells: usize) -> WellType {
    match slot {
        0 if wells > 3 || !plate.is_multiple_of(2) => WellType::NegativeControl,
        0 => WellType::PositiveControl,
        _ if wells > 3 && slot % 10 == 1 => WellType::PositiveControl,
        _ => WellType::Treatment,
    }
}
