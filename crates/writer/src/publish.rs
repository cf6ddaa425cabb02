//! A finished dataset copied into an object store.
//!
//! 1. All objects are read and compared with `SHA256SUMS`: what is damaged, or not
//!    sealed, is not published.
//! 2. The address is claimed, as for a conversion, so that nobody else writes it.
//! 3. What is there already with the right size and checksum stays. Each object
//!    carries its SHA-256 as metadata (`x-amz-meta-sha256` and the like); one
//!    without it is read and compared.
//! 4. If anything else has to be put or removed, root metadata that is there is
//!    removed first: no reader finds a mixture.
//! 5. Shards and labels are put, then tables, card and checksums, the root
//!    metadata last.
//! 6. The store's list must have each object with its size; with `verify`, all
//!    are read back.
//!
//! Cut off anywhere, the same call goes on. Memory: up to [`UPLOADS`] objects.

#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Mutex, PoisonError};

use rxrx_format::keys::{CHECKSUMS, ROOT_METADATA, Stage};
use rxrx_format::{Checksums, Sha256Sum, parse_checksums};
use rxrx_reader::{DatasetError, Owner, read_root};
use rxrx_storage::{
    Location, PART, PublishedChecksum, Remote, Store, StoreError, for_each_concurrent, open_store,
};
use serde::Serialize;
use sha2::{Digest, Sha256};

use crate::events::{Event, Observer};
use crate::journal::JournalError;
use crate::output::{LockedOutput, OutputError, OutputLocation, OutputState};

/// Objects under way at once.
const UPLOADS: usize = 4;

/// How to publish.
#[derive(Clone, Copy, Debug, Default)]
pub struct PublishOptions {
    /// Only find out what there is to do.
    pub dry_run: bool,
    /// Read back everything that is there in the end.
    pub verify: bool,
    /// Replace another dataset, or unfinished work, at the address.
    pub overwrite: bool,
}

/// A dataset could not be published; what is there is no dataset, or the one
/// that was there before.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PublishError {
    /// It is not sealed, or not a dataset of this program.
    #[error(transparent)]
    Dataset(#[from] DatasetError),
    /// The address is a folder.
    #[error("{path} is a folder: publish to an address such as s3://bucket/name, or copy by cp -r")]
    Folder {
        /// As given.
        path: Location,
    },
    /// An object of the dataset is not what it was.
    #[error("{dataset} is damaged: {key} {problem}; see `rxrx2zarr verify`")]
    Damaged {
        /// The dataset.
        dataset: String,
        /// The object.
        key: String,
        /// What is wrong with it.
        problem: String,
    },
    /// Something else is there.
    #[error("{place} holds {what}: choose another address, or replace it with --overwrite")]
    Occupied {
        /// The address.
        place: Location,
        /// What it holds.
        what: &'static str,
    },
    /// An object is not there as it was put.
    #[error("{place}: {key} was put and {problem}: nothing is sealed, publish again")]
    NotStored {
        /// The address.
        place: Location,
        /// The object.
        key: String,
        /// What is wrong with it.
        problem: String,
    },
    /// The address cannot be written.
    #[error(transparent)]
    Output(#[from] OutputError),
    /// The journal beside it cannot be written.
    #[error(transparent)]
    Journal(#[from] JournalError),
    /// A store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// What was done, or in a dry run what there is to do.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Published {
    /// Objects of the dataset.
    pub objects: usize,
    /// Their sizes together, in bytes.
    pub bytes: u64,
    /// Objects put.
    pub uploaded: usize,
    /// Their sizes together, in bytes.
    pub uploaded_bytes: u64,
    /// Requests that putting them takes, when none has to be repeated.
    pub upload_requests: usize,
    /// Objects that were there already.
    pub kept: usize,
    /// Objects of a former dataset removed.
    pub removed: usize,
    /// Objects read back and compared; `None` when that was not asked for.
    pub verified: Option<usize>,
}

/// Copies the finished dataset at `dataset` to the address `to`.
///
/// # Errors
/// [`PublishError`]; the same call goes on where this one stopped.
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
    let from = open_store(dataset)?;
    publish_to(
        from.as_ref(),
        &dataset.to_string(),
        &remote,
        options,
        observer,
    )
}

fn publish_to(
    from: &dyn Store,
    dataset: &str,
    remote: &Remote,
    options: PublishOptions,
    observer: &dyn Observer,
) -> Result<Published, PublishError> {
    // Sealed, and ours.
    read_root(from, dataset)?;
    let origin = Origin::read(from, dataset)?;
    origin.check(observer)?;
    let place = OutputLocation::in_store(remote.clone());
    let publication = Publication {
        origin,
        place: &place,
        remote,
        options,
        observer,
    };
    if options.dry_run {
        let todo = publication.compare()?;
        return Ok(publication.summary(&todo));
    }
    let lock = LockedOutput::take(&place)?;
    publication.run(lock)
}

/// The dataset to be published.
struct Origin<'a> {
    store: &'a dyn Store,
    dataset: &'a str,
    /// Of every object, the list of checksums too.
    objects: BTreeMap<String, (u64, Sha256Sum)>,
}

impl<'a> Origin<'a> {
    fn read(store: &'a dyn Store, dataset: &'a str) -> Result<Self, PublishError> {
        let damaged = |key: &str, problem: String| PublishError::Damaged {
            dataset: dataset.to_owned(),
            key: key.to_owned(),
            problem,
        };
        let missing = |key: &str| damaged(key, "is missing".to_owned());
        let list = store.get(CHECKSUMS)?.ok_or_else(|| missing(CHECKSUMS))?;
        let mut sums: Checksums = String::from_utf8(list.clone())
            .ok()
            .and_then(|list| parse_checksums(&list).ok())
            .ok_or_else(|| damaged(CHECKSUMS, "is not a list of checksums".to_owned()))?;
        sums.insert(CHECKSUMS.to_owned(), Sha256::digest(&list).into());
        let mut objects = BTreeMap::new();
        for object in store.list()? {
            let sum = sums
                .remove(&object.key)
                .ok_or_else(|| damaged(&object.key, format!("is not in {CHECKSUMS}")))?;
            objects.insert(object.key, (object.size, sum));
        }
        match sums.keys().next() {
            Some(key) => Err(missing(key)),
            None => Ok(Self {
                store,
                dataset,
                objects,
            }),
        }
    }

    /// Reads an object that must have the recorded checksum.
    fn get(&self, key: &str, sum: &Sha256Sum) -> Result<Vec<u8>, PublishError> {
        let damaged = |problem: &str| PublishError::Damaged {
            dataset: self.dataset.to_owned(),
            key: key.to_owned(),
            problem: problem.to_owned(),
        };
        let bytes = self.store.get(key)?.ok_or_else(|| damaged("is missing"))?;
        if Sha256::digest(&bytes)[..] != *sum {
            return Err(damaged(&format!(
                "has another checksum than {CHECKSUMS} says"
            )));
        }
        Ok(bytes)
    }

    /// Demands that every object is as recorded.
    fn check(&self, observer: &dyn Observer) -> Result<(), PublishError> {
        observer.notice(Event::Checking {
            objects: self.objects.len(),
        });
        let objects: Vec<_> = self.objects.iter().collect();
        for_each_concurrent(&objects, UPLOADS, |(key, (bytes, sum))| {
            self.get(key, sum)?;
            observer.notice(Event::ObjectDone { key, bytes: *bytes });
            Ok(())
        })
    }
}

struct Publication<'a> {
    origin: Origin<'a>,
    place: &'a OutputLocation,
    remote: &'a Remote,
    options: PublishOptions,
    observer: &'a dyn Observer,
}

/// What there is to do.
#[derive(Debug, Default)]
struct ToDo {
    /// Objects to be put.
    put: BTreeSet<String>,
    /// Objects to be removed.
    remove: Vec<String>,
    /// Whether root metadata is there.
    has_root: bool,
}

impl Publication<'_> {
    fn run(&self, lock: LockedOutput) -> Result<Published, PublishError> {
        if !lock.is_exclusive() {
            self.observer.notice(Event::NotExclusive);
        }
        let todo = self.compare()?;
        let store = self.place.store();
        let changes = !todo.put.is_empty() || !todo.remove.is_empty();
        if changes && todo.has_root {
            store.remove(ROOT_METADATA)?;
        }
        store.remove_all(&todo.remove)?;
        self.observer.notice(Event::Publishing {
            objects: todo.put.len(),
        });
        for stage in Stage::ALL {
            let in_stage = todo.put.iter().filter(|key| Stage::of(key) == stage);
            if stage == Stage::Root && changes {
                self.demand_stored()?;
                lock.check()?;
                self.put(ROOT_METADATA)?;
            } else {
                for_each_concurrent(&in_stage.collect::<Vec<_>>(), UPLOADS, |key| self.put(key))?;
            }
        }
        let mut published = self.summary(&todo);
        if changes && todo.has_root && !todo.put.contains(ROOT_METADATA) {
            // It was there, and had to go for a while.
            published.uploaded += 1;
            published.kept -= 1;
        }
        if self.options.verify {
            published.verified = Some(self.read_back()?);
        }
        lock.release();
        Ok(published)
    }

    /// Compares what is there with what is to be there.
    fn compare(&self) -> Result<ToDo, PublishError> {
        let occupied = |what: &'static str| PublishError::Occupied {
            place: self.place.output().clone(),
            what,
        };
        let overwrite = self.options.overwrite;
        match self.place.state()? {
            OutputState::Unfinished(_) | OutputState::Damaged(_) if !overwrite => {
                return Err(occupied("the unfinished work of a conversion"));
            }
            OutputState::Unfinished(_) | OutputState::Damaged(_) if !self.options.dry_run => {
                let journal = self.place.journal();
                journal.clear()?;
                journal.end()?;
            }
            _ => {}
        }
        let root = self.place.store().get(ROOT_METADATA)?;
        if Owner::of(self.place.store())? == Owner::Other {
            let path = self.place.output().clone();
            return Err(OutputError::Foreign { path }.into());
        }
        let ours = self.origin.objects.get(ROOT_METADATA);
        if let Some(root) = &root
            && !overwrite
            && ours.is_none_or(|(_, sum)| Sha256::digest(root)[..] != *sum)
        {
            return Err(occupied("another dataset"));
        }
        self.place.refuse_foreign_files()?;
        let there = self.place.store().list()?;
        let sizes: BTreeMap<String, u64> = there
            .into_iter()
            .map(|object| (object.key, object.size))
            .collect();
        let (same_size, put): (Vec<_>, Vec<_>) = self
            .origin
            .objects
            .iter()
            .partition(|(key, (size, _))| sizes.get(*key) == Some(size));
        let mut todo = ToDo {
            put: put.into_iter().map(|(key, _)| key.clone()).collect(),
            remove: sizes
                .into_keys()
                .filter(|key| !self.origin.objects.contains_key(key))
                .collect(),
            has_root: root.is_some(),
        };
        let keys: Vec<&str> = same_size.iter().map(|(key, _)| key.as_str()).collect();
        let labels = self.remote.published_checksums(&keys)?;
        let unlike: Mutex<Vec<String>> = Mutex::default();
        let pairs: Vec<_> = same_size.iter().zip(labels).collect();
        for_each_concurrent(&pairs, UPLOADS, |((key, (_, sum)), label)| {
            if !self.is_there(key, sum, label.as_ref())? {
                let mut unlike = unlike.lock().unwrap_or_else(PoisonError::into_inner);
                unlike.push((*key).clone());
            }
            Ok::<_, PublishError>(())
        })?;
        todo.put
            .extend(unlike.into_inner().unwrap_or_else(PoisonError::into_inner));
        Ok(todo)
    }

    fn is_there(
        &self,
        key: &str,
        sum: &Sha256Sum,
        label: Option<&PublishedChecksum>,
    ) -> Result<bool, StoreError> {
        match label {
            None => Ok(false),
            Some(PublishedChecksum {
                sha256: Some(label),
                ..
            }) => Ok(*label == hex::encode(sum)),
            Some(PublishedChecksum { sha256: None, .. }) => {
                let found = self.remote.get(key)?;
                Ok(found.is_some_and(|found| Sha256::digest(&found)[..] == *sum))
            }
        }
    }

    fn put(&self, key: &str) -> Result<(), PublishError> {
        let Some((bytes, sum)) = self.origin.objects.get(key) else {
            return Ok(());
        };
        let object = self.origin.get(key, sum)?;
        let store = self.place.store();
        store.put_with_checksum(key, &object, &hex::encode(sum))?;
        self.observer
            .notice(Event::ObjectDone { key, bytes: *bytes });
        Ok(())
    }

    /// Demands that all but the root is there, as long as it should be.
    fn demand_stored(&self) -> Result<(), PublishError> {
        let there = self.place.store().list()?.into_iter();
        let sizes: BTreeMap<String, u64> = there.map(|object| (object.key, object.size)).collect();
        for (key, (size, _)) in &self.origin.objects {
            let problem = match sizes.get(key) {
                _ if key == ROOT_METADATA => continue,
                Some(found) if found == size => continue,
                Some(found) => format!("has {found} bytes, not {size}"),
                None => "is gone".to_owned(),
            };
            return Err(self.not_stored(key, problem));
        }
        Ok(())
    }

    /// Reads back every object.
    fn read_back(&self) -> Result<usize, PublishError> {
        self.observer.notice(Event::Checking {
            objects: self.origin.objects.len(),
        });
        let objects: Vec<_> = self.origin.objects.iter().collect();
        for_each_concurrent(&objects, UPLOADS, |(key, (bytes, sum))| {
            let found = self.remote.get(key)?;
            if found.is_none_or(|found| Sha256::digest(&found)[..] != *sum) {
                // Nobody shall take it for a dataset.
                self.place.store().remove(ROOT_METADATA)?;
                return Err(self.not_stored(key, "reads otherwise".to_owned()));
            }
            self.observer
                .notice(Event::ObjectDone { key, bytes: *bytes });
            Ok(())
        })?;
        Ok(objects.len())
    }

    fn not_stored(&self, key: &str, problem: String) -> PublishError {
        PublishError::NotStored {
            place: self.place.output().clone(),
            key: key.to_owned(),
            problem,
        }
    }

    fn summary(&self, todo: &ToDo) -> Published {
        let size = |key: &String| self.origin.objects.get(key).map_or(0, |(size, _)| *size);
        Published {
            objects: self.origin.objects.len(),
            bytes: self.origin.objects.values().map(|(size, _)| size).sum(),
            uploaded: todo.put.len(),
            uploaded_bytes: todo.put.iter().map(size).sum(),
            upload_requests: todo.put.iter().map(|key| requests(size(key))).sum(),
            kept: self.origin.objects.len() - todo.put.len(),
            removed: todo.remove.len(),
            verified: None,
        }
    }
}

/// Requests that putting so many bytes takes: one, or one for each part, one to
/// begin and one to end.
fn requests(bytes: u64) -> usize {
    let part = PART as u64;
    if bytes <= part {
        1
    } else {
        usize::try_from(bytes.div_ceil(part)).map_or(usize::MAX, |parts| parts.saturating_add(2))
    }
}
