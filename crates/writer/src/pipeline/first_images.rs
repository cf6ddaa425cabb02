//! Whether the first images of a run all fail alike. Then so will the others, and hours are
//! saved.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};

use super::error::PipelineError;
use crate::journal::PlaneRecord;

/// Images that must fail alike, without a good one among them, to end the run.
const FIRST: usize = 64;

/// The images of a run, until one is good or two fail differently.
pub(super) struct FirstImages {
    /// Set once, by any thread. A thread that sees it late counts an image too many, which
    /// changes nothing.
    is_over: AtomicBool,
    /// The cause of all failures so far, and their number.
    failed: Mutex<Option<(String, usize)>>,
}

impl FirstImages {
    /// Begins. Unless the run `is_whole`, none is judged: the images of a run that is
    /// continued were judged before, and those of a retry are bad ones.
    pub(super) fn of_run(is_whole: bool) -> Self {
        Self {
            is_over: AtomicBool::new(!is_whole),
            failed: Mutex::default(),
        }
    }

    /// Notes the result of the image at `path`.
    ///
    /// # Errors
    /// It is the last one of the first [`FIRST`], and all failed for one cause.
    pub(super) fn note(&self, path: &str, record: &PlaneRecord) -> Result<(), PipelineError> {
        if self.is_over.load(Ordering::Relaxed) {
            return Ok(());
        }
        let Some((error, cause)) = record.problem() else {
            if record.is_ok() {
                self.is_over.store(true, Ordering::Relaxed);
            }
            return Ok(());
        };
        let mut failed = self.failed.lock().unwrap_or_else(PoisonError::into_inner);
        let (known, count) = failed.get_or_insert_with(|| (cause.to_owned(), 0));
        if known != cause {
            self.is_over.store(true, Ordering::Relaxed);
            return Ok(());
        }
        *count += 1;
        if *count == FIRST && !self.is_over.load(Ordering::Relaxed) {
            return Err(PipelineError::AllAlike {
                count: FIRST,
                path: path.to_owned(),
                error: error.to_owned(),
            });
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bad(cause: &'static str) -> PlaneRecord {
        PlaneRecord::Corrupt {
            source: None,
            error: format!("it is {cause}"),
            cause: cause.into(),
        }
    }

    #[test]
    fn only_the_first_images_that_all_fail_alike_end_the_run() {
        let first = FirstImages::of_run(true);
        for _ in 1..FIRST {
            first.note("a.png", &bad("colour")).unwrap();
            first.note("", &PlaneRecord::Missing).unwrap();
        }
        let error = first.note("b.png", &bad("colour")).unwrap_err().to_string();
        assert!(
            error.contains("64") && error.contains("b.png: it is colour"),
            "{error}"
        );

        let first = FirstImages::of_run(true);
        first.note("a.png", &bad("chunk_crc")).unwrap();
        for _ in 0..2 * FIRST {
            first.note("a.png", &bad("colour")).unwrap();
        }
    }

    #[test]
    fn the_images_of_a_part_of_a_run_are_not_judged() {
        let first = FirstImages::of_run(false);
        for _ in 0..2 * FIRST {
            first.note("a.png", &bad("colour")).unwrap();
        }
    }
}
