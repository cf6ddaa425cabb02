//! Small structures drawn one by one: actin fibres, mitochondria, Golgi grains, nucleoli.

use super::cell::Cell;
use super::field::Field;
use super::random::Stream;
use super::scene::Scene;
use super::style::Style;

/// A bent line of light.
struct Thread {
    /// First point as (x, y).
    start: [f32; 2],
    /// Direction at the first point, a unit vector.
    heading: [f32; 2],
    /// Length in pixels.
    length: f32,
    /// Change of direction for each pixel; the sign is the sense of rotation.
    bend: f32,
    /// Brightness in the middle.
    light: f32,
}

impl Thread {
    /// Draws the line, which fades at both ends; `share` is the fraction of the light
    /// that a pixel shows.
    fn draw(&self, field: &mut Field, share: impl Fn(usize) -> f32) {
        let [mut x, mut y] = self.start;
        let [mut dx, mut dy] = self.heading;
        let steps = self.length.max(2.0) as usize;
        for step in 0..steps {
            if let Some(index) = field.index(x, y) {
                let part = step as f32 / steps as f32;
                let fade = (4.0 * part * (1.0 - part)).sqrt();
                field.add_point(x, y, self.light * fade * share(index));
            }
            [dx, dy] = [dx - self.bend * dy, dy + self.bend * dx];
            let length = (dx * dx + dy * dy).sqrt();
            [dx, dy] = [dx / length, dy / length];
            [x, y] = [x + dx, y + dy];
        }
    }
}

/// Draws the stress fibres of all cells: most are parallel to the axis of the cell,
/// some start at a common point.
pub(super) fn actin(stream: &mut Stream, scene: &Scene, style: &Style) -> Field {
    let mut field = Field::new(scene.size, 0.0);
    for (number, cell) in (0..).zip(&scene.cells) {
        let fan = cell.position([
            stream.between(-0.9, 0.9) * cell.body[0],
            stream.between(-0.9, 0.9) * cell.body[1],
        ]);
        let fanned = stream.between(0.0, 0.4);
        for _ in 0..(style.fibres * stream.around_one(0.35)) as usize {
            // Few fibres are bright, many are faint.
            let strength = stream.unit();
            let light = (0.4 + 0.6 * cell.gain[2]) * (0.15 + 1.1 * strength * strength);
            let length = cell.body[0] * stream.between(0.7, 2.4);
            let (start, heading) = if stream.chance(fanned) {
                (fan, stream.direction())
            } else {
                let across = stream.between(-1.0, 1.0) * cell.body[1];
                let along = stream.between(-1.4, -0.1) * cell.body[0];
                let tilt = 0.16 * stream.bell();
                let [ax, ay] = cell.axis;
                (
                    cell.position([along, across]),
                    [ax - tilt * ay, ay + tilt * ax],
                )
            };
            let bend = 0.008 * stream.bell();
            Thread {
                start,
                heading,
                length,
                bend,
                light,
            }
            .draw(&mut field, |index| {
                if scene.owner[index] == number {
                    1.0
                } else {
                    0.25
                }
            });
        }
    }
    field
}

/// Draws the mitochondria: short bent lines, most of them near the nucleus.
pub(super) fn mitochondria(stream: &mut Stream, scene: &Scene, style: &Style) -> Field {
    let mut field = Field::new(scene.size, 0.0);
    for cell in &scene.cells {
        for _ in 0..(style.mitochondria * stream.around_one(0.3)) as usize {
            let (start, [ox, oy]) = beside_nucleus(stream, cell, 1.15, 1.1);
            let swing = stream.between(-0.8, 0.8);
            let turn = if stream.chance(0.5) { 1.0 } else { -1.0 };
            let thread = Thread {
                start,
                // The direction is closer to the tangent of the nucleus than to its radius.
                heading: [-turn * oy + swing * ox, turn * ox + swing * oy],
                length: stream.between(3.0, 12.0),
                bend: turn * 0.07 + 0.08 * stream.bell(),
                light: cell.gain[4] * stream.between(0.3, 1.0),
            };
            thread.draw(&mut field, |index| 1.0 - 0.8 * scene.inside_nucleus(index));
        }
    }
    field
}

/// Draws the Golgi apparatus: grains in an area on one side of the nucleus.
pub(super) fn golgi(stream: &mut Stream, scene: &Scene, style: &Style) -> Field {
    let mut field = Field::new(scene.size, 0.0);
    for cell in &scene.cells {
        let (patch, _) = beside_nucleus(stream, cell, 1.25, 0.15);
        for _ in 0..(style.golgi * stream.around_one(0.4)) as usize {
            let radius = 0.42 * cell.nucleus[0];
            let [x, y] = patch.map(|middle| middle + radius * stream.bell());
            field.add_point(x, y, cell.gain[5] * stream.between(0.5, 2.0));
        }
    }
    field.soften(1);
    field
}

/// Draws the nucleoli: one or more round spots inside each nucleus.
pub(super) fn nucleoli(stream: &mut Stream, scene: &Scene, style: &Style) -> Field {
    let mut field = Field::new(scene.size, 0.0);
    for cell in scene.cells.iter().filter(|cell| !cell.dividing) {
        for _ in 0..(style.nucleoli * stream.around_one(0.4) + 0.5) as usize {
            let [ox, oy] = stream.direction();
            let out = stream.between(0.0, 0.55);
            let spot = cell.position([out * ox * cell.nucleus[0], out * oy * cell.nucleus[1]]);
            let radius = cell.nucleus[1] * stream.between(0.1, 0.22);
            let light = cell.gain[3] * stream.between(0.6, 1.1);
            Field::around(scene.size, spot, 3.0 * radius + 1.0, |index, [x, y]| {
                let part = (1.0 - (x * x + y * y) / (4.0 * radius * radius)).max(0.0);
                field.values[index] += light * part * part;
            });
        }
    }
    field
}

/// Returns a position just outside a nucleus, `from` to `from + over` radii from its
/// centre, and its direction from the centre.
fn beside_nucleus(stream: &mut Stream, cell: &Cell, from: f32, over: f32) -> ([f32; 2], [f32; 2]) {
    let [ox, oy] = stream.direction();
    let far = stream.unit();
    let radius = from + over * far * far;
    let position = cell.position([radius * ox * cell.nucleus[0], radius * oy * cell.nucleus[1]]);
    let outward = [position[0] - cell.centre[0], position[1] - cell.centre[1]];
    let length = (outward[0] * outward[0] + outward[1] * outward[1])
        .sqrt()
        .max(1e-3);
    (position, outward.map(|part| part / length))
}
