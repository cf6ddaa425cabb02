//! The root metadata of a dataset in a store.

use rxrx_format::keys::{ROOT_METADATA, bytes_at_most};
use rxrx_format::{Root, RootError, SwitchMark, parse_json};
use rxrx_storage::{Store, StoreError};
use serde_json::Value;

use crate::error::DatasetError;

/// Reads the bytes of the root metadata in `store`, if there are any.
///
/// # Errors
/// [`StoreError`] when they cannot be read, or are more than a root can have.
pub fn root_bytes(store: &dyn Store) -> Result<Option<Vec<u8>>, StoreError> {
    store.get_at_most(ROOT_METADATA, bytes_at_most(ROOT_METADATA))
}

/// Reads and parses the root metadata in `store`; `dataset` is its name in
/// errors.
///
/// # Errors
/// [`DatasetError`]: there is no root metadata, or this program does not read it.
pub fn read_root(store: &dyn Store, dataset: &str) -> Result<Root, DatasetError> {
    let root = root_bytes(store)?;
    let root = root.ok_or_else(|| DatasetError::NotSealed {
        dataset: dataset.to_owned(),
    })?;
    parse_root(&root, dataset)
}

/// Parses the bytes of root metadata.
///
/// # Errors
/// [`DatasetError`]: this program does not read it.
pub fn parse_root(root: &[u8], dataset: &str) -> Result<Root, DatasetError> {
    let dataset = dataset.to_owned();
    if Owner::of_root_metadata(Some(root)) == Owner::Marker {
        return Err(DatasetError::Switching { dataset });
    }
    Root::parse(root).map_err(|error| match error {
        RootError::Version { found } => DatasetError::Version { dataset, found },
        error => DatasetError::Foreign {
            dataset,
            reason: error.to_string(),
        },
    })
}

/// The program that wrote root metadata.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Owner {
    /// There is no root metadata.
    Nobody,
    /// The root metadata is not JSON.
    Unreadable,
    /// This program: the marker of a dataset that is being replaced.
    Marker,
    /// This program.
    Us,
    /// Another program.
    Other,
}

impl Owner {
    /// Finds out who wrote the root metadata in `store`.
    ///
    /// # Errors
    /// [`StoreError`] when it cannot be read.
    pub fn of(store: &dyn Store) -> Result<Self, StoreError> {
        Ok(Self::of_root_metadata(root_bytes(store)?.as_deref()))
    }

    /// Finds out who wrote these bytes of root metadata, if there are any.
    pub fn of_root_metadata(root: Option<&[u8]>) -> Self {
        let Some(root) = root else {
            return Self::Nobody;
        };
        let Ok(root) = parse_json(root) else {
            return Self::Unreadable;
        };
        let generator = root
            .pointer("/attributes/generator")
            .and_then(Value::as_str);
        match generator {
            Some(generator) if generator.starts_with("rxrx2zarr ") => Self::Us,
            _ if SwitchMark::is_marker(&root) => Self::Marker,
            _ => Self::Other,
        }
    }
}
