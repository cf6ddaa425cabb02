//! Progress of a sample.

use indicatif::ProgressBar;

use super::bar::bar;
use crate::report::Console;

/// Draws the number of files that are written.
pub(crate) struct FileProgress(ProgressBar);

impl FileProgress {
    /// Creates a bar with a title.
    pub(crate) fn new(title: &str, console: Console<'_>) -> Self {
        Self(bar(
            console,
            &format!("{{bar:30}} {title} {{pos}}/{{len}}  {{eta}} left"),
        ))
    }

    /// Draws `done` of `all` files.
    pub(crate) fn set(&self, done: usize, all: usize) {
        self.0.set_length(all as u64);
        self.0.set_position(done as u64);
    }

    /// Removes the bar.
    pub(crate) fn finish(&self) {
        self.0.finish_and_clear();
    }
}
