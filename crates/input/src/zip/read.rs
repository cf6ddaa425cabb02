//! ReadHints entries: neighbours at once.

use std::io;
use std::ops::Range;

use libdeflater::Decompressor;
use rawzip::ReaderAt;
use rxrx_storage::Unreachable;

use super::archive::Archive;
use super::content::Content;
use super::directory::{Entry, LOCAL_HEADER};
use super::spares::Spare;
use crate::source::{ReadHints, Source, SourceStamp, read_alone};

/// Bytes of an extra field that are read along with a local header; of a longer
/// one the data behind it take a read of their own.
const EXTRA_FIELD: usize = 512;
/// The same where only a few bytes of the file are wanted: those of a time stamp,
/// an owner and sizes of 64 bits.
const SHORT_EXTRA_FIELD: usize = 64;
/// Bytes between two entries that are read along rather than left out, if there
/// are not more of them than of the first.
const GAP: u64 = 16 << 10;
/// Bytes that are read at once where several entries lie side by side.
const MERGED: u64 = 4 << 20;

/// A file that is wanted.
struct Wanted<'a> {
    /// Its place among those asked for.
    number: usize,
    entry: &'a Entry,
    /// Where its header and data lie, most likely all of them.
    range: Range<u64>,
}

impl Archive {
    fn wanted(&self, number: usize, path: &str, at_most: usize) -> io::Result<Wanted<'_>> {
        let entry = self.directory.get(path).ok_or_else(|| {
            io::Error::new(
                io::ErrorKind::NotFound,
                "there is no such file in the archive",
            )
        })?;
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

    /// Takes a file from `window`, bytes that begin with its local header.
    fn take(
        &self,
        entry: &Entry,
        window: &[u8],
        at_most: usize,
        decompressor: &mut Decompressor,
        bytes: &mut Vec<u8>,
    ) -> io::Result<SourceStamp> {
        let start = entry.data_start(self.directory.name(entry), window)?;
        let end = start + entry.packed_bytes(at_most);
        match window.get(start..end) {
            Some(data) => entry.unpack(data, at_most, decompressor, bytes)?,
            None => {
                let mut data = vec![0; end - start];
                let offset = entry.offset + start as u64;
                self.content.read_exact_at(&mut data, offset)?;
                entry.unpack(&data, at_most, decompressor, bytes)?;
            }
        }
        Ok(stamp(entry))
    }
}

impl Source for Archive {
    fn read(&self, path: &str, at_most: usize, bytes: &mut Vec<u8>) -> io::Result<SourceStamp> {
        read_alone(self, path, at_most, bytes)
    }

    fn read_all(
        &self,
        files: &mut [(&str, Vec<u8>)],
        at_most: usize,
    ) -> Vec<io::Result<SourceStamp>> {
        let mut results: Vec<io::Result<SourceStamp>> = Vec::with_capacity(files.len());
        let mut wanted = Vec::with_capacity(files.len());
        for (number, (path, bytes)) in files.iter_mut().enumerate() {
            bytes.clear();
            match self.wanted(number, path, at_most) {
                Ok(file) => {
                    results.push(Ok(stamp(file.entry)));
                    wanted.push(file);
                }
                Err(error) => results.push(Err(error)),
            }
        }
        wanted.sort_by_key(|file| file.range.start);
        let groups: Vec<Group<'_, '_>> = groups(&wanted).collect();
        self.spares.with(|spare| {
            let Spare {
                bytes: window,
                decompressor,
            } = spare;
            let mut unpack = |group: &Group<'_, '_>, read: io::Result<&[u8]>| {
                for file in group.files {
                    let place = results.get_mut(file.number);
                    let Some((result, (_, bytes))) = place.zip(files.get_mut(file.number)) else {
                        continue;
                    };
                    *result = match &read {
                        Ok(window) => {
                            let window = group.window(file, window);
                            self.take(file.entry, window, at_most, decompressor, bytes)
                        }
                        Err(error) => Err(Unreachable::copy(error)),
                    };
                }
            };
            match &self.content {
                Content::Here(content) => {
                    for group in &groups {
                        window.resize(group.length(), 0);
                        let read = content.read_exact_at(window, group.range.start);
                        unpack(group, read.map(|()| window.as_slice()));
                    }
                }
                Content::There(content) => {
                    let ranges: Vec<_> = groups.iter().map(|group| group.range.clone()).collect();
                    match content.parts(&ranges) {
                        Ok(parts) => {
                            for (group, part) in groups.iter().zip(&parts) {
                                unpack(group, Ok(part));
                            }
                        }
                        Err(error) => {
                            for group in &groups {
                                unpack(group, Err(Unreachable::copy(&error)));
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
            Content::Here(_) => ReadHints::DISK,
            Content::There(_) => ReadHints::RANGES,
        }
    }

    fn stamp(&self, path: &str) -> io::Result<SourceStamp> {
        let entry = self.directory.get(path);
        entry
            .map(stamp)
            .ok_or_else(|| io::ErrorKind::NotFound.into())
    }
}

/// Files that one read serves.
struct Group<'a, 'b> {
    files: &'b [Wanted<'a>],
    /// What is read.
    range: Range<u64>,
}

impl Group<'_, '_> {
    fn length(&self) -> usize {
        (self.range.end - self.range.start) as usize
    }

    /// The part of `bytes`, which are those of the group, that one file has.
    fn window<'c>(&self, file: &Wanted<'_>, bytes: &'c [u8]) -> &'c [u8] {
        let place = |offset: u64| (offset - self.range.start) as usize;
        let range = place(file.range.start)..place(file.range.end);
        bytes.get(range).unwrap_or_default()
    }
}

/// The groups of files that lie in the order of their offsets.
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

fn stamp(entry: &Entry) -> SourceStamp {
    SourceStamp {
        bytes: entry.unpacked.into(),
        version: Some(entry.crc.into()),
    }
}
