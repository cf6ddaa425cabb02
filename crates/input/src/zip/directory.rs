//! The central directory (APPNOTE 4.3.12), stored in few bytes.

use std::ops::Range;

use rawzip::{
    CompressionMethod, ErrorKind, MAX_CENTRAL_DIRECTORY_RECORD_SIZE, ReaderAt, ZipArchive,
    ZipFileHeaderRecord,
};
use rxrx_metadata::{Listing, parse_plane_path};

use super::error::ArchiveError;
use crate::member_name::{Name, RefusedNames};

/// Most entries of an archive; RxRx1 has 753,060. Each takes 40 bytes of memory.
const ENTRIES_AT_MOST: usize = 1 << 24;
/// Most bytes of all names together.
const NAMES_AT_MOST: usize = 1 << 30;
/// Bytes from which an entry is too large to be an image or a table.
const LARGEST: u64 = u32::MAX as u64;
/// Bytes of a local header (APPNOTE 4.3.7) without name and extra field.
pub(super) const LOCAL_HEADER: u64 = 30;

/// The files of an archive by name.
#[derive(Debug)]
pub(super) struct Directory {
    /// All names, one after the other.
    names: String,
    /// Sorted by name.
    entries: Vec<Entry>,
}

/// One file in the central directory.
#[derive(Clone, Copy, Debug)]
pub(super) struct Entry {
    /// Offset of its local header.
    pub(super) offset: u64,
    /// Bytes from there to the next local header, or to the directory; at most
    /// 4 GiB.
    pub(super) room: u32,
    /// Bytes of data in the archive.
    pub(super) packed: u32,
    /// Bytes of the file.
    pub(super) unpacked: u32,
    /// CRC-32 of the file.
    pub(super) crc: u32,
    pub(super) kind: Kind,
    name_start: u32,
    name_length: u16,
}

/// Whether and how an entry can be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Stored,
    Deflated,
    /// Packed by another method.
    Method(u16),
    Encrypted,
    Folder,
    Link,
    /// The entry shares bytes with another one.
    Overlapping,
    /// The central directory places it where the directory itself is, or beyond.
    Misplaced,
    TooLarge,
    /// A folder, or an entry whose name cannot be used. It is not stored.
    Unnamed,
}

impl Directory {
    /// Reads the central directory of `zip`. `archive` is its name for errors.
    pub(super) fn read<R: ReaderAt>(
        archive: &str,
        zip: &ZipArchive<R>,
    ) -> Result<(Self, Listing), ArchiveError> {
        let mut directory = Self {
            names: String::new(),
            entries: Vec::new(),
        };
        let mut refused = RefusedNames::default();
        directory.read_entries(archive, zip, &mut refused)?;
        directory.check_count(archive, zip.entries_hint())?;
        directory.measure(zip.directory_offset());
        directory.sort();

        let entries = directory.entries.iter();
        let paths = entries.map(|entry| Box::from(directory.name(entry)));
        let mut listing = Listing::from_paths(paths);
        listing.unreadable_names = refused.unreadable;
        listing.unsafe_names = refused.leading_out;
        // An archive in an archive cannot be read without unpacking it.
        let is_plain = |path: &String| !path.to_ascii_lowercase().ends_with(".zip");
        listing.metadata_candidates.retain(is_plain);
        Ok((directory, listing))
    }

    /// Reads all entries in the order of the central directory.
    fn read_entries<R: ReaderAt>(
        &mut self,
        archive: &str,
        zip: &ZipArchive<R>,
        refused: &mut RefusedNames,
    ) -> Result<(), ArchiveError> {
        let too_large = |limit| ArchiveError::TooLarge {
            archive: archive.to_owned(),
            limit,
        };
        let damaged = |error: rawzip::Error| match error.into_kind() {
            ErrorKind::IO(source) => ArchiveError::Io {
                archive: archive.to_owned(),
                source,
            },
            kind => ArchiveError::Damaged {
                archive: archive.to_owned(),
                source: kind.into(),
            },
        };
        let mut buffer = vec![0; MAX_CENTRAL_DIRECTORY_RECORD_SIZE];
        let mut records = zip.entries(&mut buffer);
        let mut name_bytes = 0;
        while let Some(record) = records.next_entry().map_err(damaged)? {
            if self.entries.len() == ENTRIES_AT_MOST {
                return Err(too_large("16 million entries"));
            }
            let path = record.file_path();
            let raw: &[u8] = path.as_ref();
            name_bytes += raw.len();
            if name_bytes > NAMES_AT_MOST {
                return Err(too_large("1 GiB of names"));
            }
            let name = refused.usable(Name::of(raw));
            self.push(&record, name.as_deref(), raw.len());
        }
        refused.unreadable.sort();
        refused.leading_out.sort();
        Ok(())
    }

    /// Compares the number of entries with that of the end record.
    fn check_count(&self, archive: &str, said: u64) -> Result<(), ArchiveError> {
        let found = self.entries.len() as u64;
        // Without zip64 the count has 16 bits, and some programs let it overflow.
        if said == found || said == found & 0xffff {
            return Ok(());
        }
        Err(ArchiveError::OtherCount {
            archive: archive.to_owned(),
            said,
            found,
        })
    }

    /// Removes entries without a name, and sorts the others by their name.
    fn sort(&mut self) {
        let Self { names, entries } = self;
        entries.retain(|entry| entry.kind != Kind::Unnamed);
        entries.shrink_to_fit();
        names.shrink_to_fit();
        // A stable sort is fast if the names are sorted already.
        entries.sort_by(|a, b| name_of(names, a).cmp(name_of(names, b)));
    }

    /// Returns the entry of `path`. If there are several, which no plan accepts, it
    /// is any of them.
    pub(super) fn get(&self, path: &str) -> Option<&Entry> {
        let by_name = |entry: &Entry| self.name(entry).cmp(path);
        let position = self.entries.binary_search_by(by_name).ok()?;
        self.entries.get(position)
    }

    /// Number of files.
    #[cfg(test)]
    pub(super) fn len(&self) -> usize {
        self.entries.len()
    }

    /// Name of an entry.
    pub(super) fn name(&self, entry: &Entry) -> &str {
        name_of(&self.names, entry)
    }

    /// Adds an entry. `name` is its usable name; `raw_length` is the length of the
    /// name in the archive.
    fn push(&mut self, record: &ZipFileHeaderRecord<'_>, name: Option<&str>, raw_length: usize) {
        let small = |size: u64| u32::try_from(size).unwrap_or(u32::MAX);
        let (packed, unpacked) = (
            record.compressed_size_hint(),
            record.uncompressed_size_hint(),
        );
        let folder = name.and_then(|name| name.strip_suffix('/'));
        let kind = match (name, folder) {
            (None, _) => Kind::Unnamed,
            // A folder named as an image is a bad image.
            (_, Some(folder)) if parse_plane_path(folder).is_some() => Kind::Folder,
            (_, Some(_)) => Kind::Unnamed,
            _ if record.mode().is_symlink() => Kind::Link,
            _ if record.flags().is_encrypted() => Kind::Encrypted,
            _ if packed >= LARGEST || unpacked >= LARGEST => Kind::TooLarge,
            _ => match record.compression_method() {
                CompressionMethod::STORE => Kind::Stored,
                CompressionMethod::DEFLATE => Kind::Deflated,
                method => Kind::Method(method.as_u16()),
            },
        };
        let name = folder.or(name).filter(|_| kind != Kind::Unnamed);
        let name_start = small(self.names.len() as u64);
        self.names.push_str(name.unwrap_or(""));
        self.entries.push(Entry {
            offset: record.local_header_offset(),
            room: 0,
            packed: small(packed),
            unpacked: small(unpacked),
            crc: record.crc32(),
            kind,
            name_start,
            // Also of names that are not stored: their headers take room.
            name_length: u16::try_from(raw_length - usize::from(folder.is_some()))
                .unwrap_or(u16::MAX),
        });
    }

    /// Computes the room of each entry, and marks entries that overlap.
    fn measure(&mut self, directory_offset: u64) {
        let least_end = |entry: &Entry| {
            let header = LOCAL_HEADER + u64::from(entry.name_length);
            entry
                .offset
                .saturating_add(header + u64::from(entry.packed))
        };
        self.entries.sort_by_key(|entry| entry.offset);
        // Position and end of the entry that ends last so far.
        let mut furthest: Option<(usize, u64)> = None;
        for position in 0..self.entries.len() {
            let next = self.entries.get(position + 1);
            let next = next.map_or(directory_offset, |next| next.offset);
            let Some(entry) = self.entries.get_mut(position) else {
                continue;
            };
            let room = next.min(directory_offset).saturating_sub(entry.offset);
            entry.room = u32::try_from(room).unwrap_or(u32::MAX);
            let (offset, end) = (entry.offset, least_end(entry));
            if end > directory_offset {
                entry.mark_bad(Kind::Misplaced);
            }
            if let Some((other, reach)) = furthest
                && reach > offset
            {
                entry.mark_bad(Kind::Overlapping);
                if let Some(other) = self.entries.get_mut(other) {
                    other.mark_bad(Kind::Overlapping);
                }
            }
            if furthest.is_none_or(|(_, reach)| end > reach) {
                furthest = Some((position, end));
            }
        }
    }
}

impl Entry {
    /// Bytes of the name in the local header.
    pub(super) fn name_length(&self) -> usize {
        self.name_length.into()
    }

    /// Marks an entry that could be read as bad.
    fn mark_bad(&mut self, kind: Kind) {
        if matches!(self.kind, Kind::Stored | Kind::Deflated) {
            self.kind = kind;
        }
    }
}

/// Name of an entry in `names`.
fn name_of<'a>(names: &'a str, entry: &Entry) -> &'a str {
    let start = entry.name_start as usize;
    let range: Range<usize> = start..start + usize::from(entry.name_length);
    // The range was made when the name was added.
    names.get(range).unwrap_or("")
}
