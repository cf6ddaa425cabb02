//! The verification with the events of a run.

use rxrx_input::PlannedInput;
use rxrx_storage::Store;
use rxrx_verify::{Progress, VerifyError, VerifyOptions, VerifyReport};

use crate::events::{Event, Observer};

/// Verifies the sealed dataset that `store` holds, as [`rxrx_verify::verify`] does, and tells
/// `observer`. `source` is the input, planned with the
/// [`plan_options`](crate::plan_options()) of the dataset.
///
/// # Errors
/// [`VerifyError`].
pub fn verify(
    store: &dyn Store,
    dataset: &str,
    source: Option<&PlannedInput>,
    options: &VerifyOptions,
    observer: &dyn Observer,
) -> Result<VerifyReport, VerifyError> {
    rxrx_verify::verify(store, dataset, source, options, &Events(observer))
}

/// Tells the progress as events.
struct Events<'a>(&'a dyn Observer);

impl Progress for Events<'_> {
    fn started(&self, sites: usize, units: usize) {
        self.0.notice(Event::Started { sites, units });
    }

    fn chunk_verified(&self, sites: usize, stored_bytes: u64) {
        self.0.notice(Event::ChunkVerified {
            sites,
            stored_bytes,
        });
    }
}
