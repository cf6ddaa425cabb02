//! A folder of an object store as INPUT.

use rxrx_metadata::Listing;
use rxrx_storage::{Remote, RemoteBytes, RemoteObject, StoreError, StoreErrorKind, Unreachable};
use sha2::{Digest, Sha256};

use crate::faults::Faults;
use crate::read_error::ReadError;
use crate::source::{ReadHints, Source, SourceStamp};

/// A [`Source`] of all objects below one address.
pub(crate) struct BucketSource {
    remote: Remote,
    /// All keys, one after the other, ascending.
    keys: String,
    /// The objects in the order of their keys.
    objects: Vec<Listed>,
    /// The objects that may hold images, such as tars.
    containers: Vec<RemoteObject>,
    /// Whether the objects were listed. If not, each is asked for its stamp.
    is_listed: bool,
    faults: Faults,
}

/// Ends of the names of objects that may hold images.
const CONTAINERS: [&str; 2] = [".tar", ".parquet"];

/// One object. It takes 32 bytes, because there may be millions.
struct Listed {
    stamp: SourceStamp,
    /// End of its key in `keys`.
    key_end: usize,
}

impl BucketSource {
    /// Lists all objects of `remote`.
    pub(crate) fn list(remote: Remote) -> Result<(Self, Listing), StoreError> {
        let found = remote.list_wide()?;
        let mut keys = String::with_capacity(found.iter().map(|object| object.key.len()).sum());
        let mut objects = Vec::with_capacity(found.len());
        for object in &found {
            keys.push_str(&object.key);
            objects.push(Listed {
                stamp: object_stamp(object),
                key_end: keys.len(),
            });
        }
        let holds_images = |object: &&RemoteObject| {
            let key = object.key.to_ascii_lowercase();
            object.size > 0 && CONTAINERS.iter().any(|end| key.ends_with(end))
        };
        let containers = found.iter().filter(holds_images).cloned().collect();
        // Some programs store a folder as an object without bytes.
        let files = found.into_iter().filter(|object| object.size > 0);
        let listing = Listing::from_paths(files.map(|object| object.key.into()));
        let source = Self {
            remote,
            keys,
            objects,
            containers,
            is_listed: true,
            faults: Faults::default(),
        };
        Ok((source, listing))
    }

    /// Makes a source of objects whose keys are known, without a list of them.
    pub(crate) fn unlisted(remote: Remote) -> Self {
        Self {
            remote,
            keys: String::new(),
            objects: Vec::new(),
            containers: Vec::new(),
            is_listed: false,
            faults: Faults::default(),
        }
    }

    /// Whether there is no object.
    pub(crate) fn is_empty(&self) -> bool {
        self.objects.is_empty()
    }

    /// Returns the bytes of an object, which are read by ranges.
    pub(crate) fn bytes(&self, key: &str) -> Result<RemoteBytes, StoreError> {
        let found = self.containers.iter().find(|object| object.key == key);
        match found {
            Some(object) => Ok(RemoteBytes::of_object(self.remote.clone(), object.clone())),
            None => {
                let text = "there is no such object";
                Err(StoreError::new("read", key, StoreErrorKind::NotFound, text))
            }
        }
    }

    /// Returns the error of an object that is absent: it is a bad image, unless another
    /// object, which was read before, is absent too.
    fn absent(&self, key: &str) -> ReadError {
        let error = ReadError::vanished("there is no such object");
        self.faults.unusable_unless_gone(key, error, &|other| {
            let Some(other) = other else {
                return Ok(());
            };
            match self.remote.head(other) {
                Ok(Some(_)) => Ok(()),
                Ok(None) => Err("there is no such object".to_owned()),
                Err(error) => Err(error.to_string()),
            }
        })
    }

    /// Key of the object at `position`; empty if there is no such object.
    fn key(&self, position: usize) -> &str {
        let end = |position: usize| {
            self.objects
                .get(position)
                .map_or(0, |listed| listed.key_end)
        };
        let start = position.checked_sub(1).map_or(0, end);
        self.keys.get(start..end(position)).unwrap_or("")
    }
}

impl Source for BucketSource {
    fn read_all(
        &self,
        files: &mut [(&str, Vec<u8>)],
        at_most: usize,
    ) -> Vec<Result<SourceStamp, ReadError>> {
        let keys: Vec<&str> = files.iter().map(|(path, _)| *path).collect();
        let read = self.remote.get_all(&keys, at_most as u64);
        let results = files.iter_mut().zip(read).map(|((path, bytes), read)| {
            bytes.clear();
            let Some((object, content)) = read.map_err(Unreachable::from)? else {
                return Err(self.absent(path));
            };
            self.faults.note_good(path);
            bytes.extend(content.iter().take(at_most));
            Ok(object_stamp(&object))
        });
        results.collect()
    }

    /// Returns all: the list has them.
    fn stamps_at_most(&self) -> usize {
        usize::MAX
    }

    fn stamp(&self, path: &str) -> Result<SourceStamp, ReadError> {
        if !self.is_listed {
            return match self.remote.head(path).map_err(Unreachable::from)? {
                Some(object) => Ok(object_stamp(&object)),
                None => Err(self.absent(path)),
            };
        }
        let (mut low, mut high) = (0, self.objects.len());
        while low < high {
            let middle = low + (high - low) / 2;
            if self.key(middle) < path {
                low = middle + 1;
            } else {
                high = middle;
            }
        }
        match self.objects.get(low) {
            Some(listed) if self.key(low) == path => Ok(listed.stamp),
            _ => Err(ReadError::vanished("there is no such object")),
        }
    }

    fn read_hints(&self) -> ReadHints {
        ReadHints::OBJECTS
    }
}

/// Stamp of an object: its size and a digest of its ETag.
pub(crate) fn object_stamp(object: &RemoteObject) -> SourceStamp {
    let tag = object.e_tag.as_deref();
    // Azure quotes the ETag in some answers.
    let digest = tag.map(|tag| Sha256::digest(tag.trim_matches('"')));
    let start = digest.and_then(|digest| digest.first_chunk().copied());
    SourceStamp {
        bytes: object.size,
        version: start.map(u64::from_le_bytes),
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use object_store::memory::InMemory;

    use super::*;
    use rxrx_metadata::testing::image_path;

    #[test]
    fn objects_are_files_and_their_stamp_changes_when_they_are_replaced() {
        let remote = Remote::on(Arc::new(InMemory::new()), "rxrx1");
        let paths: Vec<String> = (0..5).map(|site| image_path(site, 0)).collect();
        for (path, content) in paths.iter().zip(["", "1", "12", "123", "1234"]) {
            remote.put(path, content.into()).unwrap();
        }
        remote.put("metadata.csv", "table".into()).unwrap();
        remote.beside("x").put("beside", "x".into()).unwrap();
        let (source, listing) = BucketSource::list(remote.clone()).unwrap();
        let listed = listing.images.iter().map(|image| &*image.path);
        assert_eq!(listed.collect::<Vec<_>>(), &paths[1..]);
        assert_eq!(listing.metadata_candidates, ["metadata.csv"]);

        let mut files: Vec<(&str, Vec<u8>)> = paths.iter().map(|p| (&**p, vec![9])).collect();
        files.push(("none", vec![9]));
        let read = source.read_all(&mut files, 3);
        let contents: Vec<&[u8]> = files.iter().map(|(_, bytes)| &**bytes).collect();
        assert_eq!(
            contents,
            ["", "1", "12", "123", "123", ""].map(str::as_bytes)
        );
        let Some((missing, read)) = read.split_last() else {
            panic!("nothing read");
        };
        let missing = missing.as_ref().unwrap_err();
        assert!(missing.is_vanished(), "{missing}");
        for (path, read) in paths.iter().zip(read) {
            assert_eq!(source.stamp(path).unwrap(), *read.as_ref().unwrap());
        }
        assert_eq!(source.stamp(&paths[4]).unwrap().bytes, 4);
        for path in ["", "none", "zzz"] {
            assert!(source.stamp(path).is_err());
        }

        for path in &paths {
            remote.remove(path).unwrap();
        }
        let error = source.read(&paths[2], 9, &mut Vec::new()).unwrap_err();
        assert!(matches!(&error, ReadError::Unreachable(_)), "{error}");
        assert!(error.to_string().contains("neither can"), "{error}");

        remote.put(&paths[2], "21".into()).unwrap();
        let now = source.read(&paths[2], 9, &mut Vec::new()).unwrap();
        assert!(!source.stamp(&paths[2]).unwrap().may_be(now));
    }
}
