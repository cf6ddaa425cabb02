//! One cell, and the positions of the cells of a site.

use super::field::Field;
use super::random::Stream;
use super::style::Style;

/// One living cell. Lengths are in pixels.
pub(super) struct Cell {
    /// Centre of the nucleus as (x, y); it may be outside the image.
    pub(super) centre: [f32; 2],
    /// Unit vector along the long axis.
    pub(super) axis: [f32; 2],
    /// Half axes of the nucleus.
    pub(super) nucleus: [f32; 2],
    /// Centre of the body, which differs from that of the nucleus.
    pub(super) middle: [f32; 2],
    /// Half axes of the body.
    pub(super) body: [f32; 2],
    /// Whether the cell is dividing: its nucleus is a small, bright plate of chromosomes.
    pub(super) dividing: bool,
    /// Brightness in each channel relative to other cells.
    pub(super) gain: [f32; 6],
}

impl Cell {
    /// Rotates an offset from the centre into the axes of the cell (long, short).
    pub(super) fn along_axes(&self, [x, y]: [f32; 2]) -> [f32; 2] {
        let [ax, ay] = self.axis;
        [x * ax + y * ay, y * ax - x * ay]
    }

    /// Returns the position in the image of a point given along the axes (long, short).
    pub(super) fn position(&self, [long, short]: [f32; 2]) -> [f32; 2] {
        let [ax, ay] = self.axis;
        [
            self.centre[0] + long * ax - short * ay,
            self.centre[1] + long * ay + short * ax,
        ]
    }

    /// Returns the distance of an offset from the centre; 1 is the edge of the nucleus.
    pub(super) fn nuclear_radius(&self, offset: [f32; 2]) -> f32 {
        let [long, short] = self.along_axes(offset);
        let [u, v] = [long / self.nucleus[0], short / self.nucleus[1]];
        (u * u + v * v).sqrt()
    }
}

/// Places cells in the image and a margin around it, until their density is that of
/// `style`.
pub(super) fn scatter(stream: &mut Stream, style: &Style, size: usize) -> Vec<Cell> {
    let margin = 2.0 * style.body[0];
    let side = size as f32 + 2.0 * margin;
    let wanted = (style.cells * side * side / (512.0 * 512.0)).max(1.0) as usize;
    let spacing = side / (wanted as f32).sqrt();
    let density = Field::noise(stream, side as usize + 1, 3.2 * spacing);
    let flow = [0, 1].map(|_| Field::noise(stream, side as usize + 1, 5.0 * spacing));

    let mut cells: Vec<Cell> = Vec::with_capacity(wanted);
    for _ in 0..40 * wanted {
        if cells.len() == wanted {
            break;
        }
        let [x, y] = [stream.between(0.0, side), stream.between(0.0, side)];
        let Some(index) = density.index(x, y) else {
            continue;
        };
        let crowding = density.values[index] * style.clumping;
        if !stream.chance(0.5 + 0.45 * crowding) {
            continue;
        }
        let centre = [x - margin, y - margin];
        let distance =
            spacing * (0.52 - 0.12 * crowding).clamp(0.3, 0.7) * stream.between(0.7, 1.15);
        let free = cells.iter().all(|other| {
            let [dx, dy] = [other.centre[0] - centre[0], other.centre[1] - centre[1]];
            dx * dx + dy * dy > distance * distance
        });
        if free {
            cells.push(shape(
                stream,
                style,
                centre,
                [flow[0].values[index], flow[1].values[index]],
            ));
        }
    }
    cells
}

/// Creates a cell at `centre`; `flow` is the common direction of the cells around it.
fn shape(stream: &mut Stream, style: &Style, centre: [f32; 2], flow: [f32; 2]) -> Cell {
    let random = stream.direction();
    let lean = [0, 1].map(|i| random[i] + style.alignment * flow[i]);
    let length = (lean[0] * lean[0] + lean[1] * lean[1]).sqrt().max(1e-3);
    let large = stream.around_one(0.09) * if stream.chance(0.04) { 1.35 } else { 1.0 };
    let dividing = stream.chance(style.dividing);
    let nucleus = if dividing {
        [0.75 * style.nucleus[0], 0.32 * style.nucleus[0]]
    } else {
        style
            .nucleus
            .map(|axis| axis * large * stream.around_one(0.07))
    };
    // One factor for the whole cell and one for each channel: a cell that takes up
    // much stain does so in all channels, but not equally.
    let staining = stream.between(0.55, 1.3) * if stream.chance(0.08) { 1.7 } else { 1.0 };
    let body = style.body.map(|axis| axis * large * stream.around_one(0.1));
    let middle = centre.map(|part| part + 0.2 * body[1] * stream.bell());
    Cell {
        centre,
        middle,
        axis: [lean[0] / length, lean[1] / length],
        nucleus,
        body,
        dividing,
        gain: [0; 6].map(|_| staining * stream.around_one(0.18)),
    }
}
