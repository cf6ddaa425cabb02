//! The six stains: the light that each part of the scene gives off.

use super::field::{Field, ridge, step};
use super::filament;
use super::random::Stream;
use super::scene::Scene;
use super::style::Style;

/// Channels of a site, `w1` to `w6`.
pub(super) const CHANNELS: usize = 6;

/// The light of one channel (`0` is `w1`), as it would look without a microscope.
pub(super) fn stain(stream: &mut Stream, scene: &Scene, style: &Style, channel: usize) -> Field {
    let mut light = match channel {
        0 => nuclei(stream, scene),
        1 => reticulum(stream, scene, style),
        2 => actin(stream, scene, style),
        3 => rna(stream, scene, style),
        4 => mitochondria(stream, scene, style),
        _ => golgi(stream, scene, style),
    };
    dead_cells(stream, scene, &mut light);
    light
}

/// `w1`, Hoechst: nuclei with grainy chromatin, dividing ones small and bright.
fn nuclei(stream: &mut Stream, scene: &Scene) -> Field {
    let chromatin = Field::noise(stream, scene.size, 3.2);
    let mut light = Field::new(scene.size, 0.0);
    for cell in &scene.cells {
        let (brightness, grain) = if cell.dividing {
            (2.6, 0.05)
        } else {
            (1.0, 0.16)
        };
        let brightness = brightness * (0.45 + 0.55 * cell.gain[0]);
        Field::around(
            scene.size,
            cell.centre,
            1.4 * cell.nucleus[0],
            |index, offset| {
                // The scene's own radius has the uneven outline; the plain one says whose it is.
                let radius = scene.nuclear.values[index].max(cell.nuclear_radius(offset) - 0.15);
                let dome = (1.0 - step(0.86, 1.1, radius)) * (1.0 - 0.25 * radius * radius);
                let glow = brightness * dome * (1.0 + grain * chromatin.values[index]);
                light.values[index] = light.values[index].max(glow);
            },
        );
    }
    for (index, value) in light.values.iter_mut().enumerate() {
        *value += 0.05 * scene.body(index, 1.0) * (1.0 + 0.3 * scene.clumps.values[index]);
    }
    light
}

/// `w2`, concanavalin A: a fine net that is densest around the nucleus.
fn reticulum(stream: &mut Stream, scene: &Scene, style: &Style) -> Field {
    let net = Field::noise(stream, scene.size, 2.6);
    let mut light = scene.gains(1);
    for (index, value) in light.values.iter_mut().enumerate() {
        let dense = scene.perinuclear(index, 1.15 * style.spread);
        let texture = 0.6 + 0.7 * ridge(0.0, 0.5, net.values[index]);
        let envelope = ridge(1.12, 0.14, scene.nuclear.values[index]);
        let inside = 1.0 - 0.6 * scene.inside_nucleus(index);
        let cytoplasm = dense * texture + 0.14 * scene.body(index, 1.3) * texture;
        *value *= (cytoplasm + 0.15 * envelope) * inside;
    }
    light
}

/// `w3`, phalloidin: fibres, and a seam where two cells touch.
fn actin(stream: &mut Stream, scene: &Scene, style: &Style) -> Field {
    let fibres = filament::actin(stream, scene, style);
    let grains = Field::noise(stream, scene.size, 2.2);
    let mut light = scene.gains(2);
    for (index, value) in light.values.iter_mut().enumerate() {
        let body = scene.body(index, 1.3);
        let seam = body * ridge(0.0, 0.04, scene.border.values[index]);
        let grain = 0.12 * scene.clumps.values[index] + 0.1 * grains.values[index];
        let film = body * (1.0 + grain);
        let gain = 0.3 + 0.7 * *value;
        *value = gain * (0.28 * film + 0.6 * seam) + 0.85 * fibres.values[index];
    }
    light
}

/// `w4`, SYTO 14: nucleoli, and a haze of RNA throughout the cytoplasm.
fn rna(stream: &mut Stream, scene: &Scene, style: &Style) -> Field {
    let grains = Field::noise(stream, scene.size, 2.4);
    let nucleoli = filament::nucleoli(stream, scene, style);
    let mut light = scene.gains(3);
    for (index, value) in light.values.iter_mut().enumerate() {
        let dense = scene.perinuclear(index, 1.1 * style.spread);
        let texture = 1.0 + 0.13 * grains.values[index];
        let inside = 1.0 - 0.45 * scene.inside_nucleus(index);
        *value *= (dense * texture + 0.2 * scene.body(index, 1.0)) * inside;
        *value += 1.1 * nucleoli.values[index];
    }
    light
}

/// `w5`, MitoTracker: threads around the nucleus on a faint ground.
fn mitochondria(stream: &mut Stream, scene: &Scene, style: &Style) -> Field {
    let threads = filament::mitochondria(stream, scene, style);
    let mut light = scene.gains(4);
    for (index, value) in light.values.iter_mut().enumerate() {
        let ground = 0.55 * scene.perinuclear(index, 0.9) + 0.05 * scene.body(index, 1.0);
        *value = *value * ground * (1.0 - 0.75 * scene.inside_nucleus(index))
            + 0.8 * threads.values[index];
    }
    light
}

/// `w6`, wheat germ agglutinin: the Golgi's patch, membranes, and the nucleus's envelope.
fn golgi(stream: &mut Stream, scene: &Scene, style: &Style) -> Field {
    let grains = filament::golgi(stream, scene, style);
    let folds = filament::actin(
        stream,
        scene,
        &Style {
            fibres: 0.5 * style.fibres,
            ..*style
        },
    );
    let speckle = Field::noise(stream, scene.size, 2.4);
    let mut light = scene.gains(5);
    for (index, value) in light.values.iter_mut().enumerate() {
        let body = scene.body(index, 1.4) * (1.0 + 0.13 * speckle.values[index]);
        let seam = body * ridge(0.0, 0.06, scene.border.values[index]);
        let nucleus = 0.55 * scene.inside_nucleus(index) + 0.15 * scene.perinuclear(index, 0.9);
        *value = *value * (0.4 * body + 0.2 * seam + nucleus)
            + 1.4 * grains.values[index]
            + 0.3 * folds.values[index];
    }
    light
}

/// Dead cells take up every stain.
fn dead_cells(stream: &mut Stream, scene: &Scene, light: &mut Field) {
    for &(centre, radius) in &scene.dead {
        let brightness = stream.between(1.0, 3.5);
        Field::around(scene.size, centre, 2.0 * radius, |index, [x, y]| {
            let ragged = 1.0 + 0.3 * scene.clumps.values[index];
            let part = (1.0 - ragged * (x * x + y * y) / (2.5 * radius * radius)).max(0.0);
            light.values[index] += brightness * part / ragged.max(0.5);
        });
    }
}

impl Scene {
    /// 1 inside a nucleus, 0 outside.
    pub(super) fn inside_nucleus(&self, index: usize) -> f32 {
        1.0 - step(0.88, 1.1, self.nuclear.values[index])
    }

    /// Thickness of the cell: 1 in the middle, 0 on bare ground.
    fn body(&self, index: usize, reach: f32) -> f32 {
        1.0 - step(0.7 * reach, 1.25 * reach, self.depth.values[index])
    }

    /// Cytoplasm that crowds around the nucleus; `spread` says how far it goes.
    fn perinuclear(&self, index: usize, spread: f32) -> f32 {
        let near = 1.0 - step(0.12 * spread, 1.0 * spread, self.depth.values[index]);
        let uneven = (1.0 + 0.2 * self.clumps.values[index]).max(0.0);
        let gap = 0.65 + 0.35 * step(0.0, 0.2, self.border.values[index]);
        near * near.sqrt() * uneven * gap
    }
}
