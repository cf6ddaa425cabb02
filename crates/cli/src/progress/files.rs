//! Progress of a sample.

use super::display::Display;
use crate::report::Console;

/// Draws the number of images that are written.
pub(crate) struct FileProgress<'a> {
    display: Display<'a>,
    verb: &'static str,
    begun: std::sync::Once,
}

impl<'a> FileProgress<'a> {
    /// Begins to draw the work `verb`, such as `drawing`.
    pub(crate) fn new(verb: &'static str, console: Console<'a>) -> Self {
        Self {
            display: Display::new(console, "starting", "images"),
            verb,
            begun: std::sync::Once::new(),
        }
    }

    /// Counts an image, with which `all` are done in the end.
    pub(crate) fn add(&self, all: usize) {
        self.begun.call_once(|| {
            self.display
                .meter(|meter, now| meter.begin(now, self.verb, all));
        });
        self.display.meter(|meter, now| meter.advance(now, 1));
    }

    /// Removes the bar.
    pub(crate) fn finish(&self) {
        self.display.finish();
    }
}
