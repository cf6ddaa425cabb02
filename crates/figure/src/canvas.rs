//! Pixels, text and rectangles.

use std::convert::Infallible;

use embedded_graphics::Drawable;
use embedded_graphics::Pixel;
use embedded_graphics::draw_target::DrawTarget;
use embedded_graphics::geometry::{OriginDimensions, Point, Size};
use embedded_graphics::mono_font::MonoTextStyle;
use embedded_graphics::mono_font::iso_8859_1::FONT_10X20;
use embedded_graphics::pixelcolor::{Rgb888, RgbColor};
use embedded_graphics::text::{Baseline, Text};

/// A colour: red, green, blue.
pub(crate) type Color = [u8; 3];

pub(crate) const WHITE: Color = [255; 3];
pub(crate) const BLACK: Color = [0; 3];
pub(crate) const GREY: Color = [96; 3];
/// Width of a letter, in pixels.
pub(crate) const LETTER: usize = 10;
/// Height of a line of text, in pixels.
pub(crate) const LINE: usize = 20;

/// A picture of `width` x `height` pixels of three bytes: red, green, blue.
pub(crate) struct Canvas {
    pub(crate) width: usize,
    pub(crate) height: usize,
    pub(crate) bytes: Vec<u8>,
}

impl Canvas {
    /// Makes a white picture.
    pub(crate) fn new(width: usize, height: usize) -> Self {
        Self {
            width,
            height,
            bytes: vec![255; 3 * width * height],
        }
    }

    /// Sets a pixel; one outside of the picture is left out.
    pub(crate) fn set(&mut self, x: usize, y: usize, color: Color) {
        if x >= self.width || y >= self.height {
            return;
        }
        let start = 3 * (y * self.width + x);
        if let Some(pixel) = self.bytes.get_mut(start..start + 3) {
            pixel.copy_from_slice(&color);
        }
    }

    /// Fills a rectangle.
    pub(crate) fn fill(&mut self, [x, y]: [usize; 2], [width, height]: [usize; 2], color: Color) {
        for y in y..y + height {
            for x in x..x + width {
                self.set(x, y, color);
            }
        }
    }

    /// Draws one line of text, whose upper left corner is at (x, y), cut to `width` pixels.
    pub(crate) fn text(&mut self, [x, y]: [usize; 2], width: usize, text: &str, color: Color) {
        let text = fitted(text, width / LETTER);
        let [red, green, blue] = color;
        let style = MonoTextStyle::new(&FONT_10X20, Rgb888::new(red, green, blue));
        let at = |value: usize| i32::try_from(value).unwrap_or(i32::MAX);
        let place = Point::new(at(x), at(y));
        let Ok(_) = Text::with_baseline(&text, place, style, Baseline::Top).draw(self);
    }
}

/// Returns `text` with at most `letters` letters, `…` as dots where it is cut. A control
/// character becomes a space.
fn fitted(text: &str, letters: usize) -> String {
    let plain = |c: char| if c.is_control() { ' ' } else { c };
    let count = text.chars().count();
    if count <= letters {
        return text.chars().map(plain).collect();
    }
    let kept = text.chars().take(letters.saturating_sub(2)).map(plain);
    kept.chain("..".chars()).take(letters).collect()
}

impl OriginDimensions for Canvas {
    fn size(&self) -> Size {
        let length = |value: usize| u32::try_from(value).unwrap_or(u32::MAX);
        Size::new(length(self.width), length(self.height))
    }
}

impl DrawTarget for Canvas {
    type Color = Rgb888;
    type Error = Infallible;

    fn draw_iter<I: IntoIterator<Item = Pixel<Rgb888>>>(
        &mut self,
        pixels: I,
    ) -> Result<(), Infallible> {
        for Pixel(place, color) in pixels {
            if let (Ok(x), Ok(y)) = (usize::try_from(place.x), usize::try_from(place.y)) {
                self.set(x, y, [color.r(), color.g(), color.b()]);
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_stays_in_its_width_and_in_the_picture() {
        let mut canvas = Canvas::new(60, 30);
        canvas.text([0, 0], 30, "abcdef µé", BLACK);
        let is_black = |x: usize, y: usize| canvas.bytes[3 * (y * 60 + x)] == 0;
        let columns: Vec<usize> = (0..60)
            .filter(|x| (0..30).any(|y| is_black(*x, y)))
            .collect();
        assert!(columns.iter().any(|x| *x < 10), "{columns:?}");
        assert!(columns.iter().all(|x| *x < 30), "{columns:?}");
        canvas.text([55, 25], 400, "beyond", BLACK);
        canvas.fill([50, 20], [100, 100], GREY);
        assert_eq!(fitted("a\u{1b}\nb", 9), "a  b");
        assert_eq!(fitted("abcdef", 4), "ab..");
        assert_eq!(fitted("abcdef", 1), ".");
    }
}
