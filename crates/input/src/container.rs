//! A file that holds many images, such as a tar: on a disk, in memory or in a store.
//!
//! A file on a disk is opened for each call, because there may be more of them than a
//! process may have open. Each call compares its size and time of change with those
//! that it had first, after the bytes were read. So bytes of a file that was replaced,
//! cut or written meanwhile are never returned: the read is an error of INPUT as a
//! whole, and not of one image.

use std::fs::File;
use std::io;
use std::ops::Range;
use std::path::{Path, PathBuf};

use bytes::Bytes;
use rawzip::{FileReader, ReaderAt};
use rxrx_storage::{
    IoFault, OpenFileError, RemoteBytes, StoreError, StoreErrorKind, Unreachable, open_file,
};

use crate::bucket::object_stamp;
use crate::faults::InputFault;
use crate::folder::stamp;
use crate::read_error::ReadError;
use crate::source::SourceStamp;

/// A file that holds images.
pub(crate) struct Container {
    /// Its path or address for messages.
    name: String,
    place: Place,
    stamp: SourceStamp,
}

/// Where a container is.
enum Place {
    Disk(PathBuf),
    Memory(Bytes),
    Store(RemoteBytes),
}

/// A container that is open for one call.
pub(crate) enum Opened<'a> {
    Disk(&'a Container, File),
    Memory(&'a Bytes),
    Store(&'a RemoteBytes),
}

impl Container {
    /// Finds the file at `path`.
    pub(crate) fn on_disk(path: &Path) -> Result<Self, OpenFileError> {
        let (_, found) = open_file(path)?;
        Ok(Self {
            name: path.display().to_string(),
            place: Place::Disk(path.to_owned()),
            stamp: stamp(&found),
        })
    }

    /// Makes a container of bytes in memory.
    pub(crate) fn in_memory(name: &str, bytes: Vec<u8>) -> Self {
        let stamp = SourceStamp {
            bytes: bytes.len() as u64,
            version: None,
        };
        Self {
            name: name.to_owned(),
            place: Place::Memory(bytes.into()),
            stamp,
        }
    }

    /// Makes a container of an object of a store.
    pub(crate) fn in_store(name: &str, bytes: RemoteBytes) -> Self {
        Self {
            name: name.to_owned(),
            stamp: object_stamp(bytes.object()),
            place: Place::Store(bytes),
        }
    }

    /// Its path or address for messages.
    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    /// Number of bytes.
    pub(crate) fn length(&self) -> u64 {
        self.stamp.bytes
    }

    /// Its size, and its time of change on a disk, a digest of its ETag in a store.
    pub(crate) fn stamp(&self) -> SourceStamp {
        self.stamp
    }

    /// Whether reads are requests to a store.
    pub(crate) fn is_remote(&self) -> bool {
        matches!(self.place, Place::Store(_))
    }

    /// Opens the container for a few reads.
    pub(crate) fn open(&self) -> Result<Opened<'_>, ReadError> {
        match &self.place {
            Place::Disk(path) => match open_file(path) {
                Ok((file, _)) => Ok(Opened::Disk(self, file)),
                Err(error) => Err(self.lost(error)),
            },
            Place::Memory(bytes) => Ok(Opened::Memory(bytes)),
            Place::Store(bytes) => Ok(Opened::Store(bytes)),
        }
    }

    /// Returns the error of a container that cannot be opened any more.
    fn lost(&self, error: OpenFileError) -> ReadError {
        let error = io::Error::from(error);
        if IoFault::of(&error) == IoFault::Machine {
            return InputFault::Machine(error).into();
        }
        let found = error;
        InputFault::Lost {
            error: self.name.clone(),
            found,
        }
        .into()
    }
}

/// The error of a container whose bytes cannot be read. That of a store keeps its kind.
pub(crate) fn bytes_error(error: io::Error) -> ReadError {
    match error.downcast::<Unreachable>() {
        Ok(unreachable) => unreachable.into(),
        Err(error) => {
            let kind = StoreErrorKind::Unreachable;
            Unreachable::from(StoreError::new("read", "INPUT", kind, error)).into()
        }
    }
}

impl Opened<'_> {
    /// Fills `buffer` with the bytes from `offset` on. An error of a disk is left to
    /// the caller, who knows the image.
    pub(crate) fn read_exact(&self, buffer: &mut [u8], offset: u64) -> io::Result<()> {
        match self {
            Self::Disk(_, file) => {
                FileReader::from(file.try_clone()?).read_exact_at(buffer, offset)
            }
            Self::Memory(bytes) => bytes.as_ref().read_exact_at(buffer, offset),
            Self::Store(bytes) => bytes.read_exact_at(buffer, offset),
        }
    }

    /// Reads several ranges, in their order.
    pub(crate) fn parts(&self, ranges: &[Range<u64>]) -> io::Result<Vec<Bytes>> {
        if let Self::Store(bytes) = self {
            let parts = bytes.parts(ranges)?;
            let lengths = ranges.iter().map(|range| range.end - range.start);
            if parts.iter().map(|part| part.len() as u64).eq(lengths) {
                return Ok(parts);
            }
            let text =
                "the store returned fewer bytes than the file has: run the same command again";
            return Err(io::Error::other(text));
        }
        let read = |range: &Range<u64>| {
            let length = usize::try_from(range.end - range.start).map_err(io::Error::other)?;
            let mut bytes = vec![0; length];
            self.read_exact(&mut bytes, range.start)?;
            Ok(bytes.into())
        };
        ranges.iter().map(read).collect()
    }

    /// Compares the file with what it was when it was found.
    pub(crate) fn check_unchanged(&self) -> Result<(), ReadError> {
        let Self::Disk(container, file) = self else {
            return Ok(());
        };
        let then = container.stamp;
        match file.metadata() {
            Ok(now) if then.may_be(stamp(&now)) => Ok(()),
            Ok(now) => Err(InputFault::Changed {
                then: then.bytes,
                now: now.len(),
            }
            .into()),
            Err(error) => Err(container.lost(error.into())),
        }
    }
}
