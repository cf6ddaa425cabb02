//! Draws one site.

use super::camera::{self, Camera, Exposure};
use super::field::Field;
use super::random::Stream;
use super::scene::Scene;
use super::stain;
use super::style::Style;
use super::wells::Site;

/// Content of a sample.
#[derive(Clone, Debug)]
pub struct SampleSpec {
    /// Rows of the metadata table; six images each.
    pub sites: usize,
    /// Seed of the random numbers: the same seed gives the same files.
    pub seed: u64,
    /// Width and height of an image, in pixels.
    pub size: u32,
    /// Whether the sample has flaws that a report on its quality finds: see [`Flaw`](super::Flaw). Its
    /// wells are then blocks of two plates.
    pub flaws: bool,
}

impl Default for SampleSpec {
    fn default() -> Self {
        Self {
            sites: 48,
            seed: 1,
            size: 512,
            flaws: false,
        }
    }
}

/// Draws the pixels of the six channels of a site, one channel after the other:
/// they take their random numbers from one stream. `exposures` is what went wrong in each
/// channel, and `has_cells` whether the well has any.
pub(super) fn draw(
    site: &Site,
    spec: &SampleSpec,
    exposures: &[Exposure; stain::CHANNELS],
    has_cells: bool,
) -> [Vec<u8>; stain::CHANNELS] {
    let style = Style::of(site, spec.seed);
    let size = spec.size as usize;
    let stream = &mut Stream::new(spec.seed, &site.id());
    let scene = Scene::new(stream, &style, size);
    let camera = Camera::new(stream, size);
    std::array::from_fn(|channel| {
        let light = stain::stain(stream, &scene, &style, channel);
        let (light, brightness) = match has_cells {
            true => (light, style.brightness[channel]),
            // Nothing but the black level of the sensor.
            false => (Field::new(size, 0.0), camera::BLACK / camera::MEAN[channel]),
        };
        camera.expose(stream, light, channel, brightness, exposures[channel])
    })
}
