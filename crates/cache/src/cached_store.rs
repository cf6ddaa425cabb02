//! A store that keeps on a disk what was read of another one.

use std::collections::HashMap;
use std::fmt::Write as _;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::process;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use rxrx_platform::create_folder;
use rxrx_storage::{Store, StoreError, StoreErrorKind, StoredChecksums, StoredObject, Version};
use twox_hash::XxHash3_128;

use crate::entry::{BLOCK, Entry, used_by};
use crate::room::{Room, TEMPORARY};

/// What every folder of a cache is called; another form of the files has another name.
const FOLDER: &str = "rxrx2zarr-1";
/// Bytes of a request of [`CachedStore::fetch`].
const PIECE: u64 = 8 << 20;

/// A store whose objects are read from a folder on a disk where it has them.
///
/// Reads of ranges and of whole objects are cached, except of `always`: whoever looks whether
/// a dataset was replaced reads that. Writes go to the store. Threads share it: a list of
/// objects is locked only while an entry is looked up or added.
///
/// A clone is the same store.
#[derive(Clone)]
pub struct CachedStore(Arc<Inner>);

struct Inner {
    store: Box<dyn Store>,
    /// Tells the objects of this store from those of others.
    name: String,
    folder: PathBuf,
    /// The key that is never cached.
    always: String,
    room: Room,
    known: Mutex<HashMap<String, Known>>,
    temporaries: AtomicU64,
}

/// Bytes that were read, and whether all that was fetched for them is on the disk.
struct Part {
    bytes: Vec<u8>,
    is_kept: bool,
}

/// An object that was asked for.
#[derive(Clone)]
struct Known {
    version: Version,
    entry: Entry,
}

impl CachedStore {
    /// Caches `store` below `folder`, which is created, in at most `limit` bytes (`None`: half
    /// of the space that is free). `name` is that of the store without secrets.
    ///
    /// # Errors
    /// [`StoreError`] if the folder cannot be created.
    pub fn new(
        store: Box<dyn Store>,
        name: &str,
        folder: &Path,
        limit: Option<u64>,
        always: &str,
    ) -> Result<Self, StoreError> {
        let folder = folder.join(FOLDER);
        create_folder(&folder).map_err(|error| {
            StoreError::from_io("create", folder.to_string_lossy().into_owned(), error)
        })?;
        Ok(Self(Arc::new(Inner {
            room: Room::new(&folder, limit),
            store,
            name: name.to_owned(),
            folder,
            always: always.to_owned(),
            known: Mutex::default(),
            temporaries: AtomicU64::new(0),
        })))
    }

    /// Fetches what is not there of an object, by requests of 8 MiB, as long as there is room.
    /// Returns whether all of it is there then; `false` also for an object that cannot be
    /// cached.
    ///
    /// # Errors
    /// [`StoreError`] if the object cannot be read.
    pub fn fetch(&self, key: &str) -> Result<bool, StoreError> {
        let Some(Some(known)) = self.0.known(key)? else {
            return Ok(false);
        };
        let end = known.entry.bytes_of(&(0..u64::MAX / BLOCK)).end;
        let mut start = 0;
        while start < end {
            let piece = start..(start + PIECE).min(end);
            match self.0.read(key, &known, &piece)? {
                Some(Part { is_kept: true, .. }) => start = piece.end,
                _ => return Ok(false),
            }
        }
        Ok(true)
    }
}

impl Inner {
    /// Finds out what an object is, with two requests for the first time. `None` if it is
    /// absent; `Some(None)` if it cannot be cached.
    fn known(&self, key: &str) -> Result<Option<Option<Known>>, StoreError> {
        if let Some(known) = self.locked().get(key) {
            return Ok(Some(Some(known.clone())));
        }
        let Some(version) = self.store.version(key)? else {
            return Ok(None);
        };
        let Some(tag) = version.tag().filter(|_| key != self.always) else {
            return Ok(Some(None));
        };
        let Some(size) = self.store.sizes(&[key])?.into_iter().next().flatten() else {
            return Ok(Some(None));
        };
        let name = format!("{}\n{key}\n{size}\n{tag}", self.name);
        let mut hash = String::new();
        // A text is always written.
        let _ = write!(hash, "{:032x}", XxHash3_128::oneshot(name.as_bytes()));
        let Some(entry) = Entry::new(self.folder.join(hash), size) else {
            return Ok(Some(None));
        };
        entry.touch();
        let known = Known { version, entry };
        self.locked().insert(key.to_owned(), known.clone());
        Ok(Some(Some(known)))
    }

    fn locked(&self) -> MutexGuard<'_, HashMap<String, Known>> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Reads a range of a known object, from the disk as far as it is there.
    fn read(
        &self,
        key: &str,
        known: &Known,
        range: &Range<u64>,
    ) -> Result<Option<Part>, StoreError> {
        let entry = &known.entry;
        let Some(blocks) = entry.blocks_of(range) else {
            let bytes = self.store.get_range(key, range.clone())?;
            let is_kept = false;
            return Ok(bytes.map(|bytes| Part { bytes, is_kept }));
        };
        let whole = entry.bytes_of(&blocks);
        let length = usize::try_from(whole.end - whole.start).map_err(|_| {
            StoreError::new(
                "read",
                key,
                StoreErrorKind::TooLarge,
                "it does not fit into memory",
            )
        })?;
        let mut bytes = vec![0; length];
        let mut absent: Vec<Range<u64>> = Vec::new();
        let mut open = entry.open(false);
        for block in blocks {
            let place = within(&entry.bytes_of(&(block..block + 1)), &whole);
            let target = bytes.get_mut(place).unwrap_or_default();
            if open.as_mut().is_some_and(|open| open.read(block, target)) {
                continue;
            }
            match absent.last_mut().filter(|last| last.end == block) {
                Some(last) => last.end = block + 1,
                None => absent.push(block..block + 1),
            }
        }
        let mut is_kept = true;
        for run in absent {
            let part = entry.bytes_of(&run);
            let got = self
                .store
                .get_range_of(key, part.clone(), Some(&known.version));
            let got = match got {
                Err(error) if error.kind == StoreErrorKind::Changed => {
                    self.locked().remove(key);
                    return Err(error);
                }
                got => got?,
            };
            let Some((got, _)) = got else {
                return Ok(None);
            };
            if let Some(target) = bytes.get_mut(within(&part, &whole))
                && target.len() == got.len()
            {
                target.copy_from_slice(&got);
                is_kept &= self.keep(entry, &run, target);
            }
        }
        let wanted = within(range, &whole);
        bytes.truncate(wanted.end);
        bytes.drain(..wanted.start);
        Ok(Some(Part { bytes, is_kept }))
    }

    /// Writes some blocks to the disk, if there is room, and returns whether it did. Nothing
    /// that fails here matters.
    fn keep(&self, entry: &Entry, blocks: &Range<u64>, bytes: &[u8]) -> bool {
        let room = used_by(blocks.end - blocks.start);
        if !self.room.take(room) {
            return false;
        }
        let is_kept = self.write(entry, blocks, bytes);
        self.room.written(room);
        is_kept
    }

    /// Writes some blocks to the disk.
    fn write(&self, entry: &Entry, blocks: &Range<u64>, bytes: &[u8]) -> bool {
        let number = self.temporaries.fetch_add(1, Ordering::Relaxed);
        let open = entry.open(true).or_else(|| {
            let temporary = format!("{}-{number}{TEMPORARY}", process::id());
            entry.create(&self.folder.join(temporary)).ok()?;
            entry.open(true)
        });
        let Some(mut open) = open else {
            return false;
        };
        let start = entry.bytes_of(blocks).start;
        for block in blocks.clone() {
            let place = entry.bytes_of(&(block..block + 1));
            let place = within(&place, &(start..u64::MAX));
            let written = bytes.get(place).map(|bytes| open.write(block, bytes));
            if !matches!(written, Some(Ok(()))) {
                return false;
            }
        }
        true
    }
}

/// The place of `range` in a buffer that holds `whole`.
fn within(range: &Range<u64>, whole: &Range<u64>) -> Range<usize> {
    let place = |byte: u64| usize::try_from(byte.saturating_sub(whole.start)).unwrap_or(usize::MAX);
    place(range.start)..place(range.end)
}

impl Store for CachedStore {
    fn put(&self, key: &str, parts: &[&[u8]]) -> Result<(), StoreError> {
        self.0.locked().remove(key);
        self.0.store.put(key, parts)
    }

    fn get(&self, key: &str) -> Result<Option<Vec<u8>>, StoreError> {
        self.0.store.get(key)
    }

    fn readers(&self) -> usize {
        self.0.store.readers()
    }

    fn get_at_most(&self, key: &str, at_most: u64) -> Result<Option<Vec<u8>>, StoreError> {
        self.0.store.get_at_most(key, at_most)
    }

    fn get_range(&self, key: &str, range: Range<u64>) -> Result<Option<Vec<u8>>, StoreError> {
        Ok(self.get_range_of(key, range, None)?.map(|(bytes, _)| bytes))
    }

    fn remove(&self, key: &str) -> Result<(), StoreError> {
        self.0.locked().remove(key);
        self.0.store.remove(key)
    }

    fn version(&self, key: &str) -> Result<Option<Version>, StoreError> {
        self.0.store.version(key)
    }

    fn get_version(
        &self,
        key: &str,
        at_most: u64,
    ) -> Result<Option<(Vec<u8>, Version)>, StoreError> {
        if key == self.0.always {
            return self.0.store.get_version(key, at_most);
        }
        let Some(Some(known)) = self.0.known(key)? else {
            return self.0.store.get_version(key, at_most);
        };
        let whole = known.entry.bytes_of(&(0..u64::MAX / BLOCK));
        if whole.end > at_most {
            return self.0.store.get_version(key, at_most);
        }
        let part = self.0.read(key, &known, &whole)?;
        Ok(part.map(|part| (part.bytes, known.version)))
    }

    fn get_range_of(
        &self,
        key: &str,
        range: Range<u64>,
        seen: Option<&Version>,
    ) -> Result<Option<(Vec<u8>, Version)>, StoreError> {
        let Some(known) = self.0.known(key)? else {
            return Ok(None);
        };
        let Some(known) = known else {
            return self.0.store.get_range_of(key, range, seen);
        };
        if seen.is_some_and(|seen| !known.version.may_be(seen)) {
            let text = "it was replaced since it was read first";
            return Err(StoreError::new("read", key, StoreErrorKind::Changed, text));
        }
        let part = self.0.read(key, &known, &range)?;
        Ok(part.map(|part| (part.bytes, known.version)))
    }

    fn list(&self) -> Result<Vec<StoredObject>, StoreError> {
        self.0.store.list()
    }

    fn sizes(&self, keys: &[&str]) -> Result<Vec<Option<u64>>, StoreError> {
        self.0.store.sizes(keys)
    }

    fn stored_checksums(
        &self,
        keys: &[&str],
    ) -> Result<Option<Vec<Option<StoredChecksums>>>, StoreError> {
        self.0.store.stored_checksums(keys)
    }
}
