//! Progress as events. The library sends them to an observer, which may draw a bar,
//! write a log or do nothing.

use std::time::Duration;

use rxrx_decoder::Oddity;

use crate::journal::{Resumed, SourceChanges};

/// An event of a conversion, a verification or a publication.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Event<'a> {
    /// Work on the units begins.
    Started {
        /// Sites to convert, without those of units that are done.
        sites: usize,
        /// Units (shards) to write, without those that are done.
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
        /// The problem of the image.
        error: &'a str,
    },
    /// The conversion was asked to stop. The units in progress are finished if that takes no
    /// longer than `grace`.
    Stopping {
        /// How long the units may go on.
        grace: Duration,
    },
    /// An image is faulty in a way that does not concern its pixels, which are proven by
    /// checksums and were stored.
    PlaneKept {
        /// The path inside INPUT.
        path: &'a str,
        /// What is wrong with the file.
        oddity: Oddity,
    },
    /// An unfinished run is continued.
    Continued(&'a Resumed),
    /// Images of a part have another size or version than when the job was planned. They are
    /// converted as they are.
    ChangedSincePlan(&'a SourceChanges),
    /// The store has no conditional writes, so that it cannot exclude other writers:
    /// nobody else may write there.
    NotExclusive,
    /// The store refuses the usual checksum of uploads (SHA-256), and another one is used.
    OtherChecksum {
        /// The value of the store option `checksum`: `crc64nvme`, `md5` or `none`.
        checksum: &'a str,
    },
    /// The file system of OUTPUT cannot flush the names in a folder, so that a loss of
    /// power can lose finished work.
    NamesNotFlushed,
    /// Another process holds the lease on OUTPUT, or has left it behind. Until it renews
    /// the lease or the lease expires, nobody knows which.
    WaitingForLease {
        /// The process and its host.
        holder: &'a str,
    },
    /// OUTPUT is already a complete dataset of the same input and settings.
    CompleteAlready,
    /// A unit was left as it was, because an image that had good pixels before has
    /// other pixels now, or cannot be used.
    UnitKept {
        /// The shard's key.
        key: &'a str,
        /// The path of the first such image inside INPUT.
        path: &'a str,
    },
    /// A shard and its record are stored and durable.
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
        /// The number of objects.
        objects: usize,
    },
    /// Objects are put at the address where the dataset is published.
    Publishing {
        /// The number of objects.
        objects: usize,
    },
    /// One of the objects that are checked or copied is done.
    ObjectDone {
        /// The object's key.
        key: &'a str,
        /// The object's size in bytes.
        bytes: u64,
    },
    /// The dataset is sealed, but its root metadata could not be flushed: a crash of the
    /// machine may remove them. The next run flushes them once more.
    NotFlushed {
        /// The error of the store with its cause.
        error: &'a str,
    },
    /// The new dataset is complete beside OUTPUT and takes the place of what is there. Until
    /// that is done, no reader can open it.
    Switching,
    /// Objects of the former dataset that the new one lacks stay in the store: a removal
    /// could arrive late, when their keys are in use again.
    LeftBehind {
        /// The number of objects.
        objects: usize,
    },
    /// The card at OUTPUT was edited, so it stays.
    CardKept {
        /// Lines by which the new card differs: `-` is only in the card that stays, `+` only
        /// in the new one.
        changes: &'a str,
    },
    /// All units are stored; labels, tables and root metadata are written.
    Sealing,
}

/// An observer of [`Event`]s.
///
/// The threads that do the work call it, several at once: readers, workers and the
/// threads that store. Events of one unit come in the order in which they happen;
/// events of different units come in any order. A slow observer delays the thread
/// that calls it.
pub trait Observer: Sync {
    /// Receives an event. The default does nothing.
    fn notice(&self, event: Event<'_>) {
        let _ = event;
    }
}

/// An observer that ignores all events.
#[derive(Clone, Copy, Debug, Default)]
pub struct Silent;

impl Observer for Silent {}
