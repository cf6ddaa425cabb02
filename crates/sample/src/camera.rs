//! Converts light to pixels: lens, exposure, and sensor noise.

use super::field::Field;
use super::random::Stream;

/// Mean of each channel over RxRx1.
pub(super) const MEAN: [f32; 6] = [6.747, 14.746, 10.513, 10.454, 5.500, 9.815];
/// Standard deviation of each channel within a site of RxRx1.
pub(super) const DEVIATION: [f32; 6] = [7.959, 12.173, 5.862, 7.835, 4.701, 5.431];

/// Black level of the sensor, in counts.
pub(super) const BLACK: f32 = 0.6;

/// What went wrong when one plane was exposed; the default is nothing.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Exposure {
    /// Light on the sensor, relative to the right exposure.
    pub(super) light: f32,
    /// Passes of [`Field::soften`] that the lens is out of focus.
    pub(super) blur: usize,
    /// Loss of light at the corners of the field of view, 0 to 1.
    pub(super) vignette: f32,
}

impl Default for Exposure {
    fn default() -> Self {
        Self {
            light: 1.0,
            blur: 0,
            vignette: 0.0,
        }
    }
}

/// The optics that all channels of a site share.
pub(super) struct Camera {
    /// 0 where the image is in focus, up to 1 where it is out of focus.
    defocus: Field,
    /// Transmission of the lens, which decreases towards the corners.
    vignette: Field,
}

impl Camera {
    /// Creates the optics of one site.
    pub(super) fn new(stream: &mut Stream, size: usize) -> Self {
        let mut defocus = Field::noise(stream, size, 260.0);
        for value in &mut defocus.values {
            *value = (0.15 + 0.25 * *value).clamp(0.0, 0.85);
        }
        let mut vignette = Field::new(size, 1.0);
        let middle = [0, 1].map(|_| size as f32 * stream.between(0.42, 0.58));
        let scale = 1.0 / (size * size) as f32;
        Field::around(size, middle, size as f32, |index, [x, y]| {
            vignette.values[index] = 1.0 - 0.45 * (x * x + y * y) * scale;
        });
        Self { defocus, vignette }
    }

    /// Converts the light of one channel to pixels. Mean and standard deviation are
    /// near those of RxRx1, times `brightness`.
    pub(super) fn expose(
        &self,
        stream: &mut Stream,
        mut light: Field,
        channel: usize,
        brightness: f32,
        exposure: Exposure,
    ) -> Vec<u8> {
        self.focus(&mut light);
        let (mean, deviation) = light.mean_and_deviation();
        let wanted = MEAN[channel] * brightness;
        let mut gain = 0.95 * DEVIATION[channel] * brightness / deviation.max(1e-6);
        // A black level below one count would be clipped, so the contrast is reduced.
        gain = gain.min((wanted - BLACK).max(0.0) / mean.max(1e-6));
        let black = wanted - gain * mean;
        light.soften(exposure.blur);
        let noise = stream.bells(light.values.len());
        let size = light.size;
        light
            .values
            .iter()
            .zip(noise)
            .enumerate()
            .map(|(index, (&light, noise))| {
                let passed = exposure.light * (1.0 - exposure.vignette * corner(index, size));
                let signal = (black + gain * light) * passed;
                // Shot noise grows with the signal, read-out noise does not; in counts.
                let variance = 0.01 + 0.012 * signal.max(0.0);
                (signal + variance.sqrt() * noise + 0.5).clamp(0.0, 255.0) as u8
            })
            .collect()
    }

    /// Blurs the light as the lens does, more where the image is out of focus.
    fn focus(&self, light: &mut Field) {
        light.soften(2);
        let haze = light.haze();
        let mut soft = light.clone();
        soft.soften(6);
        for (index, value) in light.values.iter_mut().enumerate() {
            let sharp = *value + (soft.values[index] - *value) * self.defocus.values[index];
            *value = (0.8 * sharp + 0.2 * haze.values[index]) * self.vignette.values[index];
        }
    }
}

/// Returns how near a pixel is to a corner: 0 in the middle, 1 in the corner.
fn corner(index: usize, size: usize) -> f32 {
    let half = size as f32 / 2.0;
    let [x, y] = [index % size, index / size].map(|at| (at as f32 + 0.5 - half) / half);
    0.5 * (x * x + y * y)
}
