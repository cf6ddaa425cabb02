//! A chunk at each stage of the pipeline. Where planes are cut, it stands for all tiles of
//! the same planes, which are read, decoded, encoded and written together.

use rxrx_format::{ChunkAddress, PlanePosition};
use rxrx_input::{ReadError, SourceStamp};

use crate::journal::PlaneRecord;

/// A chunk whose image files have been read.
pub(super) struct ReadChunk {
    /// Its number among all chunks of the run, in array order.
    pub(super) number: usize,
    pub(super) address: ChunkAddress,
    /// The file of each plane of the chunk, in C order; `None` where there is no image,
    /// or where the plane lies outside the array.
    pub(super) files: Vec<Option<ReadFile>>,
}

/// An image file that was read, or could not be.
pub(super) struct ReadFile {
    /// Path inside INPUT.
    pub(super) path: String,
    pub(super) content: Result<Content, ReadError>,
}

/// The content of an image file.
pub(super) enum Content {
    /// It was read.
    Read(ImageFile),
    /// It is larger than image files usually are, and is read when it is decoded.
    Large,
}

/// An image file in memory.
pub(super) struct ImageFile {
    pub(super) stamp: SourceStamp,
    pub(super) bytes: Vec<u8>,
}

/// A chunk that can be written to its shard.
pub(super) struct EncodedChunk {
    /// The stored bytes: of one chunk, or of all tiles of its planes.
    pub(super) bytes: Vec<u8>,
    /// The length of each stored chunk in `bytes`.
    pub(super) lengths: Vec<usize>,
    /// Its planes inside the array, in C order.
    pub(super) planes: Vec<PlacedRecord>,
    /// The overviews of these planes, one behind the other.
    pub(super) overviews: Vec<u8>,
}

/// The record of a plane with its position in the array.
pub(super) struct PlacedRecord {
    pub(super) position: PlanePosition,
    pub(super) record: PlaneRecord,
}
