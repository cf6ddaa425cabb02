//! The bytes of an archive.

use rawzip::ReaderAt;
use rxrx_storage::RemoteBytes;

use crate::read_error::{Cause, ReadError};

/// The bytes of an archive, on a disk or in a store.
pub(super) enum Content {
    /// A file on a disk, or bytes in memory.
    Local(Box<dyn ReaderAt + Send + Sync>),
    /// An object of a store, or a file of a web server.
    Remote(RemoteBytes),
}

impl Content {
    /// Fills `buffer` with the bytes from `offset` on.
    pub(super) fn read_exact(&self, buffer: &mut [u8], offset: u64) -> Result<(), ReadError> {
        match self {
            Self::Local(bytes) => Ok(bytes.read_exact_at(buffer, offset)?),
            Self::Remote(bytes) => {
                let range = offset..offset.saturating_add(buffer.len() as u64);
                let parts = bytes.parts(std::slice::from_ref(&range))?;
                match parts.first() {
                    Some(part) if part.len() == buffer.len() => {
                        buffer.copy_from_slice(part);
                        Ok(())
                    }
                    _ => Err(ReadError::unusable(
                        Cause::Unreadable,
                        "the store returned fewer bytes than the archive has",
                    )),
                }
            }
        }
    }
}
