//! Copies a complete dataset into an object store.
//!
//! 1. The root, the list of checksums and the list of objects of the source are
//!    read: a dataset that is not sealed, or lacks an object, is not published.
//! 2. The address is locked, as for a conversion, so that nobody else writes it.
//! 3. Objects that exist there with the right size and checksum stay. Each object
//!    carries its SHA-256 as metadata (`x-amz-meta-sha256` and similar); one
//!    without it is read and compared. The source of an object that stays is read
//!    and compared, too.
//! 4. Shards and labels are put, then tables, card and checksums. Each is read once,
//!    and its checksum is compared before it is put.
//! 5. With `verify`, all objects are read back.
//! 6. When the store lists every object with its size, its own checksums are recorded in
//!    `store-checksums.json`, and the root metadata is put.
//!
//! Where another dataset is at the address, all that goes into a run folder beside it, and
//! the new dataset takes its place when it is complete: see `output::switch`.
//!
//! After an interruption the same call continues. Memory: up to 4 objects.

mod changes;
mod error;
mod publication;
mod report;
mod source;
#[cfg(test)]
mod tests;

use rxrx_storage::{Location, Remote, Store, open_store};

pub use self::error::PublishError;
use self::publication::Publication;
pub use self::report::{PublishOptions, Published};
use self::source::SourceDataset;
use crate::events::Observer;
use crate::output::{LockedOutput, OutputLocation};

/// Copies the complete dataset at `dataset` to the address `to`.
///
/// # Errors
/// [`PublishError`]; the same call continues where this one stopped.
pub fn publish(
    dataset: &Location,
    to: &Location,
    options: PublishOptions,
    observer: &dyn Observer,
) -> Result<Published, PublishError> {
    let Location::Remote(address) = to else {
        return Err(PublishError::Folder { path: to.clone() });
    };
    let remote = Remote::folder(address)?;
    let store = open_store(dataset)?;
    let name = dataset.to_string();
    publish_to(store.as_ref(), &name, &remote, options, observer)
}

fn publish_to(
    store: &dyn Store,
    dataset: &str,
    remote: &Remote,
    options: PublishOptions,
    observer: &dyn Observer,
) -> Result<Published, PublishError> {
    let place = OutputLocation::in_store(remote.clone())?;
    let publication = Publication {
        source: SourceDataset::read(store, dataset)?,
        place: &place,
        remote,
        options,
        observer,
    };
    if options.dry_run {
        return publication.dry_run();
    }
    let lock = LockedOutput::take(&place, observer)?;
    lock.flush_names()?;
    publication.run(lock)
}
