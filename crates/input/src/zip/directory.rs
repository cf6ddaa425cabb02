//! The central directory (APPNOTE 4.3.12), kept small.

use std::ops::Range;

use rawzip::{
    CompressionMethod, ErrorKind, MAX_CENTRAL_DIRECTORY_RECORD_SIZE, ReaderAt, ZipArchive,
    ZipFileHeaderRecord,
};
use rxrx_metadata::{Listing, parse_plane_path};

use super::error::ArchiveError;

/// Entries of an archive; RxRx1 has 753,060. Each takes 40 bytes here.
const ENTRIES_AT_MOST: usize = 1 << 24;
/// Bytes of all names together.
const NAMES_AT_MOST: usize = 1 << 30;
/// Bytes of an entry that is read; one that says it has more is none of ours.
const LARGEST: u64 = u32::MAX as u64;
/// A local header (APPNOTE 4.3.7) without name and extra field.
pub(super) const LOCAL_HEADER: u64 = 30;

/// The files of an archive by name.
#[derive(Debug)]
pub(super) struct Directory {
    /// All names, one after the other.
    names: String,
    /// Sorted by name.
    entries: Vec<Entry>,
}

/// What the central directory says of one file.
#[derive(Clone, Copy, Debug)]
pub(super) struct Entry {
    /// Where its local header begins.
    pub(super) offset: u64,
    /// Bytes from there to the next local header, or to the directory; at most
    /// this many.
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
    Method(u16),
    Encrypted,
    Folder,
    Link,
    Overlapping,
    /// It is said to lie where the central directory is, or beyond.
    Misplaced,
    TooLarge,
    /// Not to be kept: a folder, or a name that is of no use.
    Unnamed,
}

impl Directory {
    /// Reads all of `zip`'s central directory.
    pub(super) fn read<R: ReaderAt>(
        archive: &str,
        zip: &ZipArchive<R>,
    ) -> Result<(Self, Listing), ArchiveError> {
        let too_large = |limit| ArchiveError::TooLarge {
            archive: archive.to_owned(),
            limit,
        };
        let mut buffer = vec![0; MAX_CENTRAL_DIRECTORY_RECORD_SIZE];
        let mut records = zip.entries(&mut buffer);
        let mut directory = Self {
            names: String::new(),
            entries: Vec::new(),
        };
        let mut unreadable = Vec::new();
        let mut unsafe_names = Vec::new();
        let mut name_bytes = 0;
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
        while let Some(record) = records.next_entry().map_err(damaged)? {
            if directory.entries.len() == ENTRIES_AT_MOST {
                return Err(too_large("16 million entries"));
            }
            let path = record.file_path();
            let raw: &[u8] = path.as_ref();
            name_bytes += raw.len();
            if name_bytes > NAMES_AT_MOST {
                return Err(too_large("1 GiB of names"));
            }
            let name = match Name::of(raw) {
                Name::Good(name) => Some(name),
                Name::Unreadable(name) => {
                    unreadable.push(name);
                    None
                }
                Name::Unsafe(name) => {
                    unsafe_names.push(name);
                    None
                }
            };
            directory.push(&record, name.as_deref(), raw.len());
        }
        let found = directory.entries.len() as u64;
        let said = zip.entries_hint();
        // Without zip64 the count has 16 bits, and some writers let it overflow.
        if said != found && said != found & 0xffff {
            return Err(ArchiveError::OtherCount {
                archive: archive.to_owned(),
                said,
                found,
            });
        }
        directory.measure(zip.directory_offset());
        directory
            .entries
            .retain(|entry| entry.kind != Kind::Unnamed);
        directory.entries.shrink_to_fit();
        directory.names.shrink_to_fit();
        let Self { names, entries } = &mut directory;
        // Stable, and so quick on names that are sorted already.
        entries.sort_by(|a, b| name_of(names, a).cmp(name_of(names, b)));

        let paths = entries.iter().map(|entry| Box::from(name_of(names, entry)));
        let mut listing = Listing::from_paths(paths);
        unreadable.sort();
        unsafe_names.sort();
        listing.unreadable_names = unreadable;
        listing.unsafe_names = unsafe_names;
        // An archive in an archive would have to be unpacked.
        let is_plain = |path: &String| !path.to_ascii_lowercase().ends_with(".zip");
        listing.metadata_candidates.retain(is_plain);
        Ok((directory, listing))
    }

    /// The file called `path`; of several, which no plan accepts, any.
    pub(super) fn get(&self, path: &str) -> Option<&Entry> {
        let by_name = |entry: &Entry| self.name(entry).cmp(path);
        let position = self.entries.binary_search_by(by_name).ok()?;
        self.entries.get(position)
    }

    pub(super) fn name(&self, entry: &Entry) -> &str {
        name_of(&self.names, entry)
    }

    fn push(&mut self, record: &ZipFileHeaderRecord<'_>, name: Option<&str>, raw_length: usize) {
        let small = |size: u64| u32::try_from(size).unwrap_or(u32::MAX);
        let (packed, unpacked) = (
            record.compressed_size_hint(),
            record.uncompressed_size_hint(),
        );
        let folder = name.and_then(|name| name.strip_suffix('/'));
        let kind = match (name, folder) {
            (None, _) => Kind::Unnamed,
            // One that lies in place of an image is a bad image.
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
        self.names.push_str(name.unwrap_or_default());
        self.entries.push(Entry {
            offset: record.local_header_offset(),
            room: 0,
            packed: small(packed),
            unpacked: small(unpacked),
            crc: record.crc32(),
            kind,
            name_start,
            // Of names that are not kept, too: their headers take room.
            name_length: u16::try_from(raw_length - usize::from(folder.is_some()))
                .unwrap_or(u16::MAX),
        });
    }

    /// Finds out how much room each entry has, and which lie in that of others.
    fn measure(&mut self, directory_offset: u64) {
        let least_end = |entry: &Entry| {
            let header = LOCAL_HEADER + u64::from(entry.name_length);
            entry
                .offset
                .saturating_add(header + u64::from(entry.packed))
        };
        self.entries.sort_by_key(|entry| entry.offset);
        // The one that reaches furthest so far.
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
                entry.turns_out(Kind::Misplaced);
            }
            if let Some((other, reach)) = furthest
                && reach > offset
            {
                entry.turns_out(Kind::Overlapping);
                if let Some(other) = self.entries.get_mut(other) {
                    other.turns_out(Kind::Overlapping);
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

    fn turns_out(&mut self, kind: Kind) {
        if matches!(self.kind, Kind::Stored | Kind::Deflated) {
            self.kind = kind;
        }
    }
}

fn name_of<'a>(names: &'a str, entry: &Entry) -> &'a str {
    let start = entry.name_start as usize;
    let range: Range<usize> = start..start + usize::from(entry.name_length);
    names.get(range).unwrap_or_default()
}

/// What the name of an entry is worth.
pub(super) enum Name {
    /// A path inside the archive, `/` between components.
    Good(String),
    /// Not text.
    Unreadable(String),
    /// It leads out of the folder that somebody would unpack it to.
    Unsafe(String),
}

impl Name {
    pub(super) fn of(raw: &[u8]) -> Self {
        let Ok(name) = std::str::from_utf8(raw) else {
            return Self::Unreadable(String::from_utf8_lossy(raw).into_owned());
        };
        if name.is_empty() || name.contains('\0') {
            return Self::Unreadable(name.escape_debug().to_string());
        }
        // Old writers on Windows used its separator, against APPNOTE 4.4.17.
        let name = if name.contains('\\') && !name.contains('/') {
            name.replace('\\', "/")
        } else {
            name.to_owned()
        };
        let has_drive = name.as_bytes().get(1) == Some(&b':');
        if name.starts_with('/') || has_drive || name.split('/').any(|part| part == "..") {
            return Self::Unsafe(name);
        }
        Self::Good(name)
    }
}
