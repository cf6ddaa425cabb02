//! Statistics that a few wild values do not move.

/// The median absolute deviation of a normal distribution, times this, is its standard
/// deviation.
const NORMAL: f64 = 1.4826;

/// Returns the median, which sorts `values`; `None` where there are none.
pub(crate) fn median(values: &mut [f64]) -> Option<f64> {
    let middle = values.len() / 2;
    let is_even = values.len().is_multiple_of(2);
    if values.is_empty() {
        return None;
    }
    let (lower, upper, _) = values.select_nth_unstable_by(middle, f64::total_cmp);
    let upper = *upper;
    if !is_even {
        return Some(upper);
    }
    let lower = lower.iter().copied().max_by(f64::total_cmp)?;
    Some(f64::midpoint(lower, upper))
}

/// Middle and width of a distribution.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Robust {
    /// The median.
    pub(crate) median: f64,
    /// The median absolute deviation.
    pub(crate) mad: f64,
}

impl Robust {
    /// Measures `values`; `None` where there are none.
    pub(crate) fn of(mut values: Vec<f64>) -> Option<Self> {
        let median = median(&mut values)?;
        for value in &mut values {
            *value = (*value - median).abs();
        }
        let mad = self::median(&mut values)?;
        Some(Self { median, mad })
    }

    /// The standard deviation of a normal distribution with this width, and at least `floor`.
    pub(crate) fn deviation(&self, floor: f64) -> f64 {
        (NORMAL * self.mad).max(floor)
    }
}

/// A line `y = intercept + slope * x` through points of which some are wild.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Line {
    slope: f64,
    intercept: f64,
}

/// Points that are nearer than this along x tell nothing about the slope.
const NEAR: f64 = 0.05;
/// The least number of pairs that tell a slope.
const PAIRS: usize = 6;

impl Line {
    /// Fits a line: the slope is the median of those of pairs that lie half of the points
    /// apart (Theil 1950, the incomplete method), kept between 0 and 2; 1 where too few pairs
    /// tell it. `None` where there are no points.
    pub(crate) fn of(mut points: Vec<(f64, f64)>) -> Option<Self> {
        points.sort_by(|a, b| a.0.total_cmp(&b.0));
        let apart = points.len() / 2;
        let pairs = points.iter().zip(points.iter().skip(apart));
        let mut slopes: Vec<f64> = pairs
            .filter(|(a, b)| b.0 - a.0 > NEAR)
            .map(|(a, b)| (b.1 - a.1) / (b.0 - a.0))
            .collect();
        let slope = match slopes.len() {
            0..PAIRS => 1.0,
            _ => median(&mut slopes)?.clamp(0.0, 2.0),
        };
        let mut rests: Vec<f64> = points.iter().map(|(x, y)| y - slope * x).collect();
        let intercept = median(&mut rests)?;
        Some(Self { slope, intercept })
    }

    /// The height of the line at `x`.
    pub(crate) fn at(&self, x: f64) -> f64 {
        self.intercept + self.slope * x
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_median_is_the_middle() {
        assert_eq!(median(&mut []), None);
        assert_eq!(median(&mut [3.0]), Some(3.0));
        assert_eq!(median(&mut [5.0, 1.0, 2.0]), Some(2.0));
        assert_eq!(median(&mut [5.0, 1.0, 2.0, 4.0]), Some(3.0));
    }

    #[test]
    fn a_third_of_wild_values_moves_nothing_far() {
        let mut values: Vec<f64> = (0..20).map(|i| 10.0 + 0.1 * f64::from(i)).collect();
        let clean = Robust::of(values.clone()).unwrap();
        values.extend([1e6; 10]);
        let wild = Robust::of(values).unwrap();
        assert!((wild.median - clean.median).abs() < 0.6, "{wild:?}");
        assert!(wild.deviation(0.0) < 3.0 * clean.deviation(0.0));
    }

    #[test]
    fn a_line_goes_through_most_points() {
        let mut points: Vec<(f64, f64)> = (0..40)
            .map(|i| f64::from(i) / 10.0)
            .map(|x| (x, 2.0 + 0.5 * x))
            .collect();
        points.extend([(1.0, 90.0), (3.0, -90.0), (2.0, 50.0)]);
        let line = Line::of(points).unwrap();
        assert!((line.at(10.0) - 7.0).abs() < 0.2, "{line:?}");
        // All at one place: the slope is unknown, the height is not.
        let line = Line::of(vec![(1.0, 3.0); 9]).unwrap();
        assert_eq!(line.at(1.0), 3.0);
    }
}
