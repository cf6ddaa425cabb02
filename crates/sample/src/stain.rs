//! The six stains: the light that each part of the scene emits.

use super::field::{Field, ridge, step};
use super::filament;
use super::random::Stream;
use super::scene::Scene;
use super::style::Style;

/// Number of channels of a site, `w1` to `w6`.
pub(super) const CHANNELS: usize = 6;

/// Computes the light of one channel (0 is `w1`) before the optics.
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

/// Computes `w1`, Hoechst: nuclei with grainy chromatin; those of dividing cells are
/// small and bright.
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
                // The radius of the scene has the uneven outline. The radius of the cell
                // limits the light to this cell.
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

/// Computes `w2`, concanavalin A: a fine net that is densest around the nucleus.
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

/// Computes `w3`, phalloidin: fibres, and a line where two cells touch.
fn actin(stream: &mut Stream, scene: &Scene, style: &Style) -> Field {
    let fibres = filament::actin(stream, scene, style);
    let grains = Field::noise(stream, scene.size, 2.2);
    let mut light = scene.gains(2);
    for (index, value) in light.values.iter_mut().enumerate() {
        let body = scene.body(index, 1.3);
        let border = body * ridge(0.0, 0.04, scene.border.values[index]);
        let grain = 0.12 * scene.clumps.values[index] + 0.1 * grains.values[index];
        let film = body * (1.0 + grain);
        let gain = 0.3 + 0.7 * *value;
        *value = gain * (0.28 * film + 0.6 * border) + 0.85 * fibres.values[index];
    }
    light
}

/// Computes `w4`, SYTO 14: nucleoli, and RNA throughout the cytoplasm.
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

/// Computes `w5`, MitoTracker: mitochondria around the nucleus on a faint background.
fn mitochondria(stream: &mut Stream, scene: &Scene, style: &Style) -> Field {
    let threads = filament::mitochondria(stream, scene, style);
    let mut light = scene.gains(4);
    for (index, value) in light.values.iter_mut().enumerate() {
        let background = 0.55 * scene.perinuclear(index, 0.9) + 0.05 * scene.body(index, 1.0);
        *value = *value * background * (1.0 - 0.75 * scene.inside_nucleus(index))
            + 0.8 * threads.values[index];
    }
    light
}

/// Computes `w6`, wheat germ agglutinin: the Golgi apparatus, membranes, and the
/// envelope of the nucleus.
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
        let border = body * ridge(0.0, 0.06, scene.border.values[index]);
        let nucleus = 0.55 * scene.inside_nucleus(index) + 0.15 * scene.perinuclear(index, 0.9);
        *value = *value * (0.4 * body + 0.2 * border + nucleus)
            + 1.4 * grains.values[index]
            + 0.3 * folds.values[index];
    }
    light
}

/// Adds the dead cells, which take up every stain.
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
