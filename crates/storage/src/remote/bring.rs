//! Objects of the work folder that become objects of the output.
//!
//! An object is copied inside the store, if the object is the version that was seen and so
//! is what the copy replaces. A copy that arrives late, when the source was emptied or the
//! destination replaced, changes nothing then. Where a store does not check these conditions,
//! or has no copies, the object is read and put; [`CopyConditions`] remembers which.

use std::ops::Range;
use std::sync::{Mutex, PoisonError};

use object_store::{CopyOptions, Error, ObjectStore};

use super::client::{Remote, RemoteObject};
use super::condition::Condition;
use super::upload::PART;
use crate::store::{StoreError, StoreErrorKind, WriteOutcome};
use crate::version::Version;

/// Largest object that S3 and Azure copy by one request, in bytes.
const LARGEST_COPY: u64 = 5000 << 20;
/// How often an object that another process changes is looked at.
const REPEATS: usize = 5;

/// Whether a store checks the conditions of copies; `None` before that was found out.
#[derive(Debug, Default)]
pub(super) struct CopyConditions(Mutex<Option<bool>>);

/// The outcome of a copy.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Copied {
    Done,
    /// One of the two objects is another version.
    NotAsSeen,
    /// The store has no such copies.
    Unsupported,
}

/// The two objects of a copy as they were seen.
struct Seen {
    source: RemoteObject,
    source_version: Version,
    there: Option<Version>,
}

impl Remote {
    /// Makes the object `from` of `work` the object `key` of this folder, with its
    /// metadata. Both must be as they were seen.
    ///
    /// An object with the same bytes, which has the same ETag if it was uploaded in parts
    /// of the same size, stays as it is.
    pub(super) fn bring(
        &self,
        work: &Self,
        (from, key): (&str, &str),
        conditions: &CopyConditions,
    ) -> Result<(), StoreError> {
        for _ in 0..REPEATS {
            let Some((source, source_version)) = work.seen(from)? else {
                let text = format!("{} is gone", work.name(from));
                let kind = StoreErrorKind::NotFound;
                return Err(StoreError::new("write", self.name(key), kind, text));
            };
            let there = self.seen(key)?;
            if there
                .as_ref()
                .is_some_and(|(there, _)| is_copy(there, &source))
            {
                return Ok(());
            }
            let seen = Seen {
                source,
                source_version,
                there: there.map(|(_, version)| version),
            };
            let is_small = seen.source.size <= LARGEST_COPY;
            if !is_small || !self.checks_copies(work, (from, key), &seen, conditions)? {
                return self.read_and_put(work, (from, key), &seen.source);
            }
            let condition = Condition::Copy(seen.source_version.clone(), seen.there.clone());
            match self.copy(work, (from, key), condition)? {
                Copied::Done => return Ok(()),
                // It may be ours, when the answer was lost: it is looked at again.
                Copied::NotAsSeen => {}
                Copied::Unsupported => return self.read_and_put(work, (from, key), &seen.source),
            }
        }
        let text = "another process changes it again and again";
        let kind = StoreErrorKind::Changed;
        Err(StoreError::new("write", self.name(key), kind, text))
    }

    /// Returns whether the store refuses copies whose source or destination is another one
    /// than was seen. The first call finds it out by two copies that must be refused; a
    /// store that carries one of them out has brought the object then.
    fn checks_copies(
        &self,
        work: &Self,
        keys: (&str, &str),
        seen: &Seen,
        conditions: &CopyConditions,
    ) -> Result<bool, StoreError> {
        let known = || conditions.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = *known() {
            return Ok(known);
        }
        let other = || Version {
            e_tag: Some("\"00000000000000000000000000000000\"".to_owned()),
            generation: Some("1".to_owned()),
        };
        let other_source = Condition::Copy(other(), seen.there.clone());
        let other_there = Condition::Copy(seen.source_version.clone(), Some(other()));
        let mut checks = self.connection().has_conditions();
        for condition in [other_source, other_there] {
            checks = checks && self.copy(work, keys, condition)? == Copied::NotAsSeen;
        }
        *known() = Some(checks);
        Ok(checks)
    }

    fn copy(
        &self,
        work: &Self,
        (from, key): (&str, &str),
        condition: Condition,
    ) -> Result<Copied, StoreError> {
        let (source, path) = (work.path(from)?, self.path(key)?);
        let copy = || {
            let store = &self.connection().store;
            let copy = store.copy_opts(&source, &path, CopyOptions::default());
            condition.clone().of(copy)
        };
        match self.ask(copy) {
            Ok(()) => Ok(Copied::Done),
            Err(Error::Precondition { .. } | Error::AlreadyExists { .. }) => Ok(Copied::NotAsSeen),
            Err(Error::NotFound { .. }) => Ok(Copied::NotAsSeen),
            Err(error) => {
                let error = self.failed("write", key)(error);
                match error.kind {
                    StoreErrorKind::Unsupported | StoreErrorKind::Other => Ok(Copied::Unsupported),
                    _ => Err(error),
                }
            }
        }
    }

    /// Reads the object, if it still is the version that was seen, and puts it.
    fn read_and_put(
        &self,
        work: &Self,
        (from, key): (&str, &str),
        source: &RemoteObject,
    ) -> Result<(), StoreError> {
        let published = work.published_checksums(&[from])?.into_iter().flatten();
        let sha256 = published.last().and_then(|object| object.sha256);
        let write = |to: &mut dyn std::io::Write| {
            for range in parts(source.size) {
                let read = work.get_ranges(source, &[range]);
                for bytes in read.map_err(std::io::Error::other)? {
                    to.write_all(&bytes)?;
                }
            }
            Ok(WriteOutcome::Store)
        };
        self.put_with_metadata(key, sha256, Box::new(write))
    }
}

/// Whether two objects have the same bytes by their ETags.
fn is_copy(one: &RemoteObject, other: &RemoteObject) -> bool {
    one.size == other.size && one.e_tag.is_some() && one.e_tag == other.e_tag
}

/// Returns the ranges of the parts in which an object of that size is written.
fn parts(size: u64) -> impl Iterator<Item = Range<u64>> {
    let part = PART as u64;
    let count = size.div_ceil(part);
    (0..count).map(move |number| number * part..size.min((number + 1) * part))
}
