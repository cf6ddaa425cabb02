//! Where everything is on a sheet.
//!
//! ```text
//! title
//! [] w1 Hoechst  0 to 51   [] w2 …          legend
//! +-------+ +-------+
//! | panel | | panel |                       full resolution
//! +-------+ +-------+
//! site      site                            label
//! note      note
//! licence
//! ```

use crate::canvas::{LETTER, LINE};
use crate::error::{FigureError, LARGEST};

/// Space around panels.
pub(crate) const GAP: usize = 12;
/// A sheet is at least as wide, so that title and licence can be read.
const NARROWEST: usize = 480;
/// Lines of text below a panel: the site and the note.
const LABEL_LINES: usize = 2;

/// Where everything is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Layout {
    pub(crate) columns: usize,
    pub(crate) width: usize,
    pub(crate) height: usize,
    pub(crate) legend_lines: usize,
    panel: [usize; 2],
}

impl Layout {
    /// Places `panels` panels of (height, width) pixels in `columns` columns, or in about as
    /// many columns as rows; the legend has entries of these widths in letters.
    ///
    /// # Errors
    /// [`FigureError::TooLarge`]: the sheet would have more than [`LARGEST`] pixels.
    pub(crate) fn new(
        panels: usize,
        panel: [usize; 2],
        columns: Option<usize>,
        legend: &[usize],
    ) -> Result<Self, FigureError> {
        let root = panels.isqrt();
        let square = root + usize::from(root * root < panels);
        let columns = columns.unwrap_or(square).clamp(1, panels.max(1));
        let rows = panels.div_ceil(columns);
        let [height, width] = panel;
        let width = GAP.saturating_add(columns.saturating_mul(width.saturating_add(GAP)));
        let width = width.max(NARROWEST);
        let mut lines = vec![0];
        for letters in legend {
            let needed = (letters + 4) * LETTER;
            match lines.last_mut() {
                Some(used) if *used == 0 || *used + needed <= width - 2 * GAP => *used += needed,
                _ => lines.push(needed),
            }
        }
        let mut layout = Self {
            columns,
            width,
            height: 0,
            legend_lines: lines.len(),
            panel,
        };
        let step = height.saturating_add(LABEL_LINES * LINE + GAP);
        let below = LINE + GAP;
        layout.height = layout
            .top()
            .saturating_add(rows.saturating_mul(step))
            .saturating_add(below);
        let pixels = layout.width.saturating_mul(layout.height);
        match pixels > LARGEST {
            true => Err(FigureError::TooLarge {
                width: layout.width,
                height: layout.height,
            }),
            false => Ok(layout),
        }
    }

    /// The first row of pixels of the panels.
    fn top(&self) -> usize {
        GAP + LINE + self.legend_lines * LINE + GAP
    }

    /// The upper left corner of a panel: (x, y).
    pub(crate) fn panel(&self, number: usize) -> [usize; 2] {
        let [height, width] = self.panel;
        let (row, column) = (number / self.columns, number % self.columns);
        let x = GAP + column * (width + GAP);
        let y = self.top() + row * (height + LABEL_LINES * LINE + GAP);
        [x, y]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn panels_do_not_overlap_and_lie_inside() {
        for (panels, columns) in [(1, None), (7, None), (7, Some(2)), (3, Some(9))] {
            let layout = Layout::new(panels, [40, 64], columns, &[20, 20, 20]).unwrap();
            let corners: Vec<[usize; 2]> = (0..panels).map(|panel| layout.panel(panel)).collect();
            for (number, [x, y]) in corners.iter().enumerate() {
                assert!(x + 64 <= layout.width && y + 40 + 2 * LINE <= layout.height);
                for [other_x, other_y] in &corners[..number] {
                    assert!(x.abs_diff(*other_x) >= 64 || y.abs_diff(*other_y) >= 40 + LINE);
                }
            }
        }
        assert_eq!(Layout::new(7, [40, 64], None, &[]).unwrap().columns, 3);
    }

    #[test]
    fn a_sheet_that_is_too_large_is_refused() {
        for panels in [401, usize::MAX] {
            let error = Layout::new(panels, [512, 512], Some(20), &[]).unwrap_err();
            assert!(error.to_string().contains("fewer sites"), "{error}");
        }
    }
}
