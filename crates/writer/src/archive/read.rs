//! Reading entries: neighbours at once.

use std::io;
use std::ops::Range;
use std::sync::{Mutex, PoisonError};

use libdeflater::Decompressor;

use super::Archive;
use super::directory::{Entry, LOCAL_HEADER};
use crate::source::{Source, SourceStamp};

/// Bytes of an extra field that are read along with a local header; of a longer
/// one the data behind it take a read of their own.
const EXTRA_FIELD: usize = 512;
/// Bytes between two entries that are read along rather than left out.
const GAP: u64 = 16 << 10;
/// Bytes that are read at once where several entries lie side by side.
const MERGED: u64 = 4 << 20;

/// What a read needs for itself, used again and again.
struct Spare {
    bytes: Vec<u8>,
    decompressor: Decompressor,
}

/// As many as ever were in use at once.
#[derive(Default)]
pub(super) struct Spares(Mutex<Vec<Spare>>);

impl Spares {
    fn with<T>(&self, work: impl FnOnce(&mut Spare) -> T) -> T {
        let lock = || self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let spare = lock().pop();
        let mut spare = spare.unwrap_or_else(|| Spare {
            bytes: Vec::new(),
            decompressor: Decompressor::new(),
        });
        let done = work(&mut spare);
        lock().push(spare);
        done
    }
}

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
        let header = LOCAL_HEADER as usize + entry.name_length() + EXTRA_FIELD;
        let length = (header + entry.packed_bytes(at_most)).min(entry.room as usize);
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
                self.bytes.read_exact_at(&mut data, offset)?;
                entry.unpack(&data, at_most, decompressor, bytes)?;
            }
        }
        Ok(stamp(entry))
    }
}

impl Source for Archive {
    fn read(&self, path: &str, at_most: usize, bytes: &mut Vec<u8>) -> io::Result<SourceStamp> {
        let mut file = [(path, std::mem::take(bytes))];
        let read = self.read_all(&mut file, at_most).pop();
        let [(_, read_bytes)] = file;
        *bytes = read_bytes;
        read.unwrap_or_else(|| Err(io::ErrorKind::NotFound.into()))
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
        self.spares.with(|spare| {
            let Spare {
                bytes: window,
                decompressor,
            } = spare;
            for group in groups(&wanted) {
                let start = group.first().map_or(0, |file| file.range.start);
                let end = group.iter().map(|file| file.range.end).max();
                window.resize((end.unwrap_or(start) - start) as usize, 0);
                let read = self.bytes.read_exact_at(window, start);
                for file in group {
                    let place = results.get_mut(file.number);
                    let Some((result, (_, bytes))) = place.zip(files.get_mut(file.number)) else {
                        continue;
                    };
                    let range =
                        (file.range.start - start) as usize..(file.range.end - start) as usize;
                    let window = window.get(range).unwrap_or_default();
                    *result = match &read {
                        Ok(()) => self.take(file.entry, window, at_most, decompressor, bytes),
                        Err(error) => Err(io::Error::new(error.kind(), error.to_string())),
                    };
                }
            }
        });
        results
    }

    fn stamp(&self, path: &str) -> io::Result<SourceStamp> {
        let entry = self.directory.get(path);
        entry
            .map(stamp)
            .ok_or_else(|| io::ErrorKind::NotFound.into())
    }
}

/// Files, by their offset, that one read serves.
fn groups<'a, 'b>(mut files: &'b [Wanted<'a>]) -> impl Iterator<Item = &'b [Wanted<'a>]> {
    std::iter::from_fn(move || {
        let first = files.first()?;
        let mut end = first.range.end;
        let fits = |file: &&Wanted<'_>| {
            let fits = file.range.start.saturating_sub(end) <= GAP
                && file.range.end - first.range.start <= MERGED;
            end = file.range.end;
            fits
        };
        let count = 1 + files.iter().skip(1).take_while(fits).count();
        let (now, later) = files.split_at_checked(count)?;
        files = later;
        Some(now)
    })
}

fn stamp(entry: &Entry) -> SourceStamp {
    SourceStamp {
        bytes: entry.unpacked.into(),
        version: Some(entry.crc.into()),
    }
}
