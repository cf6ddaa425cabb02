//! Light over the field of view: the mean of many small images of a plate and a channel.

use serde::Serialize;

use crate::flag::{Flag, FlagKind};
use crate::screen::{PlateRows, Screen};
use crate::thresholds::Thresholds;

/// The sum of small images of one plate and one channel.
///
/// Shape: (y, x).
#[derive(Clone, Debug, PartialEq)]
pub struct FieldSum {
    width: usize,
    sums: Vec<f64>,
    planes: usize,
}

impl FieldSum {
    /// Begins a sum of images of that size.
    pub fn new(height: usize, width: usize) -> Self {
        Self {
            width,
            sums: vec![0.0; height * width],
            planes: 0,
        }
    }

    /// Adds an image, whose pixels are in the order (y, x).
    pub fn add(&mut self, pixels: impl Iterator<Item = f64>) {
        for (sum, pixel) in self.sums.iter_mut().zip(pixels) {
            *sum += pixel;
        }
        self.planes += 1;
    }

    /// Measures the field; `None` where it has no light.
    pub fn measure(&self) -> Option<FlatField> {
        let height = self.sums.len().checked_div(self.width)?;
        // Corners are an eighth of the field long, and the middle a quarter.
        let (near_y, near_x) = ((height / 8).max(1), (self.width / 8).max(1));
        let mean = |is_in: &dyn Fn(usize, usize) -> bool| {
            let pixels = self.sums.iter().enumerate();
            let inside = pixels.filter(|(at, _)| is_in(at / self.width, at % self.width));
            let (sum, count) = inside.fold((0.0, 0), |(sum, n), (_, pixel)| (sum + pixel, n + 1));
            sum / f64::from(count.max(1))
        };
        let is_outer = |at: usize, near: usize, of: usize| at < near || at + near >= of;
        let is_inner = |at: usize, of: usize| (3 * of..5 * of).contains(&(8 * at + 4));
        let corners = mean(&|y, x| is_outer(y, near_y, height) && is_outer(x, near_x, self.width));
        let middle = mean(&|y, x| is_inner(y, height) && is_inner(x, self.width));
        (middle > 0.0).then(|| FlatField {
            planes: self.planes,
            corners: corners / middle,
        })
    }
}

/// Light over the field of view of a plate and a channel.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
#[non_exhaustive]
pub struct FlatField {
    /// Planes in the mean.
    pub planes: usize,
    /// Mean of the corners relative to the middle.
    pub corners: f64,
}

/// Returns the flag of a plate, if the corners of its images are dark in some channels.
pub(crate) fn flag(
    screen: &Screen,
    plate: &PlateRows,
    fields: &[Option<FlatField>],
    thresholds: &Thresholds,
) -> Option<Flag> {
    let fields = fields.iter().enumerate();
    let fields = fields.filter_map(|(channel, field)| Some((channel, (*field)?)));
    let dark: Vec<(usize, FlatField)> = fields
        .filter(|(_, field)| {
            field.planes >= thresholds.vignette_planes && field.corners < thresholds.vignette_ratio
        })
        .collect();
    let worst = dark.iter().map(|(_, field)| field.corners);
    let worst = worst.min_by(f64::total_cmp)?;
    let channels: Vec<usize> = dark.iter().map(|(channel, _)| *channel).collect();
    let text = format!("the corners of the mean image are {worst:.2} x as bright as the middle");
    let kind = FlagKind::Vignette;
    Some(Flag::of_plate(
        kind,
        screen,
        plate,
        &channels,
        Some(worst),
        text,
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn field(light: impl Fn(f64, f64) -> f64) -> FlatField {
        let (height, width) = (40, 64);
        let mut sum = FieldSum::new(height, width);
        for _ in 0..3 {
            let at = |at: usize| {
                let place = |at: usize, of: usize| (at as f64 + 0.5) / of as f64 * 2.0 - 1.0;
                light(place(at / width, height), place(at % width, width))
            };
            sum.add((0..height * width).map(at));
        }
        sum.measure().unwrap()
    }

    #[test]
    fn corners_are_compared_with_the_middle() {
        let flat = field(|_, _| 7.0);
        assert_eq!((flat.planes, flat.corners), (3, 1.0));
        let dark = field(|y, x| 10.0 * (1.0 - 0.3 * (y * y + x * x)));
        assert!((0.45..0.56).contains(&dark.corners), "{dark:?}");
        assert!(FieldSum::new(4, 4).measure().is_none(), "no light");
        // A field of one pixel is its own corner and its own middle.
        let mut small = FieldSum::new(1, 1);
        small.add([5.0].into_iter());
        assert_eq!(small.measure().unwrap().corners, 1.0);
    }
}
