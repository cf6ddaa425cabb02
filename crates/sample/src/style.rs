//! Appearance of the cells of a well: by cell type, plate and treatment.

use super::random::Stream;
use super::wells::{CellType, Site};

/// Appearance that the two sites of a well share.
pub(super) struct Style {
    /// Number of cells in 512 x 512 pixels.
    pub(super) cells: f32,
    /// Half axes of a nucleus, long and short, in pixels.
    pub(super) nucleus: [f32; 2],
    /// Half axes of a cell's body, in pixels.
    pub(super) body: [f32; 2],
    /// 0: directions are random; 1 and more: neighbouring cells are parallel.
    pub(super) alignment: f32,
    /// 0: cells are evenly distributed; 1: cells form colonies with gaps between them.
    pub(super) clumping: f32,
    /// Number of actin fibres in a cell.
    pub(super) fibres: f32,
    /// Number of mitochondria in a cell.
    pub(super) mitochondria: f32,
    /// Number of grains of the Golgi apparatus in a cell.
    pub(super) golgi: f32,
    /// Number of nucleoli in a nucleus.
    pub(super) nucleoli: f32,
    /// Extent of the endoplasmic reticulum towards the edge of the cell.
    pub(super) spread: f32,
    /// Fraction of the cells that divide.
    pub(super) dividing: f32,
    /// Number of dead cells, which are round and very bright, in 512 x 512 pixels.
    pub(super) dead: f32,
    /// Brightness of each channel relative to the mean of RxRx1.
    pub(super) brightness: [f32; 6],
}

impl Style {
    /// Returns the style of the well of a site.
    pub(super) fn of(site: &Site, seed: u64) -> Self {
        let mut style = Self::of_type(site.cell_type);
        style.vary_by_plate(&mut Stream::new(
            seed,
            &format!("plate {}/{}", site.experiment, site.plate),
        ));
        if let Some(id) = site.treatment {
            // One stream for each siRNA: a treatment has the same effect in each well.
            style.apply_treatment(&mut Stream::new(seed, &format!("siRNA {id}")));
        }
        style
    }

    /// Returns the style of untreated cells.
    fn of_type(cell_type: CellType) -> Self {
        let common = Self {
            cells: 100.0,
            nucleus: [11.5, 7.8],
            body: [38.0, 26.0],
            alignment: 0.8,
            clumping: 0.3,
            fibres: 34.0,
            mitochondria: 46.0,
            golgi: 14.0,
            nucleoli: 2.2,
            spread: 1.0,
            dividing: 0.03,
            dead: 3.0,
            brightness: [1.0; 6],
        };
        match cell_type {
            CellType::Huvec => Self {
                brightness: [0.95, 1.08, 0.98, 1.06, 0.88, 1.05],
                ..common
            },
            CellType::Rpe => Self {
                cells: 85.0,
                nucleus: [12.0, 8.2],
                body: [44.0, 24.0],
                alignment: 2.0,
                fibres: 44.0,
                dead: 1.0,
                brightness: [0.95, 0.95, 1.08, 0.98, 1.05, 1.05],
                ..common
            },
            CellType::Hepg2 => Self {
                cells: 270.0,
                nucleus: [7.4, 6.2],
                body: [20.0, 17.0],
                alignment: 0.2,
                clumping: 1.0,
                fibres: 3.0,
                mitochondria: 22.0,
                golgi: 6.0,
                nucleoli: 1.4,
                dead: 5.0,
                brightness: [1.1, 1.0, 0.97, 1.03, 1.1, 0.95],
                ..common
            },
            CellType::U2os => Self {
                cells: 64.0,
                nucleus: [13.5, 10.5],
                body: [46.0, 36.0],
                alignment: 0.4,
                fibres: 40.0,
                mitochondria: 75.0,
                golgi: 20.0,
                nucleoli: 3.0,
                dead: 1.5,
                brightness: [1.0, 0.97, 0.97, 0.93, 0.97, 0.95],
                ..common
            },
        }
    }

    /// Varies density and brightness from plate to plate.
    fn vary_by_plate(&mut self, stream: &mut Stream) {
        self.cells *= stream.around_one(0.06);
        self.spread *= stream.around_one(0.05);
        for channel in &mut self.brightness {
            *channel *= stream.around_one(0.04);
        }
    }

    /// Applies the effect of an siRNA: weak for most, strong for one in five.
    fn apply_treatment(&mut self, stream: &mut Stream) {
        let strength = if stream.chance(0.2) { 1.0 } else { 0.3 };
        self.cells *= (1.0 - 0.45 * strength * stream.unit()).min(1.0);
        let size = stream.around_one(0.12 * strength);
        for axis in self.nucleus.iter_mut().chain(&mut self.body) {
            *axis *= size;
        }
        self.body[0] *= stream.around_one(0.15 * strength);
        self.spread *= stream.around_one(0.2 * strength);
        self.fibres *= stream.around_one(0.4 * strength);
        self.mitochondria *= stream.around_one(0.3 * strength);
        self.golgi *= stream.around_one(0.4 * strength);
        self.nucleoli *= stream.around_one(0.3 * strength);
        self.dead *= 1.0 + 2.0 * strength * stream.unit();
    }
}
