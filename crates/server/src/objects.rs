//! The objects of the dataset, read in pieces.

use std::fs;
use std::io;
use std::ops::Range;
use std::path::PathBuf;

use rxrx_storage::{Location, Store, StoreError, StoreErrorKind, Version, open_store};

/// Bytes that are read at once. Two pieces of a response are in memory: one is sent while
/// the next one is read.
const PIECE: u64 = 1 << 20;

/// The objects of one dataset.
pub(crate) struct Objects {
    store: Box<dyn Store>,
    /// The folder without links; `None` for a dataset at an address.
    folder: Option<PathBuf>,
}

/// An object that is there.
#[derive(Clone)]
pub(crate) struct Seen {
    /// The size in bytes.
    pub(crate) size: u64,
    /// The version, which all pieces of a response have.
    version: Version,
}

impl Seen {
    /// The ETag, if the store gives versions: the same for the same bytes at the same place.
    pub(crate) fn e_tag(&self) -> Option<String> {
        let tag = self.version.tag()?;
        let is_plain = |c: &char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
        let tag: String = tag.chars().filter(is_plain).collect();
        Some(format!("\"{tag}\""))
    }
}

impl Objects {
    /// Opens the objects at a location.
    ///
    /// # Errors
    /// The store cannot be opened, or there is no such folder.
    pub(crate) fn open(location: &Location) -> Result<Self, StoreError> {
        let folder = location.as_path().map(|path| {
            let read = |error| StoreError::from_io("read", path.display().to_string(), error);
            fs::canonicalize(path).map_err(read)
        });
        Ok(Self {
            store: open_store(location)?,
            folder: folder.transpose()?,
        })
    }

    /// Looks at an object; `None` where there is none, or its file is outside of the dataset.
    ///
    /// # Errors
    /// [`StoreError`] when the store cannot tell.
    pub(crate) fn look(&self, key: &str) -> Result<Option<Seen>, StoreError> {
        if !self.is_inside(key)? {
            return Ok(None);
        }
        let seen = self.store.size_and_version(key)?;
        Ok(seen.map(|(size, version)| Seen { size, version }))
    }

    /// Reads the first piece of `range` of an object that was seen.
    ///
    /// # Errors
    /// [`StoreError`] when the object cannot be read, or is no longer the one that was seen.
    pub(crate) fn piece(
        &self,
        key: &str,
        range: &Range<u64>,
        seen: &Seen,
    ) -> Result<Vec<u8>, StoreError> {
        let piece = range.start..range.end.min(range.start.saturating_add(PIECE));
        // A store that gives no versions cannot be asked for one.
        let version = seen.version.tag().map(|_| &seen.version);
        let read = self.store.get_range_of(key, piece, version)?;
        let removed = || {
            let text = "it was removed since it was looked at";
            StoreError::new("read", key, StoreErrorKind::Changed, text)
        };
        read.map(|(bytes, _)| bytes).ok_or_else(removed)
    }

    /// Whether the file of a key is inside of the folder, behind all links. A dataset at an
    /// address has no links.
    fn is_inside(&self, key: &str) -> Result<bool, StoreError> {
        let Some(folder) = &self.folder else {
            return Ok(true);
        };
        let path = folder.join(key);
        match fs::canonicalize(&path) {
            Ok(found) => Ok(found.starts_with(folder)),
            Err(error) if is_no_file(&error) => Ok(false),
            Err(error) => Err(StoreError::from_io(
                "read",
                path.display().to_string(),
                error,
            )),
        }
    }
}

/// Whether the name, or one above it, is not that of a file or folder.
fn is_no_file(error: &io::Error) -> bool {
    use io::ErrorKind::{InvalidFilename, InvalidInput, NotADirectory, NotFound};
    matches!(
        error.kind(),
        NotFound | NotADirectory | InvalidFilename | InvalidInput
    )
}
