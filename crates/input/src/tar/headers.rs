//! The headers of a tar, read in few pieces and without the images between them.

use std::cell::{Cell, RefCell};
use std::io::{self, Read, Seek, SeekFrom};
use std::rc::Rc;

use bytes::Bytes;

use crate::container::Opened;

/// Bytes that are read for one header: the block itself, and the blocks of a long name.
const HEADER: u64 = 4 << 10;
/// Most bytes that are read at once.
const WINDOW: u64 = 8 << 20;
/// Headers that one read is to serve.
const HEADERS_AT_ONCE: u64 = 16;
/// Mean distance of headers up to which the bytes between them are read, too: on a disk,
/// and in a store, where a request takes as long as some 100 kB.
const NEAR: [u64; 2] = [32 << 10, 512 << 10];
/// Most bytes of the header of one member.
const HEADER_AT_MOST: u64 = 1 << 20;

/// What a reader shares with whoever asks for the next member.
#[derive(Clone, Default)]
pub(super) struct Watch {
    /// Bytes that may be read before the next member.
    left: Rc<Cell<u64>>,
    /// The error of a read, which the parser hides.
    failure: Rc<RefCell<Option<io::Error>>>,
}

impl Watch {
    /// Allows the header of one more member.
    pub(super) fn allow(&self) {
        self.left.set(HEADER_AT_MOST);
    }

    /// Whether a header has more bytes than were allowed.
    pub(super) fn is_exceeded(&self) -> bool {
        self.left.get() == 0
    }

    /// Returns the error of the read that failed.
    pub(super) fn failure(&self) -> Option<io::Error> {
        self.failure.borrow_mut().take()
    }
}

/// Reads a tar at the places where the parser seeks to.
pub(super) struct HeaderReader<'a> {
    opened: &'a Opened<'a>,
    length: u64,
    near: u64,
    watch: Watch,
    position: u64,
    /// Where the window begins, and its bytes.
    start: u64,
    window: Bytes,
    /// Sum and number of the distances between headers so far.
    distances: (u64, u64),
    last_header: u64,
    #[cfg(test)]
    bytes_read: usize,
}

impl<'a> HeaderReader<'a> {
    pub(super) fn new(opened: &'a Opened<'a>, length: u64, is_remote: bool, watch: Watch) -> Self {
        let [disk, store] = NEAR;
        Self {
            opened,
            length,
            near: if is_remote { store } else { disk },
            watch,
            position: 0,
            start: 0,
            window: Bytes::new(),
            distances: (0, 0),
            last_header: 0,
            #[cfg(test)]
            bytes_read: 0,
        }
    }

    /// Number of bytes to be read from a header on.
    fn ahead(&self) -> u64 {
        let (sum, number) = self.distances;
        match sum.checked_div(number) {
            Some(mean) if mean <= self.near => (mean * HEADERS_AT_ONCE).clamp(HEADER, WINDOW),
            _ => HEADER,
        }
    }

    /// The bytes at the position, which are read if they are not in the window.
    fn at_position(&mut self) -> io::Result<&[u8]> {
        let inside = |start: u64, window: &Bytes, position: u64| {
            let skipped = usize::try_from(position.checked_sub(start)?).ok()?;
            (skipped < window.len()).then_some(skipped)
        };
        let mut skipped = inside(self.start, &self.window, self.position);
        if skipped.is_none() && self.position < self.length {
            let end = self.length.min(self.position.saturating_add(self.ahead()));
            let range = self.position..end;
            let parts = self.opened.parts(std::slice::from_ref(&range));
            match parts {
                Ok(parts) => self.window = parts.into_iter().next().unwrap_or_default(),
                Err(error) => {
                    let text = error.to_string();
                    *self.watch.failure.borrow_mut() = Some(error);
                    return Err(io::Error::other(text));
                }
            }
            self.start = self.position;
            #[cfg(test)]
            {
                self.bytes_read += self.window.len();
            }
            skipped = inside(self.start, &self.window, self.position);
        }
        Ok(skipped.and_then(|at| self.window.get(at..)).unwrap_or(&[]))
    }
}

impl Read for HeaderReader<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let left = self.watch.left.get();
        if left == 0 {
            return Err(io::Error::other("the header is too long"));
        }
        let at_most = usize::try_from(left).unwrap_or(usize::MAX);
        let bytes = self.at_position()?;
        let length = bytes.len().min(buffer.len()).min(at_most);
        if let Some((to, from)) = buffer.get_mut(..length).zip(bytes.get(..length)) {
            to.copy_from_slice(from);
        }
        self.watch.left.set(left - length as u64);
        self.position += length as u64;
        Ok(length)
    }
}

impl Seek for HeaderReader<'_> {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        let position = match to {
            SeekFrom::Start(position) => Some(position),
            SeekFrom::End(from) => self.length.checked_add_signed(from),
            SeekFrom::Current(from) => self.position.checked_add_signed(from),
        };
        let position = position.ok_or(io::ErrorKind::InvalidInput)?;
        if let Some(distance) = position.checked_sub(self.last_header)
            && distance > 0
            && position != self.position
        {
            let (sum, number) = self.distances;
            self.distances = (sum.saturating_add(distance), number + 1);
            self.last_header = position;
        }
        self.position = position;
        Ok(position)
    }
}

/// Returns how many bytes of a tar are read to find all its members.
#[cfg(test)]
pub(super) fn bytes_read(tar: Vec<u8>) -> usize {
    let tar = Bytes::from(tar);
    let opened = Opened::Memory(&tar);
    let watch = Watch::default();
    watch.allow();
    let reader = HeaderReader::new(&opened, tar.len() as u64, false, watch.clone());
    let mut archive = tar::Archive::new(reader);
    let mut members = 0;
    if let Ok(entries) = archive.entries_with_seek() {
        for entry in entries {
            watch.allow();
            members += usize::from(entry.is_ok());
        }
    }
    let reader = archive.into_inner();
    assert!(members > 0 && reader.position > 0);
    reader.bytes_read
}
