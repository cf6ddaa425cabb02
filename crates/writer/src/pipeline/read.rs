//! Reading ahead: the image files of a chunk, before a worker asks for them.

use std::io;
use std::sync::{Mutex, PoisonError};

use rxrx_metadata::SiteIndex;

use super::Pipeline;
use super::task::Task;

/// A larger file is not read: no image of the array's shape needs it.
const SURPLUS_BYTES: usize = 64 << 20;

/// A chunk whose image files have been read.
pub(super) struct ReadChunk {
    pub(super) task: Task,
    /// The file of each plane; `None` where there is no image.
    pub(super) files: Vec<Option<io::Result<Vec<u8>>>>,
}

/// Buffers, of files or of encoded chunks, taken and given back; as many as
/// have ever been under way at once. Fresh memory costs a page fault every 4 KiB.
#[derive(Default)]
pub(super) struct Buffers(Mutex<Vec<Vec<u8>>>);

impl Buffers {
    pub(super) fn take(&self) -> Vec<u8> {
        let mut buffers = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        buffers.pop().unwrap_or_default()
    }

    pub(super) fn give_back(&self, buffer: Vec<u8>) {
        let mut buffers = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        buffers.push(buffer);
    }
}

impl Pipeline<'_> {
    /// Reads the image files of one chunk.
    pub(super) fn read(&self, task: Task, buffers: &Buffers) -> ReadChunk {
        let files = task.planes().map(|(site, channel)| {
            let path = self.plan.source(SiteIndex(site), channel)?;
            Some(self.read_file(path, buffers.take()))
        });
        let files = files.collect();
        ReadChunk { task, files }
    }

    fn read_file(&self, path: &str, mut bytes: Vec<u8>) -> io::Result<Vec<u8>> {
        let at_most = 2 * self.plan.geometry().plane_bytes() + SURPLUS_BYTES;
        self.source.read(path, at_most + 1, &mut bytes)?;
        if bytes.len() > at_most {
            let error =
                format!("larger than {at_most} bytes, too large for an image of this array");
            return Err(io::Error::new(io::ErrorKind::FileTooLarge, error));
        }
        Ok(bytes)
    }
}
