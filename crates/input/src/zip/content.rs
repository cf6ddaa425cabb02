//! The bytes of an archive.

use std::fs::File;
use std::io;

use rawzip::ReaderAt;
use rxrx_storage::{OpenFileError, RemoteBytes, StoreError, StoreErrorKind, Unreachable};

use crate::faults::{Faults, InputFault};
use crate::folder::stamp;
use crate::read_error::ReadError;
use crate::source::SourceStamp;

/// The bytes of an archive, on a disk or in a store.
pub(super) enum Content {
    /// A file on a disk, or bytes in memory.
    Local(LocalContent),
    /// An object of a store, or a file of a web server.
    Remote(RemoteBytes),
}

/// The bytes of an archive on a disk or in memory, and what failed so far.
pub(super) struct LocalContent {
    bytes: Box<dyn ReaderAt + Send + Sync>,
    /// The open file with its stamp when it was opened; `None` in memory.
    file: Option<(File, SourceStamp)>,
    pub(super) faults: Faults,
}

impl LocalContent {
    /// Makes the content of bytes; `file` is the open file that holds them.
    pub(super) fn new(
        bytes: Box<dyn ReaderAt + Send + Sync>,
        file: Option<(File, SourceStamp)>,
    ) -> Self {
        Self {
            bytes,
            file,
            faults: Faults::default(),
        }
    }

    /// Fills `buffer` once with the bytes from `offset` on.
    pub(super) fn read_once(&self, buffer: &mut [u8], offset: u64) -> io::Result<()> {
        self.bytes.read_exact_at(buffer, offset)
    }

    /// Fills `buffer` with the bytes from `offset` on. An error that can pass is
    /// waited for.
    pub(super) fn read_exact(&self, buffer: &mut [u8], offset: u64) -> io::Result<()> {
        let read = || Ok(self.read_once(buffer, offset)?);
        self.faults.retry(read).map_err(io::Error::from)
    }

    /// Returns what the error of a read means for the entry at `path`. `probe` reads
    /// the beginning of another entry.
    pub(super) fn judge(
        &self,
        path: &str,
        error: io::Error,
        probe: &dyn Fn(&str) -> io::Result<()>,
    ) -> ReadError {
        match self.changed(&error.to_string()) {
            Some(fault) => fault.into(),
            None => self
                .faults
                .judge(path, OpenFileError::Io(error), &|other| match other {
                    Some(other) => probe(other).map_err(|error| error.to_string()),
                    None => Ok(()),
                }),
        }
    }

    /// Returns the fault of the archive, if it is not what was opened. `error` is that
    /// of the entry by which this is noticed.
    pub(super) fn changed(&self, error: &str) -> Option<InputFault> {
        let (file, then) = self.file.as_ref()?;
        match file.metadata() {
            Ok(now) if then.may_be(stamp(&now)) => None,
            Ok(now) => Some(InputFault::Changed {
                then: then.bytes,
                now: now.len(),
            }),
            Err(found) => Some(InputFault::Lost {
                error: error.to_owned(),
                found,
            }),
        }
    }
}

/// Returns the error of a store that returned fewer bytes than the archive has.
pub(super) fn short_answer() -> ReadError {
    let text = "the store returned fewer bytes than the archive has: run the same command again";
    Unreachable::from(StoreError::new(
        "read",
        "INPUT",
        StoreErrorKind::Other,
        text,
    ))
    .into()
}
