//! A zip archive as INPUT, of this machine or behind an address: entries are read
//! by their offset, from any number of threads, and nothing is unpacked to a disk.
//!
//! ```text
//! end record ──> central directory ──> Directory   (once; some 85 bytes an entry)
//! path ──> Entry { offset, sizes, crc } ──> one read of header and data, or of
//!                                           those of neighbours ──> checked bytes
//! ```
//!
//! The format is [APPNOTE]. The central directory is what counts; a local header
//! that contradicts it makes its entry a bad one, as do data that overlap those
//! of another. Bad entries are bad images, each with its cause; a central
//! directory that cannot be read is an error, for then nothing is certain.
//!
//! [APPNOTE]: https://pkware.cachefly.net/webdocs/casestudies/APPNOTE.TXT

mod content;
mod directory;
mod entry;
#[cfg(test)]
pub(crate) mod made;
mod read;
#[cfg(test)]
mod tests;

use std::io;
use std::path::Path;

use rawzip::{ErrorKind, FileReader, RECOMMENDED_BUFFER_SIZE, ReaderAt, ZipArchive, ZipLocator};
use rxrx_metadata::Listing;

use self::content::Content;
use self::directory::Directory;
pub(crate) use self::entry::EntryError;
use self::read::Spares;
use crate::remote::{ReadAhead, RemoteBytes};
use crate::source::open_file;

/// Beginnings of a zip archive: an entry, or the end record of an empty one.
const SIGNATURES: [&[u8]; 2] = [b"PK\x03\x04", b"PK\x05\x06"];

/// A zip archive cannot be used at all.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ArchiveError {
    /// It cannot be opened or read.
    #[error("cannot read {archive}")]
    Io {
        /// The archive.
        archive: String,
        /// What the file system or the store said.
        source: io::Error,
    },
    /// It is some other file.
    #[error("{archive} is neither a folder nor a zip archive")]
    NoArchive {
        /// The file.
        archive: String,
    },
    /// It begins as an archive does and has no end.
    #[error("the zip archive {archive} is cut off: its end record is missing; get it again")]
    CutOff {
        /// The archive.
        archive: String,
    },
    /// Its central directory makes no sense.
    #[error("the central directory of the zip archive {archive} is damaged; get it again")]
    Damaged {
        /// The archive.
        archive: String,
        /// What is wrong with it.
        source: rawzip::Error,
    },
    /// Entries are missing from the central directory, or too many in it.
    #[error(
        "the zip archive {archive} says that it has {said} entries, and has {found}; get it again"
    )]
    OtherCount {
        /// The archive.
        archive: String,
        /// What the end record says.
        said: u64,
        /// Entries in the central directory.
        found: u64,
    },
    /// It is one of several files.
    #[error(
        "{archive} is a part of a zip archive of several files; make one of them \
         (`zip -s 0 {archive} --out whole.zip`)"
    )]
    Split {
        /// The archive.
        archive: String,
    },
    /// There are more entries, or longer names, than can be kept in mind.
    #[error("the zip archive {archive} has more than {limit}; unpack it, and convert the folder")]
    TooLarge {
        /// The archive.
        archive: String,
        /// The limit that is passed.
        limit: &'static str,
    },
}

/// An open zip archive, a [`Source`] of its files by their name in it.
///
/// [`Source`]: crate::Source
pub struct Archive {
    content: Content,
    directory: Directory,
    spares: Spares,
}

impl Archive {
    /// Opens the file at `path` and reads its central directory. What it holds
    /// is in the listing.
    ///
    /// # Errors
    /// [`ArchiveError`].
    pub fn open(path: &Path) -> Result<(Self, Listing), ArchiveError> {
        let name = path.display().to_string();
        let (file, found) = open_file(path).map_err(|source| ArchiveError::Io {
            archive: name.clone(),
            source,
        })?;
        let (listed, file) = listed(&name, FileReader::from(file), found.len())?;
        Ok(Self::of(Content::Here(Box::new(file)), listed))
    }

    /// As [`Self::open`], of an archive in memory. `name` stands for it in
    /// errors.
    ///
    /// # Errors
    /// As [`Self::open`].
    pub fn in_memory(name: &str, bytes: Vec<u8>) -> Result<(Self, Listing), ArchiveError> {
        let length = bytes.len() as u64;
        let (listed, bytes) = listed(name, bytes, length)?;
        Ok(Self::of(Content::Here(Box::new(bytes)), listed))
    }

    /// As [`Self::open`], of an archive in an object store.
    pub(crate) fn remote(name: &str, bytes: RemoteBytes) -> Result<(Self, Listing), ArchiveError> {
        let length = bytes.length();
        let (listed, bytes) = listed(name, ReadAhead::new(bytes), length)?;
        Ok(Self::of(Content::There(bytes.into_bytes()), listed))
    }

    fn of(content: Content, (directory, listing): (Directory, Listing)) -> (Self, Listing) {
        let archive = Self {
            content,
            directory,
            spares: Spares::default(),
        };
        (archive, listing)
    }
}

/// What is in an archive of `length` bytes; and the bytes.
fn listed<R: ReaderAt>(
    name: &str,
    bytes: R,
    length: u64,
) -> Result<((Directory, Listing), R), ArchiveError> {
    let archive = || name.to_owned();
    let mut buffer = vec![0; RECOMMENDED_BUFFER_SIZE];
    let located = ZipLocator::new().locate_in_reader(bytes, &mut buffer, length);
    let zip = located.map_err(|(bytes, error)| match error.into_kind() {
        ErrorKind::IO(source) => ArchiveError::Io {
            archive: archive(),
            source,
        },
        _ if !begins_as_archive(&bytes) => ArchiveError::NoArchive { archive: archive() },
        ErrorKind::MissingEndOfCentralDirectory | ErrorKind::Eof => {
            ArchiveError::CutOff { archive: archive() }
        }
        kind => ArchiveError::Damaged {
            archive: archive(),
            source: kind.into(),
        },
    })?;
    if is_split(&zip).map_err(|source| ArchiveError::Io {
        archive: archive(),
        source,
    })? {
        return Err(ArchiveError::Split { archive: archive() });
    }
    Ok((Directory::read(name, &zip)?, zip.into_inner()))
}

fn begins_as_archive(bytes: &dyn ReaderAt) -> bool {
    let mut first = [0; 4];
    bytes.read_exact_at(&mut first, 0).is_ok() && SIGNATURES.contains(&first.as_slice())
}

/// Whether the end record (APPNOTE 4.3.16) is that of one of several files.
fn is_split<R: ReaderAt>(zip: &ZipArchive<R>) -> io::Result<bool> {
    // Both numbers are 0 in one file, and may be this where a zip64 record says.
    const ELSEWHERE: u16 = u16::MAX;
    let mut record = [0; 8];
    zip.get_ref()
        .read_exact_at(&mut record, zip.eocd_offset())?;
    let [.., a, b, c, d] = record;
    let disks = [u16::from_le_bytes([a, b]), u16::from_le_bytes([c, d])];
    Ok(disks.iter().any(|&disk| disk != 0 && disk != ELSEWHERE))
}
