//! One object, read by ranges as a file is read.
//!
//! If the object is replaced or removed, a read fails: bytes of two objects are
//! never mixed.

use std::io::{self, Read, Seek, SeekFrom};
use std::ops::Range;
use std::sync::{Mutex, PoisonError};

use bytes::Bytes;
use rawzip::ReaderAt;

use super::client::{Remote, RemoteObject};
use crate::location::Address;
use crate::store::StoreError;
use crate::unreachable::Unreachable;

/// Bytes of the end that are read at once: the end record of an archive, and the
/// whole central directory of a small one.
const TAIL: u64 = 64 << 10;
/// Bytes that are read at once in front of the end.
const AHEAD: u64 = 8 << 20;

/// The bytes of one object, as long as it is not replaced.
#[derive(Clone)]
pub struct RemoteBytes {
    remote: Remote,
    object: RemoteObject,
}

impl RemoteBytes {
    /// Finds the object at `address`; `None` if it is absent or empty.
    ///
    /// # Errors
    /// [`StoreError`] when the store does not answer or denies the request.
    pub fn find(address: &Address) -> Result<Option<Self>, StoreError> {
        Self::of(Remote::object(address)?)
    }

    /// Finds the object at the address of `remote`; `None` if it is absent or empty.
    ///
    /// # Errors
    /// [`StoreError`] when the store does not answer or denies the request.
    pub fn of(remote: Remote) -> Result<Option<Self>, StoreError> {
        let found = remote.head("")?.filter(|object| object.size > 0);
        Ok(found.map(|object| Self { remote, object }))
    }

    /// The object as it was found.
    pub fn object(&self) -> &RemoteObject {
        &self.object
    }

    /// Makes the bytes of an object of `remote` that was found before.
    pub fn of_object(remote: Remote, object: RemoteObject) -> Self {
        Self { remote, object }
    }

    /// Returns the number of bytes.
    pub fn length(&self) -> u64 {
        self.object.size
    }

    /// Reads several ranges of bytes at the same time, in the order of `ranges`.
    ///
    /// # Errors
    /// [`Unreachable`].
    pub fn parts(&self, ranges: &[Range<u64>]) -> Result<Vec<Bytes>, Unreachable> {
        let read = self.remote.get_ranges(&self.object, ranges);
        read.map_err(Unreachable::from)
    }
}

impl ReaderAt for RemoteBytes {
    fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
        let end = offset.saturating_add(buffer.len() as u64);
        let end = end.min(self.object.size);
        if offset >= end {
            return Ok(0);
        }
        let range = offset..end;
        let parts = self.parts(std::slice::from_ref(&range))?;
        Ok(copy(parts.first(), buffer))
    }
}

/// The bytes of one object, read in few large pieces: each piece begins at the
/// offset that is asked for and is kept for later reads near it.
pub struct ReadAhead {
    bytes: RemoteBytes,
    windows: Mutex<Windows>,
    /// The offset of the next [`Read`].
    position: u64,
}

#[derive(Default)]
struct Windows {
    tail: Option<Window>,
    latest: Option<Window>,
}

struct Window {
    start: u64,
    bytes: Bytes,
}

impl ReadAhead {
    /// Makes a reader that has read nothing yet.
    pub fn new(bytes: RemoteBytes) -> Self {
        Self {
            bytes,
            windows: Mutex::default(),
            position: 0,
        }
    }

    /// Returns the bytes, without the pieces that were read.
    pub fn into_bytes(self) -> RemoteBytes {
        self.bytes
    }
}

impl ReaderAt for ReadAhead {
    fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
        let length = self.bytes.length();
        if offset >= length || buffer.is_empty() {
            return Ok(0);
        }
        let mut windows = self.windows.lock().unwrap_or_else(PoisonError::into_inner);
        let known = || windows.tail.iter().chain(&windows.latest);
        if let Some(found) = known().find_map(|window| window.from(offset)) {
            return Ok(copy(Some(&found), buffer));
        }
        let tail = length.saturating_sub(TAIL);
        let is_tail = offset >= tail;
        let range = if is_tail {
            tail..length
        } else {
            // The piece ends where a known piece begins.
            let next = known().map(|window| window.start);
            let next = next.filter(|start| *start > offset).min();
            offset..next.unwrap_or(length).min(offset.saturating_add(AHEAD))
        };
        let start = range.start;
        let parts = self.bytes.parts(std::slice::from_ref(&range))?;
        let bytes = parts.into_iter().next().unwrap_or_default();
        let window = Window { start, bytes };
        let copied = copy(window.from(offset).as_ref(), buffer);
        let place = if is_tail {
            &mut windows.tail
        } else {
            &mut windows.latest
        };
        *place = Some(window);
        Ok(copied)
    }
}

impl Read for ReadAhead {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.read_at(buffer, self.position)?;
        self.position += read as u64;
        Ok(read)
    }
}

impl Seek for ReadAhead {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        let position = match to {
            SeekFrom::Start(position) => Some(position),
            SeekFrom::End(from) => self.bytes.length().checked_add_signed(from),
            SeekFrom::Current(from) => self.position.checked_add_signed(from),
        };
        self.position = position.ok_or(io::ErrorKind::InvalidInput)?;
        Ok(self.position)
    }
}

impl Window {
    /// Returns the bytes from `offset` on, if the window holds that offset.
    fn from(&self, offset: u64) -> Option<Bytes> {
        let skipped = usize::try_from(offset.checked_sub(self.start)?).ok()?;
        (skipped < self.bytes.len()).then(|| self.bytes.slice(skipped..))
    }
}

/// Copies as many bytes as fit, and returns their number.
fn copy(bytes: Option<&Bytes>, buffer: &mut [u8]) -> usize {
    let bytes = bytes.map(|bytes| &bytes[..]).unwrap_or_default();
    let length = bytes.len().min(buffer.len());
    if let Some((to, from)) = buffer.get_mut(..length).zip(bytes.get(..length)) {
        to.copy_from_slice(from);
    }
    length
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use object_store::memory::InMemory;

    use super::*;

    /// Makes an object of `length` bytes, each unlike its neighbours.
    fn object(length: usize) -> (Vec<u8>, RemoteBytes) {
        let bytes: Vec<u8> = (0..length).map(|at| (at % 251) as u8).collect();
        let remote = Remote::on(Arc::new(InMemory::new()), "a/b.zip");
        remote.put("", bytes.clone().into()).unwrap();
        (bytes, RemoteBytes::of(remote).unwrap().unwrap())
    }

    #[test]
    fn every_way_of_reading_gives_the_same_bytes() {
        let length = (TAIL + AHEAD + AHEAD / 2) as usize;
        let (bytes, remote) = object(length);
        let mut ahead = ReadAhead::new(remote.clone());
        let (tail, middle) = (length - TAIL as usize, AHEAD as usize);
        for offset in [
            length - 9,
            tail,
            tail - 5,
            0,
            3,
            middle - 5,
            middle,
            tail - 9,
        ] {
            let mut read = [0; 11];
            let wanted = &bytes[offset..length.min(offset + 11)];
            for reader in [&ahead as &dyn ReaderAt, &remote] {
                let short = reader.read_exact_at(&mut read, offset as u64);
                assert_eq!(short.is_ok(), wanted.len() == read.len());
                assert_eq!(&read[..wanted.len()], wanted);
            }
            ahead.seek(SeekFrom::Start(offset as u64)).unwrap();
            let mut sequential = Vec::new();
            Read::take(&mut ahead, 11)
                .read_to_end(&mut sequential)
                .unwrap();
            assert_eq!(sequential, wanted);
        }
        assert_eq!(ahead.seek(SeekFrom::End(-1)).unwrap(), length as u64 - 1);
        assert!(ahead.seek(SeekFrom::End(-1 - length as i64)).is_err());
        assert_eq!(remote.read_at(&mut [0; 4], length as u64).unwrap(), 0);
    }

    #[test]
    fn an_absent_or_empty_object_is_not_found() {
        let remote = Remote::on(Arc::new(InMemory::new()), "a/b.zip");
        assert!(RemoteBytes::of(remote.clone()).unwrap().is_none());
        remote.put("", Bytes::new()).unwrap();
        assert!(RemoteBytes::of(remote).unwrap().is_none());
    }

    #[test]
    fn an_object_that_replaced_the_first_one_is_not_read() {
        let (bytes, remote) = object(1000);
        remote.remote.put("", bytes.into()).unwrap();
        let error = remote.read_at(&mut [0; 4], 0).unwrap_err();
        assert!(error.to_string().contains("was replaced"), "{error}");
    }
}
