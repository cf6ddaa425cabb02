//! A square image of light intensities, before the camera model.

use super::random::Stream;

/// `size` × `size` values, row by row.
#[derive(Clone)]
pub(super) struct Field {
    /// Number of pixels along each side.
    pub(super) size: usize,
    /// The values in the order (y, x).
    pub(super) values: Vec<f32>,
}

impl Field {
    /// Creates a field of one value.
    pub(super) fn new(size: usize, value: f32) -> Self {
        Self {
            size,
            values: vec![value; size * size],
        }
    }

    /// Creates isotropic noise whose blobs are about `scale` pixels wide, with mean 0
    /// and standard deviation about 1.
    pub(super) fn noise(stream: &mut Stream, size: usize, scale: f32) -> Self {
        // Blurred white noise shows no grid. Coarse noise is blurred at a low
        // resolution and then enlarged, so that each scale takes the same time.
        const BLURRED_DEVIATION: f32 = 70.0 / 256.0;
        let spacing = (scale / 2.0).max(1.0);
        let small = (size as f32 / spacing) as usize + 3;
        let mut lattice = Self {
            size: small,
            values: stream.bells(small * small),
        };
        lattice.soften(2);
        lattice
            .values
            .iter_mut()
            .for_each(|value| *value /= BLURRED_DEVIATION);
        lattice.stretched(size, spacing)
    }

    /// Blurs with a standard deviation of `sqrt(passes / 2)` pixels, as optics do.
    pub(super) fn soften(&mut self, passes: usize) {
        let size = self.size;
        if size < 3 {
            return;
        }
        let mut above = vec![0.0; size];
        let mut here = vec![0.0; size];
        for _ in 0..passes {
            for row in self.values.chunks_exact_mut(size) {
                here.copy_from_slice(row);
                row[0] = 0.75 * here[0] + 0.25 * here[1];
                row[size - 1] = 0.75 * here[size - 1] + 0.25 * here[size - 2];
                for (middle, three) in row[1..].iter_mut().zip(here.windows(3)) {
                    *middle = 0.25 * (three[0] + three[2]) + 0.5 * three[1];
                }
            }
            above.copy_from_slice(&self.values[..size]);
            for y in 0..size {
                let (upper, lower) = self.values.split_at_mut((y + 1) * size);
                let row = &mut upper[y * size..];
                here.copy_from_slice(row);
                let below = if y + 1 < size {
                    &lower[..size]
                } else {
                    &here[..]
                };
                for (((pixel, up), middle), down) in
                    row.iter_mut().zip(&above).zip(&here).zip(below)
                {
                    *pixel = 0.25 * (up + down) + 0.5 * middle;
                }
                std::mem::swap(&mut above, &mut here);
            }
        }
    }

    /// Returns the light of layers out of focus: this field, blurred over about 16
    /// pixels.
    pub(super) fn haze(&self) -> Self {
        const STEP: usize = 8;
        let small = self.size.div_ceil(STEP) + 1;
        let mut sums = Self::new(small, 0.0);
        let mut counts = vec![0.0_f32; small * small];
        for y in 0..small * STEP {
            for x in 0..small * STEP {
                // Beyond the edge, the last pixels are repeated.
                let source = y.min(self.size - 1) * self.size + x.min(self.size - 1);
                let target = y / STEP * small + x / STEP;
                sums.values[target] += self.values[source];
                counts[target] += 1.0;
            }
        }
        for (sum, count) in sums.values.iter_mut().zip(counts) {
            *sum /= count;
        }
        sums.soften(6);
        sums.stretched(self.size, STEP as f32)
    }

    /// Enlarges to `size` by bilinear interpolation; the values of this field are
    /// `spacing` pixels apart.
    fn stretched(self, size: usize, spacing: f32) -> Self {
        if spacing <= 1.0 && self.size == size {
            return self;
        }
        let positions: Vec<(usize, f32)> = (0..size)
            .map(|pixel| {
                let position = pixel as f32 / spacing;
                let index = (position as usize).min(self.size - 2);
                (index, position - index as f32)
            })
            .collect();
        let mut values = Vec::with_capacity(size * size);
        let mut row = vec![0.0; self.size];
        for &(y, down) in &positions {
            let two_rows = &self.values[y * self.size..(y + 2) * self.size];
            let (upper, lower) = two_rows.split_at(self.size);
            for ((value, up), low) in row.iter_mut().zip(upper).zip(lower) {
                *value = up + (low - up) * down;
            }
            values.extend(
                positions
                    .iter()
                    .map(|&(x, right)| row[x] + (row[x + 1] - row[x]) * right),
            );
        }
        Self { size, values }
    }

    /// Returns the index of the pixel at `x`, `y`, if it is inside the image.
    pub(super) fn index(&self, x: f32, y: f32) -> Option<usize> {
        let limit = self.size as f32;
        let inside = x >= 0.0 && y >= 0.0 && x < limit && y < limit;
        inside.then(|| y as usize * self.size + x as usize)
    }

    /// Adds a point of light, divided between the four pixels around `x`, `y`.
    pub(super) fn add_point(&mut self, x: f32, y: f32, light: f32) {
        let [left, top] = [x.floor(), y.floor()];
        let [right_part, lower_part] = [x - left, y - top];
        let corners = [
            (left, top, (1.0 - right_part) * (1.0 - lower_part)),
            (left + 1.0, top, right_part * (1.0 - lower_part)),
            (left, top + 1.0, (1.0 - right_part) * lower_part),
            (left + 1.0, top + 1.0, right_part * lower_part),
        ];
        for (x, y, share) in corners {
            if let Some(index) = self.index(x, y) {
                self.values[index] += light * share;
            }
        }
    }

    /// Calls `paint` with every pixel at most `radius` away from the centre along
    /// both axes: the pixel's index, and its offset from the centre.
    pub(super) fn around(
        size: usize,
        centre: [f32; 2],
        radius: f32,
        mut paint: impl FnMut(usize, [f32; 2]),
    ) {
        let span = |middle: f32| {
            let first = (middle - radius).max(0.0) as usize;
            let end = (middle + radius + 1.0).clamp(0.0, size as f32) as usize;
            first..end
        };
        for y in span(centre[1]) {
            for x in span(centre[0]) {
                paint(y * size + x, [x as f32 - centre[0], y as f32 - centre[1]]);
            }
        }
    }

    /// Returns mean and standard deviation of all values.
    pub(super) fn mean_and_deviation(&self) -> (f32, f32) {
        let count = self.values.len() as f64;
        let [sum, squares] = self
            .values
            .iter()
            .fold([0.0, 0.0], |[sum, squares], &value| {
                let value = f64::from(value);
                [sum + value, squares + value * value]
            });
        let mean = sum / count;
        (
            mean as f32,
            (squares / count - mean * mean).max(0.0).sqrt() as f32,
        )
    }
}

/// Returns 0 below `low`, 1 above `high`, and a smooth transition between them.
pub(super) fn step(low: f32, high: f32, value: f32) -> f32 {
    let part = ((value - low) / (high - low)).clamp(0.0, 1.0);
    part * part * (3.0 - 2.0 * part)
}

/// Returns 1 at `middle` and 0.5 at a distance of `width`: a soft line.
pub(super) fn ridge(middle: f32, width: f32, value: f32) -> f32 {
    let distance = (value - middle) / width;
    1.0 / (1.0 + distance * distance)
}
