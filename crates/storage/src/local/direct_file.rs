//! Files past the page cache.
//!
//! A shard is not read again soon. Copied into the page cache it would take the
//! place of images that are yet to be read, and on fresh pages the copy alone
//! takes a fifth as long as making the shard.
#![allow(
    clippy::indexing_slicing,
    reason = "the buffer is as long as its constants say"
)]

use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use crate::platform::open_direct;

/// Memory, offset and length of each write are multiples of it: a page, which
/// is enough for any disk.
const ALIGNMENT: usize = 4096;

/// Bytes of one write.
const BUFFER: usize = 1 << 20;

/// A file that is written from its start to its end, past the page cache where
/// the system and the file system let it.
pub(super) struct DirectFile {
    path: PathBuf,
    file: File,
    memory: Vec<u8>,
    /// Where the aligned part of `memory` begins.
    start: usize,
    filled: usize,
    written: u64,
}

impl DirectFile {
    /// Creates the file at `path`, or empties it.
    pub(super) fn create(path: &Path) -> io::Result<Self> {
        let mut options = OpenOptions::new();
        options.write(true).create(true).truncate(true);
        let file = match open_direct(&options, path) {
            // The file system has no such thing.
            Err(error) if error.kind() == io::ErrorKind::InvalidInput => options.open(path),
            file => file,
        }?;
        let memory = vec![0; BUFFER + ALIGNMENT];
        Ok(Self {
            path: path.to_owned(),
            file,
            start: memory.as_ptr().align_offset(ALIGNMENT).min(ALIGNMENT),
            memory,
            filled: 0,
            written: 0,
        })
    }

    /// Writes the rest and flushes all of it.
    pub(super) fn finish(mut self) -> io::Result<()> {
        // The last write is too long, and the file then cut.
        let end = self.filled.next_multiple_of(ALIGNMENT);
        let length = self.written + self.filled as u64;
        self.memory[self.start + self.filled..self.start + end].fill(0);
        self.write_out(end)?;
        self.file.set_len(length)?;
        self.file.sync_all()
    }

    fn write_out(&mut self, length: usize) -> io::Result<()> {
        let buffer = &self.memory[self.start..self.start + length];
        match self.file.write_all(buffer) {
            // Others notice only now.
            Err(error) if error.kind() == io::ErrorKind::InvalidInput && self.written == 0 => {
                self.file = OpenOptions::new().write(true).open(&self.path)?;
                self.file.write_all(buffer)?;
            }
            result => result?,
        }
        self.written += length as u64;
        self.filled = 0;
        Ok(())
    }
}

impl Write for DirectFile {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let now = bytes.len().min(BUFFER - self.filled);
        let at = self.start + self.filled;
        self.memory[at..at + now].copy_from_slice(&bytes[..now]);
        self.filled += now;
        if self.filled == BUFFER {
            self.write_out(BUFFER)?;
        }
        Ok(now)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_the_parts_joined() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("file");
        for lengths in [
            vec![0],
            vec![1, 4095],
            vec![3 * BUFFER, 5],
            vec![BUFFER - 1, 2 * BUFFER + 777, 0, 1],
        ] {
            let parts: Vec<Vec<u8>> = (1..)
                .zip(&lengths)
                .map(|(byte, length)| (0..*length).map(|at| (at / 7) as u8 ^ byte).collect())
                .collect();
            let mut file = DirectFile::create(&path).unwrap();
            for part in &parts {
                file.write_all(part).unwrap();
            }
            file.finish().unwrap();
            assert!(std::fs::read(&path).unwrap() == parts.concat());
        }
    }
}
