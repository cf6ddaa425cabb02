//! What lies where in a site, before it is stained: the six channels see the same scene.

use super::cell::{Cell, scatter};
use super::field::Field;
use super::random::Stream;
use super::style::Style;

/// The cells of a site and, for each pixel, whose it is and how deep inside.
pub(super) struct Scene {
    /// Pixels along each side.
    pub(super) size: usize,
    /// All cells, also those just outside the picture.
    pub(super) cells: Vec<Cell>,
    /// The nearest cell of each pixel.
    pub(super) owner: Vec<u32>,
    /// Distance from that cell's centre: 1 at the edge of an undisturbed body.
    pub(super) depth: Field,
    /// How much further the second nearest cell is: 0 where two cells touch.
    pub(super) border: Field,
    /// Distance from the nearest nucleus's centre: 1 at its edge.
    pub(super) nuclear: Field,
    /// Centres and radii of dead cells.
    pub(super) dead: Vec<([f32; 2], f32)>,
    /// Unevenness of the cytoplasm, blobs of a few pixels, deviation 1.
    pub(super) clumps: Field,
}

/// Stands for "no cell near"; every fall-off has reached zero long before.
const FAR: f32 = 9.0;

impl Scene {
    /// Scatters the cells of one site.
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

    /// Per-cell brightness in one channel, spread over each cell's territory.
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
}

/// Divides the picture between the cells: the nearest one wins, measured in
/// its own axes and through a bent lens, which makes outlines irregular.
fn territories(stream: &mut Stream, cells: &[Cell], size: usize) -> (Vec<u32>, Field, Field) {
    let bends = [0, 1].map(|_| {
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
            let bent = [x + bends[0].values[index], y + bends[1].values[index]];
            let [u, v] = cell.along_axes(bent);
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

/// The distance from the nearest nucleus, its outline a little uneven.
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
