//! Files that are written past the page cache.
//!
//! A shard is not read again soon. In the page cache it would take the place of
//! images that are still to be read, and the copy into the cache takes a fifth of
//! the time of making the shard.
#![allow(
    clippy::indexing_slicing,
    reason = "the buffer is as long as its constants say"
)]

use std::fs::{File, OpenOptions};
use std::io::{self, Seek, SeekFrom, Write};
use std::path::Path;

use crate::system::open_direct;

/// Address, offset and length of each write are multiples of this number: one page,
/// which is enough for any disk with blocks of at most 4 KiB.
const ALIGNMENT: usize = 4096;

/// The number of bytes of one write.
const BUFFER: usize = 1 << 20;

/// A file that is written from start to end, past the page cache if the operating
/// system and the file system support it.
pub struct DirectFile {
    /// The file, through the page cache.
    file: File,
    /// The same file, past the page cache. `None` where that is not supported, and from
    /// the first write on that the file system refused.
    direct: Option<File>,
    memory: Vec<u8>,
    /// The index in `memory` of the first aligned byte.
    start: usize,
    filled: usize,
    written: u64,
}

impl DirectFile {
    /// Creates the file at `path`, where nothing is.
    ///
    /// # Errors
    /// If something is at `path`, or if the file cannot be created.
    pub fn create_new(path: &Path) -> io::Result<Self> {
        let file = OpenOptions::new().write(true).create_new(true).open(path)?;
        let direct = open_direct(path)?.filter(|direct| is_same_file(direct, &file));
        let memory = vec![0; BUFFER + ALIGNMENT];
        Ok(Self {
            file,
            direct,
            start: memory.as_ptr().align_offset(ALIGNMENT).min(ALIGNMENT),
            memory,
            filled: 0,
            written: 0,
        })
    }

    /// Writes the rest and flushes all of it.
    ///
    /// # Errors
    /// If the bytes cannot be written or flushed.
    pub fn finish(mut self) -> io::Result<()> {
        // The last write is padded to whole pages, and the file is then cut.
        let end = self.filled.next_multiple_of(ALIGNMENT);
        let length = self.written + self.filled as u64;
        self.memory[self.start + self.filled..self.start + end].fill(0);
        self.write_out(end)?;
        self.file.set_len(length)?;
        self.file.sync_all()
    }

    fn write_out(&mut self, length: usize) -> io::Result<()> {
        let buffer = &self.memory[self.start..self.start + length];
        let written = match &mut self.direct {
            Some(direct) => direct.write_all(buffer),
            None => self.file.write_all(buffer),
        };
        match written {
            // Some file systems refuse the first write; those with blocks of more than
            // a page refuse the last one, which is no whole number of blocks.
            Err(error) if error.kind() == io::ErrorKind::InvalidInput && self.direct.is_some() => {
                self.direct = None;
                self.file.seek(SeekFrom::Start(self.written))?;
                self.file.write_all(buffer)?;
            }
            written => written?,
        }
        self.written += length as u64;
        self.filled = 0;
        Ok(())
    }
}

/// Whether nobody has exchanged the file since it was made.
fn is_same_file(one: &File, other: &File) -> bool {
    let handle = |file: &File| file.try_clone().and_then(same_file::Handle::from_file);
    matches!((handle(one), handle(other)), (Ok(one), Ok(other)) if one == other)
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
    fn the_file_is_the_concatenation_of_the_writes() {
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
            let mut file = DirectFile::create_new(&path).unwrap();
            for part in &parts {
                file.write_all(part).unwrap();
            }
            file.finish().unwrap();
            assert!(std::fs::read(&path).unwrap() == parts.concat());
            std::fs::remove_file(&path).unwrap();
        }
    }
}
