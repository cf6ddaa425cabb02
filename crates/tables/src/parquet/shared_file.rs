//! A file that several parts of the Parquet reader read from.

use std::fmt::Display;
use std::io::{self, Cursor, Read, SeekFrom};
use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;
use parquet::errors::{ParquetError, Result};
use parquet::file::reader::{ChunkReader, Length};

use super::table_file::TableFile;

/// Bytes that are read ahead where the reader does not say how many it needs: more than
/// the header of most pages.
const READ_AHEAD: usize = 64 << 10;

/// A file, and its size when it was opened.
#[derive(Clone)]
pub(super) struct SharedFile {
    file: Arc<Mutex<dyn TableFile>>,
    size: u64,
}

impl SharedFile {
    pub(super) fn new(mut file: impl TableFile) -> io::Result<Self> {
        let size = file.seek(SeekFrom::End(0))?;
        let file = Arc::new(Mutex::new(file));
        Ok(Self { file, size })
    }

    /// Reads `length` bytes from `start`, or up to the end of the file.
    fn read(&self, start: u64, length: usize) -> io::Result<Vec<u8>> {
        let mut file = self.file.lock().unwrap_or_else(PoisonError::into_inner);
        file.seek(SeekFrom::Start(start))?;
        let mut bytes = Vec::new();
        // Memory is taken as bytes come: a forged length takes none.
        (&mut *file).take(length as u64).read_to_end(&mut bytes)?;
        Ok(bytes)
    }
}

impl Length for SharedFile {
    fn len(&self) -> u64 {
        self.size
    }
}

impl ChunkReader for SharedFile {
    type T = Ahead;

    fn get_read(&self, start: u64) -> Result<Ahead> {
        Ok(Ahead {
            file: self.clone(),
            next: start,
            ready: Cursor::new(Vec::new()),
        })
    }

    fn get_bytes(&self, start: u64, length: usize) -> Result<Bytes> {
        let bytes = self.read(start, length).map_err(external)?;
        if bytes.len() < length {
            return Err(external("the file is cut off"));
        }
        Ok(bytes.into())
    }
}

fn external(error: impl Display) -> ParquetError {
    ParquetError::General(error.to_string())
}

/// A reader from a position on.
pub(super) struct Ahead {
    file: SharedFile,
    next: u64,
    ready: Cursor<Vec<u8>>,
}

impl Read for Ahead {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.ready.read(buffer)?;
        if count > 0 || buffer.is_empty() {
            return Ok(count);
        }
        let bytes = self.file.read(self.next, READ_AHEAD)?;
        self.next = self.next.saturating_add(bytes.len() as u64);
        self.ready = Cursor::new(bytes);
        self.ready.read(buffer)
    }
}
