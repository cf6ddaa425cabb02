//! One object as a file: read by ranges, and never another one in its place.

use std::io::{self, Read, Seek, SeekFrom};
use std::ops::Range;
use std::sync::{Mutex, PoisonError};

use bytes::Bytes;
use rawzip::ReaderAt;

use super::client::{Remote, RemoteObject};
use crate::location::Address;
use crate::store::StoreError;
use crate::unreachable::Unreachable;

/// Bytes of the end that are read at once: in an archive the end record, and of
/// a small one the whole central directory.
const TAIL: u64 = 64 << 10;
/// Bytes that are read at once anywhere else.
const AHEAD: u64 = 8 << 20;

/// The bytes of one object as it was found.
#[derive(Clone)]
pub struct RemoteBytes {
    remote: Remote,
    object: RemoteObject,
}

impl RemoteBytes {
    /// The object at `address`; `None` where there is none, or one without bytes.
    pub fn find(address: &Address) -> Result<Option<Self>, StoreError> {
        Self::of(Remote::object(address)?)
    }

    /// The object at the address of `remote`.
    pub fn of(remote: Remote) -> Result<Option<Self>, StoreError> {
        let found = remote.head("")?.filter(|object| object.size > 0);
        Ok(found.map(|object| Self { remote, object }))
    }

    /// The number of bytes.
    pub fn length(&self) -> u64 {
        self.object.size
    }

    /// Parts of it, several at once, in the order of `ranges`.
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

/// The same, read in few large pieces from near the place that is asked for.
pub struct ReadAhead {
    bytes: RemoteBytes,
    windows: Mutex<Windows>,
    /// Where [`Read`] is.
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
    pub fn new(bytes: RemoteBytes) -> Self {
        Self {
            bytes,
            windows: Mutex::default(),
            position: 0,
        }
    }

    /// The bytes, without what was read of them.
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
            // Up to what is there already.
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
    /// What it has from `offset` on.
    fn from(&self, offset: u64) -> Option<Bytes> {
        let skipped = usize::try_from(offset.checked_sub(self.start)?).ok()?;
        (skipped < self.bytes.len()).then(|| self.bytes.slice(skipped..))
    }
}

/// As many bytes as fit.
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

    /// An object of so many bytes, each unlike its neighbours.
    fn object(length: usize) -> (Vec<u8>, RemoteBytes) {
        let bytes: Vec<u8> = (0..length).map(|at| (at % 251) as u8).collect();
        let remote = Remote::on(Arc::new(InMemory::new()), "a/b.zip");
        remote.put("", bytes.clone().into()).unwrap();
        (bytes, RemoteBytes::of(remote).unwrap().unwrap())
    }

    #[test]
    fn bytes_are_the_same_wherever_they_are_asked_for() {
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
    fn nothing_is_no_object() {
        let remote = Remote::on(Arc::new(InMemory::new()), "a/b.zip");
        assert!(RemoteBytes::of(remote.clone()).unwrap().is_none());
        remote.put("", Bytes::new()).unwrap();
        assert!(RemoteBytes::of(remote).unwrap().is_none());
    }

    #[test]
    fn another_object_in_its_place_is_not_read() {
        let (bytes, remote) = object(1000);
        remote.remote.put("", bytes.into()).unwrap();
        let error = remote.read_at(&mut [0; 4], 0).unwrap_err();
        assert!(error.to_string().contains("was replaced"), "{error}");
    }
}
