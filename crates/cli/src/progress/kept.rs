//! Images that are odd and were kept.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use rxrx_writer::Oddity;

use crate::report::Console;

/// Number and first path of the images with each oddity.
#[derive(Default)]
pub(super) struct KeptImages(Mutex<BTreeMap<Oddity, (usize, String)>>);

impl KeptImages {
    /// Counts an image.
    pub(super) fn add(&self, path: &str, oddity: Oddity) {
        let mut counts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        counts
            .entry(oddity)
            .or_insert_with(|| (0, path.to_owned()))
            .0 += 1;
    }

    /// Prints a line for each oddity.
    pub(super) fn tell(&self, console: Console<'_>) {
        let counts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        for (oddity, (count, path)) in counts.iter() {
            let images = if *count == 1 {
                "image has"
            } else {
                "images have"
            };
            console.line(format_args!(
                "{count} {images} a fault that does not concern the pixels ({oddity}), such as \
                 {path}: the pixels are proven by checksums, and were kept"
            ));
        }
    }
}
