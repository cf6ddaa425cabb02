//! ReadHints ahead: the image files of chunks, before a worker asks for them.

use std::sync::{Mutex, MutexGuard, PoisonError};

use rxrx_format::ChunkAddress;
use rxrx_input::{Cause, ReadError, SourceStamp, largest_file};
use rxrx_metadata::SiteIndex;

use super::Pipeline;

/// A chunk whose image files have been read.
pub(super) struct ReadChunk {
    /// Its place among all chunks that are run.
    pub(super) number: usize,
    pub(super) task: ChunkAddress,
    /// The file of each plane; `None` where there is no image.
    pub(super) files: Vec<Option<Result<ImageFile, ReadError>>>,
}

/// An image file in memory.
pub(super) struct ImageFile {
    pub(super) stamp: SourceStamp,
    pub(super) bytes: Vec<u8>,
}

/// Buffers, of files or of encoded chunks, taken and given back; as many as
/// have ever been under way at once. Fresh memory costs a page fault every 4 KiB.
pub(super) struct Buffers {
    kept: Mutex<Vec<Vec<u8>>>,
    capacity: usize,
}

impl Buffers {
    /// None yet. Each is made with room for `capacity` bytes: what nobody writes to
    /// takes no memory, but a buffer that grows leaves a hole where it was.
    pub(super) fn of(capacity: usize) -> Self {
        Self {
            kept: Mutex::default(),
            capacity,
        }
    }

    pub(super) fn take(&self) -> Vec<u8> {
        let kept = self.lock().pop();
        kept.unwrap_or_else(|| Vec::with_capacity(self.capacity))
    }

    pub(super) fn give_back(&self, buffer: Vec<u8>) {
        self.lock().push(buffer);
    }

    fn lock(&self) -> MutexGuard<'_, Vec<Vec<u8>>> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Pipeline<'_> {
    /// Reads the image files of chunks, of which the first is number `first`.
    pub(super) fn read(
        &self,
        first: usize,
        tasks: Vec<ChunkAddress>,
        buffers: &Buffers,
    ) -> impl Iterator<Item = ReadChunk> {
        let at_most = largest_file(self.plan.geometry().plane_bytes());
        let path = |(site, channel)| self.plan.source(SiteIndex(site), channel);
        let planes = tasks.iter().flat_map(ChunkAddress::planes);
        let paths: Vec<Option<String>> = planes.map(path).collect();
        let mut wanted: Vec<(&str, Vec<u8>)> = paths
            .iter()
            .flatten()
            .map(|path| (path.as_str(), buffers.take()))
            .collect();
        let stamps = self.source.read_all(&mut wanted, at_most + 1);
        let read: Vec<_> = wanted
            .into_iter()
            .zip(stamps)
            .map(|((_, bytes), stamp)| (stamp, bytes))
            .collect();
        let mut read = read.into_iter();
        let mut paths = paths.into_iter();
        tasks.into_iter().zip(first..).map(move |(task, number)| {
            let files = task.planes().map(|_| {
                let (stamp, bytes) = paths.next()?.and_then(|_| read.next())?;
                Some(stamp.and_then(|stamp| ImageFile::new(stamp, bytes, at_most)))
            });
            let files = files.collect();
            ReadChunk {
                number,
                task,
                files,
            }
        })
    }
}

impl ImageFile {
    fn new(stamp: SourceStamp, bytes: Vec<u8>, at_most: usize) -> Result<Self, ReadError> {
        if bytes.len() > at_most {
            let error =
                format!("larger than {at_most} bytes, too large for an image of this array");
            return Err(ReadError::unusable(Cause::TooLarge, error));
        }
        let stamp = SourceStamp {
            bytes: bytes.len() as u64,
            ..stamp
        };
        Ok(Self { stamp, bytes })
    }
}
