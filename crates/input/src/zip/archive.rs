//! An open zip archive.

use std::io;
use std::path::Path;

use rawzip::{ErrorKind, FileReader, RECOMMENDED_BUFFER_SIZE, ReaderAt, ZipArchive, ZipLocator};
use rxrx_metadata::Listing;
use rxrx_storage::{ReadAhead, RemoteBytes, open_file};

use super::buffers::ReadBuffers;
use super::content::{Content, LocalContent};
use super::directory::Directory;
use super::error::ArchiveError;
use crate::folder::stamp;

/// First bytes of a zip archive: an entry, or the end record of an empty archive.
const SIGNATURES: [&[u8]; 2] = [b"PK\x03\x04", b"PK\x05\x06"];

/// An open zip archive: a [`Source`] of its files by their name.
///
/// [`Source`]: crate::Source
pub struct Archive {
    pub(super) content: Content,
    pub(super) directory: Directory,
    pub(super) buffers: ReadBuffers,
}

impl Archive {
    /// Opens the file at `path` and reads its central directory. Also returns the
    /// listing of its files.
    ///
    /// # Errors
    /// [`ArchiveError`].
    pub fn open(path: &Path) -> Result<(Self, Listing), ArchiveError> {
        let name = path.display().to_string();
        let (file, found) = open_file(path).map_err(|source| ArchiveError::Io {
            archive: name.clone(),
            source: source.into(),
        })?;
        let failed = |source| ArchiveError::Io {
            archive: name.clone(),
            source,
        };
        let watched = file.try_clone().map_err(failed)?;
        let (listed, file) = listed(&name, FileReader::from(file), found.len())?;
        let file = LocalContent::new(Box::new(file), Some((watched, stamp(&found))));
        Ok(Self::of(Content::Local(file), listed))
    }

    /// Opens an archive in memory, as [`Self::open`] does. `name` stands for it in
    /// errors.
    ///
    /// # Errors
    /// [`ArchiveError`].
    pub fn in_memory(name: &str, bytes: Vec<u8>) -> Result<(Self, Listing), ArchiveError> {
        let length = bytes.len() as u64;
        let (listed, bytes) = listed(name, bytes, length)?;
        Ok(Self::of(
            Content::Local(LocalContent::new(Box::new(bytes), None)),
            listed,
        ))
    }

    /// Opens an archive in an object store, as [`Self::open`] does.
    pub(crate) fn remote(name: &str, bytes: RemoteBytes) -> Result<(Self, Listing), ArchiveError> {
        let length = bytes.length();
        let (listed, bytes) = listed(name, ReadAhead::new(bytes), length)?;
        Ok(Self::of(Content::Remote(bytes.into_bytes()), listed))
    }

    /// Makes an archive of its bytes and its directory.
    pub(super) fn of(
        content: Content,
        (directory, listing): (Directory, Listing),
    ) -> (Self, Listing) {
        let archive = Self {
            content,
            directory,
            buffers: ReadBuffers::default(),
        };
        (archive, listing)
    }
}

/// Reads the directory of an archive of `length` bytes. Gives the bytes back.
pub(super) fn listed<R: ReaderAt>(
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

/// Whether the first bytes are those of an archive.
fn begins_as_archive(bytes: &dyn ReaderAt) -> bool {
    let mut first = [0; 4];
    bytes.read_exact_at(&mut first, 0).is_ok() && SIGNATURES.contains(&first.as_slice())
}

/// Whether the archive is split: the end record (APPNOTE 4.3.16) says so.
fn is_split<R: ReaderAt>(zip: &ZipArchive<R>) -> io::Result<bool> {
    // Both numbers are 0 if there is one file, or this if a zip64 record has them.
    const ELSEWHERE: u16 = u16::MAX;
    let mut record = [0; 8];
    zip.get_ref()
        .read_exact_at(&mut record, zip.eocd_offset())?;
    let [.., a, b, c, d] = record;
    let disks = [u16::from_le_bytes([a, b]), u16::from_le_bytes([c, d])];
    Ok(disks.iter().any(|&disk| disk != 0 && disk != ELSEWHERE))
}
