//! A sheet of panels with legend, labels, scale bar and licence.

use std::io::Write;

use crate::canvas::{BLACK, Canvas, GREY, LETTER, LINE, WHITE};
use crate::encode;
use crate::error::FigureError;
use crate::layout::{GAP, Layout};
use crate::light::{self, ShownChannel};
use crate::scale_bar::ScaleBar;

/// Side of the square of a channel in the legend.
const SQUARE: usize = 14;
/// Height of the scale bar.
const BAR: usize = 5;

/// What a sheet shows beside its panels.
#[derive(Clone, Debug, PartialEq)]
pub struct SheetSpec {
    /// The name of the dataset.
    pub title: String,
    /// The channels, one to three, in the order of the samples.
    pub channels: Vec<ShownChannel>,
    /// Height and width of a panel.
    pub panel: [usize; 2],
    /// Number of panels.
    pub panels: usize,
    /// Number of columns; `None` for about as many as rows.
    pub columns: Option<usize>,
    /// Side of a pixel in micrometres; `None` where it is not known: then there is no scale
    /// bar.
    pub pixel_size: Option<f64>,
    /// The line below the panels: licence and citation.
    pub license: String,
}

/// One site.
#[derive(Clone, Debug, PartialEq)]
pub struct Panel {
    /// The name of the site.
    pub label: String,
    /// The second line, such as a note of a person; may be empty.
    pub note: String,
    /// The samples of each channel, in the order (y, x).
    pub samples: Vec<Vec<u16>>,
}

/// A sheet that is being drawn.
pub struct Sheet {
    spec: SheetSpec,
    layout: Layout,
    canvas: Canvas,
    drawn: usize,
}

impl Sheet {
    /// Begins a sheet: draws all but the panels.
    ///
    /// # Errors
    /// [`FigureError::TooLarge`]: the sheet has too many pixels.
    pub fn new(spec: SheetSpec) -> Result<Self, FigureError> {
        let entries: Vec<String> = spec.channels.iter().map(legend).collect();
        let letters: Vec<usize> = entries.iter().map(|entry| entry.chars().count()).collect();
        let layout = Layout::new(spec.panels, spec.panel, spec.columns, &letters)?;
        let mut canvas = Canvas::new(layout.width, layout.height);
        let inner = layout.width - 2 * GAP;
        canvas.text([GAP, GAP], inner, &spec.title, BLACK);
        let [mut x, mut y] = [GAP, GAP + LINE];
        for (channel, entry) in spec.channels.iter().zip(&entries) {
            let needed = (entry.chars().count() + 4) * LETTER;
            if x > GAP && x + needed > layout.width - GAP {
                [x, y] = [GAP, y + LINE];
            }
            canvas.fill([x, y + 3], [SQUARE, SQUARE], GREY);
            canvas.fill([x + 1, y + 4], [SQUARE - 2, SQUARE - 2], channel.color);
            canvas.text([x + 2 * LETTER, y], inner, entry, BLACK);
            x += needed;
        }
        let below = layout.height - GAP - LINE;
        canvas.text([GAP, below], inner, &spec.license, GREY);
        Ok(Self {
            spec,
            layout,
            canvas,
            drawn: 0,
        })
    }

    /// Width and height in pixels.
    pub fn size(&self) -> [usize; 2] {
        [self.layout.width, self.layout.height]
    }

    /// Draws the next panel.
    ///
    /// # Errors
    /// [`FigureError::Samples`]: it has another number of channels or samples.
    pub fn add(&mut self, panel: &Panel) -> Result<(), FigureError> {
        let [height, width] = self.spec.panel;
        let has_all = |samples: &Vec<u16>| samples.len() == height * width;
        let is_whole = panel.samples.len() == self.spec.channels.len();
        if !is_whole || !panel.samples.iter().all(has_all) || self.drawn >= self.spec.panels {
            return Err(FigureError::Samples {
                panel: self.drawn,
                height,
                width,
            });
        }
        let [left, top] = self.layout.panel(self.drawn);
        for at in 0..height * width {
            let samples = panel.samples.iter();
            let samples = samples.map(|samples| samples.get(at).copied().unwrap_or(0));
            let color = light::color(&self.spec.channels, samples);
            self.canvas.set(left + at % width, top + at / width, color);
        }
        self.scale_bar([left, top]);
        let below = top + height;
        self.canvas.text([left, below], width, &panel.label, BLACK);
        let note = [left, below + LINE];
        self.canvas.text(note, width, &panel.note, GREY);
        self.drawn += 1;
        Ok(())
    }

    /// Draws the scale bar into the lower right corner of a panel.
    fn scale_bar(&mut self, [left, top]: [usize; 2]) {
        let [height, width] = self.spec.panel;
        let bar = self
            .spec
            .pixel_size
            .and_then(|size| ScaleBar::of(width, size));
        let Some(bar) = bar.filter(|_| height > 4 * LINE) else {
            return;
        };
        let [x, y] = [left + width - GAP - bar.pixels, top + height - GAP - BAR];
        // With a rim, so that it is seen on any image.
        self.canvas
            .fill([x - 1, y - 1], [bar.pixels + 2, BAR + 2], BLACK);
        self.canvas.fill([x, y], [bar.pixels, BAR], WHITE);
        let letters = bar.label.chars().count() * LETTER;
        let end = left + width - GAP;
        let start = end.saturating_sub(letters).max(left);
        for (shift, color) in [(1, BLACK), (0, WHITE)] {
            let place = [start + shift, y - LINE - 2 + shift];
            self.canvas.text(place, letters, &bar.label, color);
        }
    }

    /// Writes the sheet as PNG, with texts: pairs of keyword and text.
    ///
    /// # Errors
    /// [`FigureError::Write`].
    pub fn write(&self, texts: &[(String, String)], out: impl Write) -> Result<(), FigureError> {
        encode::write(&self.canvas, texts, out)
    }
}

/// The entry of a channel in the legend: name, stain and window.
fn legend(channel: &ShownChannel) -> String {
    let ShownChannel {
        label, start, end, ..
    } = channel;
    format!("{label}  {start} to {end}")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn spec(channels: usize) -> SheetSpec {
        let channel = |number: usize| ShownChannel {
            label: format!("w{}", number + 1),
            color: std::array::from_fn(|part| if part == number { 255 } else { 0 }),
            start: 0.0,
            end: 255.0,
        };
        SheetSpec {
            title: "A dataset".to_owned(),
            channels: (0..channels).map(channel).collect(),
            panel: [100, 120],
            panels: 2,
            columns: None,
            pixel_size: None,
            license: "CC0-1.0".to_owned(),
        }
    }

    fn panel(channels: usize) -> Panel {
        let samples = |channel: usize| (0..12_000).map(move |at| (at * (channel + 1) % 256) as u16);
        Panel {
            label: "X_1_B02_1".to_owned(),
            note: String::new(),
            samples: (0..channels)
                .map(|channel| samples(channel).collect())
                .collect(),
        }
    }

    #[test]
    fn the_pixels_of_a_panel_are_those_of_the_site() {
        let mut sheet = Sheet::new(spec(3)).unwrap();
        let panel = panel(3);
        sheet.add(&panel).unwrap();
        sheet.add(&panel).unwrap();
        for number in 0..2 {
            let [left, top] = sheet.layout.panel(number);
            for at in 0..12_000 {
                let start = 3 * ((top + at / 120) * sheet.layout.width + left + at % 120);
                let expected: Vec<u8> = (0..3).map(|c| panel.samples[c][at] as u8).collect();
                assert_eq!(&sheet.canvas.bytes[start..start + 3], expected, "{at}");
            }
        }
        assert!(sheet.add(&panel).is_err(), "there is no third panel");
    }

    #[test]
    fn a_scale_bar_is_there_only_with_a_pixel_size() {
        let drawn = |pixel_size: Option<f64>| {
            let mut sheet = Sheet::new(SheetSpec {
                pixel_size,
                ..spec(1)
            })
            .unwrap();
            let black = Panel {
                samples: vec![vec![0; 12_000]],
                ..panel(1)
            };
            sheet.add(&black).unwrap();
            let [left, top] = sheet.layout.panel(0);
            let pixel = |at: usize| 3 * ((top + at / 120) * sheet.layout.width + left + at % 120);
            (0..12_000)
                .filter(|at| sheet.canvas.bytes[pixel(*at)] == 255)
                .count()
        };
        assert_eq!(drawn(None), 0);
        // 20 pixels of 1 µm, and its label.
        assert!(drawn(Some(1.0)) > 20 * BAR);
    }

    #[test]
    fn other_samples_are_refused() {
        let mut sheet = Sheet::new(spec(2)).unwrap();
        assert!(sheet.add(&panel(3)).is_err());
        let mut short = panel(2);
        short.samples[1].pop();
        assert!(sheet.add(&short).is_err());
    }
}
