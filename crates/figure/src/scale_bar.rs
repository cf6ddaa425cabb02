//! A round length for the scale bar.

/// A bar of `pixels` with its length in words.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct ScaleBar {
    pub(crate) pixels: usize,
    pub(crate) label: String,
}

impl ScaleBar {
    /// Returns the longest bar of 1, 2 or 5 times a power of ten micrometres that is at most a
    /// quarter of `width`; `None` where none has five pixels.
    pub(crate) fn of(width: usize, micrometres_a_pixel: f64) -> Option<Self> {
        let longest = width as f64 / 4.0 * micrometres_a_pixel;
        if !longest.is_finite() || longest <= 0.0 {
            return None;
        }
        let power = 10_f64.powf(longest.log10().floor());
        let length = [5.0, 2.0, 1.0].map(|times| times * power);
        let length = length.into_iter().find(|length| *length <= longest)?;
        let pixels = (length / micrometres_a_pixel).round();
        let label = match length >= 1000.0 {
            true => format!("{} mm", length / 1000.0),
            false => format!("{length} µm"),
        };
        (pixels >= 5.0).then_some(Self {
            pixels: pixels as usize,
            label,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bars_are_round_and_a_quarter_at_most() {
        for (width, size, pixels, label) in [
            (512, 0.65, 77, "50 µm"),
            (512, 1.0, 100, "100 µm"),
            (2048, 0.1625, 308, "50 µm"),
            (512, 20.0, 100, "2 mm"),
            (100, 0.1, 20, "2 µm"),
        ] {
            let bar = ScaleBar::of(width, size).unwrap();
            assert_eq!((bar.pixels, bar.label.as_str()), (pixels, label));
        }
        for (width, size) in [(16, 1.0), (512, 0.0), (512, f64::NAN), (512, f64::INFINITY)] {
            assert_eq!(ScaleBar::of(width, size), None);
        }
    }
}
