//! The bytes of an archive.

use std::io;

use rawzip::ReaderAt;
use rxrx_storage::RemoteBytes;

pub(super) enum Content {
    /// On this machine.
    Here(Box<dyn ReaderAt + Send + Sync>),
    /// In an object store, or on a web server.
    There(RemoteBytes),
}

impl ReaderAt for Content {
    fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
        match self {
            Self::Here(bytes) => bytes.read_at(buffer, offset),
            Self::There(bytes) => bytes.read_at(buffer, offset),
        }
    }
}
