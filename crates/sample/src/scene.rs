//! The cells of a site before staining; all six channels show the same scene.

use super::cell::{Cell, scatter};
use super::field::{Field, step};
use super::random::Stream;
use super::style::Style;

/// The cells of a site and, for each pixel, its cell and its depth in that cell.
pub(super) struct Scene {
    /// Number of pixels along each side.
    pub(super) size: usize,
    /// All cells, including those just outside the image.
    pub(super) cells: Vec<Cell>,
    /// Index of the nearest cell of each pixel.
    pub(super) owner: Vec<u32>,
    /// Distance from the centre of that cell: 1 at the edge of its body.
    pub(super) depth: Field,
    /// Difference between the distances of the second nearest and the nearest cell: 0
    /// where two cells touch.
    pub(super) border: Field,
    /// Distance from the centre of the nearest nucleus: 1 at its edge.
    pub(super) nuclear: Field,
    /// Centres and radii of dead cells.
    pub(super) dead: Vec<([f32; 2], f32)>,
    /// Unevenness of the cytoplasm: noise with blobs of a few pixels, standard deviation 1.
    pub(super) clumps: Field,
}

/// Distance where no cell is near; all intensities are zero well below it.
const FAR: f32 = 9.0;

impl Scene {
    /// Places the cells of one site.
    pub(super) fn new(stream: &mut Stream, style: &Style, size: usize) -> Self {
        let cells = scatter(stream, style, size);
        let clumps = Field::noise(stream, size, 7.0);
        let (owner, depth, border) = territories(stream, &cells, size);
        let nuclear = nuclei(stream, &cells, size);
        let area = (size * size) as f32 / (512.0 * 512.0);
        let count = (style.dead * area + stream.unit()) as usize;
        let limit = size as f32;
        let dead = (0..count)
            .map(|_| {
                let centre = [stream.between(0.0, limit), stream.between(0.0, limit)];
                (centre, stream.between(2.5, 6.5))
            })
            .collect();
        Self {
            size,
            cells,
            owner,
            depth,
            border,
            nuclear,
            dead,
            clumps,
        }
    }

    /// Returns the brightness of the cells in one channel at each pixel.
    pub(super) fn gains(&self, channel: usize) -> Field {
        let values = self
            .owner
            .iter()
            .map(|&owner| {
                self.cells
                    .get(owner as usize)
                    .map_or(0.0, |cell| cell.gain[channel])
            })
            .collect();
        let mut gains = Field {
            size: self.size,
            values,
        };
        gains.soften(4);
        gains
    }

    /// Returns 1 inside a nucleus and 0 outside.
    pub(super) fn inside_nucleus(&self, index: usize) -> f32 {
        1.0 - step(0.88, 1.1, self.nuclear.values[index])
    }

    /// Returns the thickness of the cell: 1 in the middle, 0 where there is no cell.
    pub(super) fn body(&self, index: usize, reach: f32) -> f32 {
        1.0 - step(0.7 * reach, 1.25 * reach, self.depth.values[index])
    }

    /// Returns the density of the cytoplasm around the nucleus; `spread` scales its
    /// extent.
    pub(super) fn perinuclear(&self, index: usize, spread: f32) -> f32 {
        let near = 1.0 - step(0.12 * spread, 1.0 * spread, self.depth.values[index]);
        let uneven = (1.0 + 0.2 * self.clumps.values[index]).max(0.0);
        let gap = 0.65 + 0.35 * step(0.0, 0.2, self.border.values[index]);
        near * near.sqrt() * uneven * gap
    }
}

/// Assigns each pixel to the nearest cell. Distances are measured along the axes of
/// each cell and distorted by noise, which makes the outlines irregular.
fn territories(stream: &mut Stream, cells: &[Cell], size: usize) -> (Vec<u32>, Field, Field) {
    let distortions = [0, 1].map(|_| {
        let coarse = Field::noise(stream, size, 16.0);
        let mut fine = Field::noise(stream, size, 5.0);
        for (fine, coarse) in fine.values.iter_mut().zip(coarse.values) {
            *fine = 4.5 * coarse + 1.2 * *fine;
        }
        fine
    });
    let mut owner = vec![u32::MAX; size * size];
    let mut nearest = Field::new(size, FAR * FAR);
    let mut second = Field::new(size, FAR * FAR);
    for (number, cell) in (0..).zip(cells) {
        let [long, short] = cell.body.map(|axis| 1.0 / (axis * axis));
        Field::around(size, cell.middle, 1.9 * cell.body[0], |index, [x, y]| {
            let distorted = [
                x + distortions[0].values[index],
                y + distortions[1].values[index],
            ];
            let [u, v] = cell.along_axes(distorted);
            let square = u * u * long + v * v * short;
            if square < nearest.values[index] {
                second.values[index] = nearest.values[index];
                nearest.values[index] = square;
                owner[index] = number;
            } else if square < second.values[index] {
                second.values[index] = square;
            }
        });
    }
    for (second, nearest) in second.values.iter_mut().zip(&mut nearest.values) {
        *nearest = nearest.sqrt();
        *second = second.sqrt() - *nearest;
    }
    (owner, nearest, second)
}

/// Computes the distance from the nearest nucleus, with slightly uneven outlines.
fn nuclei(stream: &mut Stream, cells: &[Cell], size: usize) -> Field {
    let dents = Field::noise(stream, size, 9.0);
    let mut nuclear = Field::new(size, FAR);
    for cell in cells {
        Field::around(size, cell.centre, 2.2 * cell.nucleus[0], |index, offset| {
            let radius = cell.nuclear_radius(offset) * (1.0 + 0.06 * dents.values[index]);
            if radius < nuclear.values[index] {
                nuclear.values[index] = radius;
            }
        });
    }
    nuclear
}
