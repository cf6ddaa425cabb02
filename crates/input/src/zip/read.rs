//! Reads files of an archive; neighbours are read at once.

use std::io;
use std::ops::Range;

use libdeflater::Decompressor;

use super::archive::Archive;
use super::buffers::ReadBuffer;
use super::content::{Content, LocalContent, short_answer};
use super::directory::{Entry, LOCAL_HEADER};
use crate::read_error::ReadError;
use crate::source::{ReadHints, Source, SourceStamp};

/// Bytes of the extra field that are read with a local header. If the field is
/// longer, the data are read by another call.
const EXTRA_FIELD: usize = 512;
/// Bytes of the extra field if only a few bytes of the file are wanted: the usual
/// time stamp, owner and sizes of 64 bits.
const SHORT_EXTRA_FIELD: usize = 64;
/// Most bytes between two entries that are read with them, if there are not more
/// than in the first entry.
const GAP: u64 = 16 << 10;
/// Most bytes that one call reads if several entries are neighbours.
const MERGED: u64 = 4 << 20;

/// A file to be read.
struct Wanted<'a> {
    /// Its position among the files of the call.
    number: usize,
    entry: &'a Entry,
    /// Bytes of the archive that have its local header and most likely all its
    /// data.
    range: Range<u64>,
}

/// The results of one call of [`Source::read_all`] so far.
struct Unpacking<'a, 'b> {
    archive: &'a Archive,
    /// Path and bytes of each file.
    files: &'a mut [(&'b str, Vec<u8>)],
    results: &'a mut [Result<SourceStamp, ReadError>],
    at_most: usize,
    decompressor: &'a mut Decompressor,
}

impl Unpacking<'_, '_> {
    /// Unpacks the files of a group from its bytes. An error is that of each file.
    fn unpack(&mut self, group: &Group<'_, '_>, read: Result<&[u8], ReadError>) {
        for file in group.files {
            let window = match &read {
                Ok(window) => Ok(group.window(file, window)),
                Err(error) => Err(error.clone()),
            };
            self.unpack_file(file, window);
        }
    }

    /// Unpacks one file from bytes that begin with its local header.
    fn unpack_file(&mut self, file: &Wanted<'_>, read: Result<&[u8], ReadError>) {
        let result = self.results.get_mut(file.number);
        let Some((result, (path, bytes))) = result.zip(self.files.get_mut(file.number)) else {
            return;
        };
        let (archive, at_most) = (self.archive, self.at_most);
        let taken = read.and_then(|window| {
            archive.take(path, file.entry, window, at_most, self.decompressor, bytes)
        });
        *result = archive.examine(path, taken);
    }

    /// Reads a group of a local archive into `window` and unpacks its files.
    fn read_local(&mut self, group: &Group<'_, '_>, content: &LocalContent, window: &mut Vec<u8>) {
        window.resize(group.length(), 0);
        if content.read_once(window, group.range.start).is_ok() {
            self.unpack(group, Ok(window));
            return;
        }
        // Bad bytes of one file must not spoil its neighbours.
        for file in group.files {
            let path = self.files.get(file.number).map_or("", |(path, _)| *path);
            window.resize((file.range.end - file.range.start) as usize, 0);
            let read = content.read_exact(window, file.range.start);
            let read = read.map_err(|error| self.archive.judge(content, path, error));
            self.unpack_file(file, read.map(|()| window.as_slice()));
        }
    }
}

/// Reading, apart from [`Archive`] itself because it is a concern of its own.
impl Archive {
    /// Finds a file and the bytes that have to be read for it.
    fn find(&self, number: usize, path: &str, at_most: usize) -> Result<Wanted<'_>, ReadError> {
        let entry = self.entry(path)?;
        entry.check()?;
        let packed = entry.packed_bytes(at_most);
        let extra_field = if packed < EXTRA_FIELD {
            SHORT_EXTRA_FIELD
        } else {
            EXTRA_FIELD
        };
        let header = LOCAL_HEADER as usize + entry.name_length() + extra_field;
        let length = (header + packed).min(entry.room as usize);
        Ok(Wanted {
            number,
            entry,
            range: entry.offset..entry.offset.saturating_add(length as u64),
        })
    }

    /// Fills `buffer` with the bytes from `offset` on, which are those of the file at
    /// `path`.
    fn read_exact(&self, path: &str, buffer: &mut [u8], offset: u64) -> Result<(), ReadError> {
        match &self.content {
            Content::Local(content) => {
                let read = content.read_exact(buffer, offset);
                read.map_err(|error| self.judge(content, path, error))
            }
            Content::Remote(bytes) => {
                let range = offset..offset.saturating_add(buffer.len() as u64);
                let parts = bytes.parts(std::slice::from_ref(&range))?;
                match parts.first() {
                    Some(part) if part.len() == buffer.len() => {
                        buffer.copy_from_slice(part);
                        Ok(())
                    }
                    _ => Err(short_answer()),
                }
            }
        }
    }

    /// Returns what the error of a read means for the file at `path`.
    fn judge(&self, content: &LocalContent, path: &str, error: io::Error) -> ReadError {
        content.judge(path, error, &|other| {
            let Some(entry) = self.directory.get(other) else {
                return Ok(());
            };
            let mut header = [0; LOCAL_HEADER as usize];
            content.read_exact(&mut header, entry.offset)
        })
    }

    /// Notes a file that was read. If one cannot be used, finds out whether the archive
    /// is still what was opened.
    fn examine(
        &self,
        path: &str,
        taken: Result<SourceStamp, ReadError>,
    ) -> Result<SourceStamp, ReadError> {
        let Content::Local(content) = &self.content else {
            return taken;
        };
        match &taken {
            Ok(_) => content.faults.note_good(path),
            Err(ReadError::Unreachable(_)) => {}
            Err(error) => {
                if let Some(fault) = content.changed(&error.to_string()) {
                    return Err(fault.into());
                }
            }
        }
        taken
    }

    /// Unpacks the file at `path` from `window`, bytes that begin with its local header.
    fn take(
        &self,
        path: &str,
        entry: &Entry,
        window: &[u8],
        at_most: usize,
        decompressor: &mut Decompressor,
        bytes: &mut Vec<u8>,
    ) -> Result<SourceStamp, ReadError> {
        let start = entry.data_start(self.directory.name(entry), window)?;
        let end = start + entry.packed_bytes(at_most);
        match window.get(start..end) {
            Some(data) => entry.unpack(data, at_most, decompressor, bytes)?,
            None => {
                let mut data = vec![0; end - start];
                self.read_exact(path, &mut data, entry.offset + start as u64)?;
                entry.unpack(&data, at_most, decompressor, bytes)?;
            }
        }
        Ok(stamp(entry))
    }

    /// The entry of a file.
    fn entry(&self, path: &str) -> Result<&Entry, ReadError> {
        let entry = self.directory.get(path);
        entry.ok_or_else(|| ReadError::vanished("there is no such file in the archive"))
    }
}

impl Source for Archive {
    fn read_all(
        &self,
        files: &mut [(&str, Vec<u8>)],
        at_most: usize,
    ) -> Vec<Result<SourceStamp, ReadError>> {
        let mut results = Vec::with_capacity(files.len());
        let mut wanted = Vec::with_capacity(files.len());
        for (number, (path, bytes)) in files.iter_mut().enumerate() {
            bytes.clear();
            results.push(self.find(number, path, at_most).map(|file| {
                let stamp = stamp(file.entry);
                wanted.push(file);
                stamp
            }));
        }
        wanted.sort_by_key(|file| file.range.start);
        let groups: Vec<Group<'_, '_>> = groups(&wanted).collect();
        self.buffers.with(|buffer| {
            let ReadBuffer {
                bytes: window,
                decompressor,
            } = buffer;
            let mut unpacking = Unpacking {
                archive: self,
                files,
                results: &mut results,
                at_most,
                decompressor,
            };
            match &self.content {
                Content::Local(content) => {
                    for group in &groups {
                        unpacking.read_local(group, content, window);
                    }
                }
                Content::Remote(content) => {
                    let ranges: Vec<_> = groups.iter().map(|group| group.range.clone()).collect();
                    match content.parts(&ranges) {
                        Ok(parts) => {
                            for (group, part) in groups.iter().zip(&parts) {
                                let is_whole = part.len() == group.length();
                                let part = is_whole.then_some(&part[..]);
                                unpacking.unpack(group, part.ok_or_else(short_answer));
                            }
                        }
                        Err(error) => {
                            for group in &groups {
                                unpacking.unpack(group, Err(error.clone().into()));
                            }
                        }
                    }
                }
            }
        });
        results
    }

    fn read_hints(&self) -> ReadHints {
        match self.content {
            Content::Local(_) => ReadHints::DISK,
            Content::Remote(_) => ReadHints::RANGES,
        }
    }

    fn stamp(&self, path: &str) -> Result<SourceStamp, ReadError> {
        self.entry(path).map(stamp)
    }

    /// Returns all: the directory has them.
    fn stamps_at_most(&self) -> usize {
        usize::MAX
    }
}

/// Neighbouring files that one read serves.
struct Group<'a, 'b> {
    files: &'b [Wanted<'a>],
    /// The bytes of the archive that are read.
    range: Range<u64>,
}

impl Group<'_, '_> {
    /// Number of bytes that are read.
    fn length(&self) -> usize {
        (self.range.end - self.range.start) as usize
    }

    /// The part of `bytes`, the bytes of the group, that belongs to one file.
    fn window<'c>(&self, file: &Wanted<'_>, bytes: &'c [u8]) -> &'c [u8] {
        let position = |offset: u64| (offset - self.range.start) as usize;
        let range = position(file.range.start)..position(file.range.end);
        // Bytes that are missing are read by another call.
        bytes.get(range).unwrap_or(&[])
    }
}

/// Groups files, which ascend by their offset.
fn groups<'a, 'b>(mut files: &'b [Wanted<'a>]) -> impl Iterator<Item = Group<'a, 'b>> {
    std::iter::from_fn(move || {
        let mut range = files.first()?.range.clone();
        let gap = GAP.min(range.end - range.start);
        let fits = |file: &&Wanted<'_>| {
            let fits = file.range.start.saturating_sub(range.end) <= gap
                && file.range.end.saturating_sub(range.start) <= MERGED;
            if fits {
                range.end = range.end.max(file.range.end);
            }
            fits
        };
        let count = 1 + files.iter().skip(1).take_while(fits).count();
        let (now, later) = files.split_at_checked(count)?;
        files = later;
        Some(Group { files: now, range })
    })
}

/// Stamp of a file: its size and its CRC-32.
fn stamp(entry: &Entry) -> SourceStamp {
    SourceStamp {
        bytes: entry.unpacked.into(),
        version: Some(entry.crc.into()),
    }
}
