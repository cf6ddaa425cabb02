//! Progress, as events. The library tells; whoever listens decides whether to
//! draw, to log or to stay silent.

use crate::journal::Resumed;

/// Something that happened during a conversion, or while a dataset is verified.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Event<'a> {
    /// Work on the units begins.
    Started {
        /// Sites to convert: without those of units that are done.
        sites: usize,
        /// Units (shards) to write, likewise.
        units: usize,
    },
    /// A chunk was read, decoded and encoded.
    ChunkEncoded {
        /// Sites in the chunk (0 for all but the last of the chunks that
        /// together hold a site's channels).
        sites: usize,
        /// Bytes read from the image files.
        source_bytes: u64,
        /// Bytes of the encoded chunk.
        stored_bytes: u64,
    },
    /// An image could not be used; its pixels are 0 in the dataset.
    PlaneRefused {
        /// The path inside INPUT.
        path: &'a str,
        /// What is wrong with it.
        error: &'a str,
    },
    /// An unfinished run is continued.
    Continued(&'a Resumed),
    /// The store cannot keep other writers out, and the user has promised that
    /// there are none.
    NotExclusive,
    /// OUTPUT is a complete dataset of the same input and settings already.
    CompleteAlready,
    /// A unit was left as it was, because a source that gave good pixels before
    /// gives others now, or none.
    UnitKept {
        /// The shard's key.
        key: &'a str,
        /// The path inside INPUT of the first such source.
        path: &'a str,
    },
    /// A shard is stored and durable, and so is its record.
    UnitStored {
        /// The object's key.
        key: &'a str,
        /// The object's size in bytes.
        bytes: u64,
    },
    /// A chunk of a finished dataset was read and checked.
    ChunkVerified {
        /// Sites in the chunk (0 for all but the last of the chunks that
        /// together hold a site's channels).
        sites: usize,
        /// Bytes of the encoded chunk.
        stored_bytes: u64,
    },
    /// The objects of a finished dataset are read and compared with their
    /// checksums.
    Checking {
        /// How many.
        objects: usize,
    },
    /// Objects are copied to where they are published.
    Publishing {
        /// How many.
        objects: usize,
    },
    /// One of the objects that are checked or copied is done.
    ObjectDone {
        /// The object's key.
        key: &'a str,
        /// The object's size in bytes.
        bytes: u64,
    },
    /// All units are stored; labels, tables and root metadata are written.
    Sealing,
}

/// Listens to [`Event`]s. Called from many threads at once.
pub trait Observer: Sync {
    /// Takes note of an event. The default does nothing.
    fn notice(&self, event: Event<'_>) {
        let _ = event;
    }
}

/// Hears nothing.
#[derive(Clone, Copy, Debug, Default)]
pub struct Silent;

impl Observer for Silent {}
