//! Samples as colours.

use crate::canvas::Color;

/// Display of a channel.
#[derive(Clone, Debug, PartialEq)]
pub struct ShownChannel {
    /// Name and stain, for the legend.
    pub label: String,
    /// The colour: red, green, blue.
    pub color: [u8; 3],
    /// The sample that is black.
    pub start: f64,
    /// The sample that has the full colour.
    pub end: f64,
}

impl ShownChannel {
    /// The brightness of a sample, 0 to 1.
    fn brightness(&self, sample: u16) -> f64 {
        let width = self.end - self.start;
        match width > 0.0 {
            true => ((f64::from(sample) - self.start) / width).clamp(0.0, 1.0),
            false => 0.0,
        }
    }
}

/// Returns the colour of a pixel: the sum of the colours of its channels, each as bright as its
/// sample. A value between two levels is rounded to the nearest, half up.
pub(crate) fn color(channels: &[ShownChannel], samples: impl Iterator<Item = u16>) -> Color {
    let mut sums = [0.0; 3];
    for (channel, sample) in channels.iter().zip(samples) {
        let brightness = channel.brightness(sample);
        for (sum, part) in sums.iter_mut().zip(channel.color) {
            *sum += brightness * f64::from(part);
        }
    }
    sums.map(|sum: f64| (sum + 0.5).clamp(0.0, 255.0) as u8)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn channel(color: [u8; 3], start: f64, end: f64) -> ShownChannel {
        ShownChannel {
            label: String::new(),
            color,
            start,
            end,
        }
    }

    #[test]
    fn a_sample_goes_through_its_window() {
        let grey = [channel([255; 3], 10.0, 110.0)];
        for (sample, expected) in [(0, 0), (10, 0), (60, 128), (110, 255), (65_535, 255)] {
            assert_eq!(
                color(&grey, [sample].into_iter()),
                [expected; 3],
                "{sample}"
            );
        }
        let empty = [channel([255; 3], 10.0, 10.0)];
        assert_eq!(color(&empty, [200].into_iter()), [0; 3]);
    }

    #[test]
    fn colours_are_added() {
        let channels = [
            channel([255, 0, 0], 0.0, 100.0),
            channel([255, 255, 0], 0.0, 100.0),
        ];
        assert_eq!(color(&channels, [100, 50].into_iter()), [255, 128, 0]);
        assert_eq!(color(&channels, [0, 100].into_iter()), [255, 255, 0]);
    }
}
