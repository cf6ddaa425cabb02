//! The checksums that an object store has of a dataset, recorded at the end of an upload.

use rxrx_format::keys::STORE_CHECKSUMS;
use rxrx_format::{StoreChecksum, StoreChecksums, store_checksums_document};
use rxrx_storage::{Store, StoreError};

/// Asks the store for its checksums of these objects and puts them as one more object,
/// unless they are recorded already. A disk has none, and gets no such object.
pub(crate) fn record_store_checksums(store: &dyn Store, keys: &[&str]) -> Result<(), StoreError> {
    let Some(found) = store.stored_checksums(keys)? else {
        return Ok(());
    };
    let found = keys.iter().zip(found).filter_map(|(&key, found)| {
        let found = found?;
        let recorded = StoreChecksum {
            bytes: found.size,
            checksums: found.checksums,
        };
        Some((key.to_owned(), recorded))
    });
    let document = store_checksums_document(&StoreChecksums::from_iter(found));
    let recorded = store.get_at_most(STORE_CHECKSUMS, document.len() as u64);
    if matches!(recorded, Ok(Some(recorded)) if recorded == document.as_bytes()) {
        return Ok(());
    }
    store.put(STORE_CHECKSUMS, &[document.as_bytes()])
}
