//! The upload of one object: one put, or parts if the object is large.

use std::io::{self, Write};

use bytes::Bytes;
use futures_util::TryStreamExt;
use object_store::path::Path;
use object_store::{
    Attributes, Error, ObjectStoreExt, PutMode, PutMultipartOptions, PutOptions, PutResult, Result,
    WriteMultipart,
};
use twox_hash::XxHash3_128;

use super::condition::Condition;
use super::connection::Connection;
use super::store_advice::AdvisedError;
use crate::version::Version;

/// Size of a part in bytes. S3 demands at least 5 MiB, and at most 10,000 parts.
pub const PART: usize = 8 << 20;
/// The number of parts of one object that are sent at the same time.
const PARTS_AT_ONCE: usize = 4;
/// Most bytes of an object that are in memory while it is uploaded: the parts that are
/// sent, and the one that is being filled.
pub(super) const LARGEST_UPLOAD: usize = (PARTS_AT_ONCE + 1) * PART;
/// How often an object that another process changes is looked at.
const REPEATS: usize = 5;

/// An object that is being written.
pub(super) struct Upload<'a> {
    connection: &'a Connection,
    path: Path,
    attributes: Attributes,
    /// The bytes before there are enough for a part.
    head: Vec<u8>,
    parts: Option<WriteMultipart>,
    /// What must be there when the upload is completed.
    condition: Option<Condition>,
    /// Whether the object is put only where there is none.
    creates: bool,
    bytes: u64,
    /// The XXH3 of the bytes. A CRC-32C would be the same for all shards of a size, because
    /// each part of a shard ends with its own CRC-32C.
    hash: XxHash3_128,
}

impl<'a> Upload<'a> {
    pub(super) fn new(connection: &'a Connection, path: Path, attributes: Attributes) -> Self {
        Self {
            connection,
            path,
            attributes,
            head: Vec::new(),
            parts: None,
            condition: None,
            creates: false,
            bytes: 0,
            hash: XxHash3_128::new(),
        }
    }

    /// Makes it an upload that stores the object only where there is none, or one of the same
    /// bytes.
    #[must_use]
    pub(super) fn creating(self) -> Self {
        Self {
            creates: true,
            ..self
        }
    }

    /// Sends the rest, and makes the object visible. Returns its version.
    pub(super) fn finish(self) -> io::Result<Version> {
        let connection = self.connection;
        let Some(parts) = self.parts else {
            let put = SmallObject {
                connection,
                path: &self.path,
                attributes: self.attributes,
                bytes: self.head.into(),
                creates: self.creates,
            };
            return put.put().map_err(io_error);
        };
        let finish = parts.finish();
        let finished = match self.condition {
            Some(condition) => connection.wait(condition.of(finish)),
            None => connection.wait(finish),
        };
        let error = match finished {
            Ok(put) => return Ok(Version::stored(put)),
            Err(error) => error,
        };
        // The answer alone may have been lost. Then the upload is complete and cannot be
        // completed again. Or another worker has put the same bytes.
        let expected = (self.bytes, self.hash.finish_128());
        match stored(connection, &self.path, expected) {
            Some(version) => Ok(version),
            None if self.creates && is_there(&error) => Err(io_error(other_bytes(&self.path))),
            None => Err(io_error(error)),
        }
    }

    /// Removes the parts that were sent. If that fails, the store keeps them until
    /// its rules remove them.
    pub(super) fn abort(self) {
        if let Some(parts) = self.parts {
            let _ = self.connection.wait(parts.abort());
        }
    }

    /// Returns the condition that the object is as it is now.
    fn there(&self) -> io::Result<Condition> {
        let head = self
            .connection
            .ask(|| self.connection.store.head(&self.path));
        match head {
            Ok(meta) => Ok(Condition::Version(Version::of(&meta))),
            Err(Error::NotFound { .. }) => Ok(Condition::Absent),
            Err(error) => Err(io_error(error)),
        }
    }

    /// Returns the upload in parts. The first call begins it with the bytes so far.
    fn parts(&mut self) -> io::Result<&mut WriteMultipart> {
        let parts = match self.parts.take() {
            Some(parts) => parts,
            None => {
                let options = PutMultipartOptions {
                    attributes: self.attributes.clone(),
                    ..PutMultipartOptions::default()
                };
                let store = &self.connection.store;
                if self.connection.has_conditions() {
                    self.condition = Some(match self.creates {
                        true => Condition::Absent,
                        false => self.there()?,
                    });
                }
                // An upload that was begun twice leaves an empty one behind.
                let begin = || store.put_multipart_opts(&self.path, options.clone());
                let begun = self.connection.ask(begin).map_err(io_error)?;
                let mut parts = WriteMultipart::new_with_chunk_size(begun, PART);
                // A part is sent from within the runtime.
                let _runtime = self.connection.runtime.enter();
                parts.put(std::mem::take(&mut self.head).into());
                parts
            }
        };
        Ok(self.parts.insert(parts))
    }
}

impl Write for Upload<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        // More at once would be in memory beyond [`LARGEST_UPLOAD`].
        let bytes = bytes.get(..PART).unwrap_or(bytes);
        if self.parts.is_none() && self.head.len() + bytes.len() <= PART {
            self.head.extend_from_slice(bytes);
        } else {
            let connection = self.connection;
            let parts = self.parts()?;
            connection
                .wait(parts.wait_for_capacity(PARTS_AT_ONCE))
                .map_err(io_error)?;
            let _runtime = connection.runtime.enter();
            parts.write(bytes);
        }
        self.bytes += bytes.len() as u64;
        self.hash.write(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// An object that is put by one request.
struct SmallObject<'a> {
    connection: &'a Connection,
    path: &'a Path,
    attributes: Attributes,
    bytes: Bytes,
    /// Whether it is put only where there is none.
    creates: bool,
}

impl SmallObject<'_> {
    /// Puts the object, and returns its version. Where the store has conditions, a request that
    /// arrives late, when another process has written the object, changes nothing.
    fn put(self) -> Result<Version> {
        if !self.connection.has_conditions() {
            let put = self.send(PutMode::Overwrite);
            return self.connection.wait(put).map(Version::stored);
        }
        for _ in 0..REPEATS {
            match self.connection.ask(|| self.send(PutMode::Create)) {
                Err(Error::AlreadyExists { .. } | Error::Precondition { .. }) => {}
                created => return created.map(Version::stored),
            }
            let got = self.connection.ask(|| async {
                let got = self.connection.store.get(self.path).await?;
                let version = Version::of(&got.meta);
                Ok((version, got.bytes().await?))
            });
            let version = match got {
                // An answer was lost, or an earlier run has put it.
                Ok((version, bytes)) if bytes == self.bytes => return Ok(version),
                Ok(_) if self.creates => return Err(other_bytes(self.path)),
                Ok((version, _)) => version,
                Err(Error::NotFound { .. }) => continue,
                Err(error) => return Err(error),
            };
            let replace = || self.send(PutMode::Update(version.update()));
            match self.connection.ask(replace) {
                // It may be ours, when the answer was lost: it is looked at again.
                Err(Error::AlreadyExists { .. } | Error::Precondition { .. }) => {}
                replaced => return replaced.map(Version::stored),
            }
        }
        Err(Error::Precondition {
            path: self.path.to_string(),
            source: "another process writes it at the same time".into(),
        })
    }

    async fn send(&self, mode: PutMode) -> Result<PutResult> {
        let options = PutOptions {
            mode,
            attributes: self.attributes.clone(),
            ..PutOptions::default()
        };
        let payload = self.bytes.clone().into();
        let store = &self.connection.store;
        store.put_opts(self.path, payload, options).await
    }
}

/// Wraps an error of the store for a writer.
fn io_error(error: object_store::Error) -> io::Error {
    io::Error::other(AdvisedError::from(error))
}

/// Whether an object was not created because there is one.
fn is_there(error: &Error) -> bool {
    matches!(
        error,
        Error::AlreadyExists { .. } | Error::Precondition { .. }
    )
}

/// The error of an object that is to be created where another worker has put other bytes.
fn other_bytes(path: &Path) -> Error {
    let text = "another worker has stored other bytes there, because an image has changed \
                meanwhile; only a conversion that holds the output alone replaces them";
    Error::AlreadyExists {
        path: path.to_string(),
        source: text.into(),
    }
}

/// Returns the version of the object at `path` if it has that length and that XXH3.
fn stored(connection: &Connection, path: &Path, expected: (u64, u128)) -> Option<Version> {
    let read = async {
        let found = connection.store.get(path).await?;
        let version = Version::of(&found.meta);
        let mut found = found.into_stream();
        let (mut length, mut hash) = (0, XxHash3_128::new());
        while let Some(piece) = found.try_next().await? {
            length += piece.len() as u64;
            hash.write(&piece);
        }
        Ok::<_, Error>((version, (length, hash.finish_128())))
    };
    let (version, found) = connection.wait(read).ok()?;
    (found == expected).then_some(version)
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use object_store::memory::InMemory;
    use object_store::{ObjectStoreExt, RetryConfig};

    use super::*;

    /// Two shards of the same size: each part ends with its CRC-32C, so that the CRC-32C of
    /// the whole is the same.
    #[test]
    fn shards_of_the_same_size_are_told_apart() {
        let shard = |pixel: u8| -> Vec<u8> {
            let chunk = [pixel; 60];
            [&chunk[..], &crc32c::crc32c(&chunk).to_le_bytes()].concat()
        };
        assert_eq!(crc32c::crc32c(&shard(1)), crc32c::crc32c(&shard(2)));
        let connection = Connection::new(Arc::new(InMemory::new()), RetryConfig::default());
        let connection = connection.unwrap();
        let path = Path::from("shard");
        let put = connection.store.put(&path, shard(1).into());
        connection.wait(put).unwrap();
        let expected = |shard: Vec<u8>| (shard.len() as u64, XxHash3_128::oneshot(&shard));
        assert!(stored(&connection, &path, expected(shard(1))).is_some());
        assert!(stored(&connection, &path, expected(shard(2))).is_none());
    }
}
