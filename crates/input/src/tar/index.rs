//! The members of one tar by name, with their offsets.

use std::ops::Range;

use rxrx_metadata::parse_plane_path;
use tar::{Archive, Entry, EntryType};

use super::error::TarError;
use super::headers::{HeaderReader, Watch};
use crate::container::{Container, Opened};
use crate::member_name::{Name, RefusedNames};
use crate::read_error::{Cause, ReadError};

/// Most members of a tar. Each takes 24 bytes of memory, and its name.
const MEMBERS_AT_MOST: usize = 1 << 24;
/// Most bytes of all names together.
const NAMES_AT_MOST: usize = 1 << 30;
/// Bytes of a block, the unit of all offsets.
const BLOCK: u64 = 512;
/// Bytes behind the end that must be zero. Programs fill the last record up, which has
/// 10 KiB as a rule.
const BEHIND: u64 = 64 << 10;

/// The members of one tar, sorted by name.
#[derive(Debug, Default)]
pub(super) struct TarIndex {
    /// All names, one after the other.
    names: String,
    members: Vec<Member>,
}

/// One member.
#[derive(Clone, Copy, Debug)]
pub(super) struct Member {
    /// Offset of its first byte.
    pub(super) offset: u64,
    /// Number of bytes.
    pub(super) size: u32,
    pub(super) kind: Kind,
    name_start: u32,
    name_length: u16,
}

/// Whether a member can be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    File,
    Folder,
    Link,
    Sparse,
    /// A device, a pipe, or a type that only one program knows.
    Other,
    TooLarge,
}

/// Reason why a member cannot be read.
#[derive(Clone, Debug, thiserror::Error)]
pub(super) enum MemberError {
    #[error("it is a folder, not a file")]
    Folder,
    #[error("it is a link in the tar, not a file; make the tar with what links lead to (tar -h)")]
    Link,
    #[error("it is a sparse file in the tar; make the tar without --sparse")]
    Sparse,
    #[error("it is neither a file nor a folder")]
    Other,
    #[error("it has 4 GiB or more, too many for any image or table")]
    TooLarge,
}

impl Member {
    /// Checks that the member can be read.
    pub(super) fn check(&self) -> Result<(), ReadError> {
        let error = match self.kind {
            Kind::File => return Ok(()),
            Kind::Folder => MemberError::Folder,
            Kind::Link => MemberError::Link,
            Kind::Sparse => MemberError::Sparse,
            Kind::Other => MemberError::Other,
            Kind::TooLarge => MemberError::TooLarge,
        };
        let cause = match error {
            MemberError::TooLarge => Cause::TooLarge,
            MemberError::Sparse => Cause::PackingMethod,
            _ => Cause::NotAFile,
        };
        Err(ReadError::unusable(cause, error))
    }
}

impl TarIndex {
    /// Reads the headers of a tar. Names that cannot be used are added to `refused`.
    pub(super) fn read(
        container: &Container,
        refused: &mut RefusedNames,
    ) -> Result<Self, TarError> {
        let tar = container.name();
        let opened = container.open().map_err(unreachable(tar))?;
        let length = container.length();
        let watch = Watch::default();
        watch.allow();
        let reader = HeaderReader::new(&opened, length, container.is_remote(), watch.clone());
        let mut index = Self::default();
        let mut scan = Scan {
            tar,
            length,
            watch: &watch,
            end: 0,
        };
        scan.members(reader, |name, member| {
            let usable = refused.usable(Name::of(name));
            usable.is_none_or(|name| index.push(&name, member))
        })?;
        scan.check_end(&opened)?;
        opened.check_unchanged().map_err(unreachable(tar))?;
        index.sort();
        Ok(index)
    }

    /// Makes the index of known files: the name, the first byte and the number of bytes of each.
    pub(super) fn of<'a>(files: impl Iterator<Item = (&'a str, u64, u32)>) -> Self {
        let mut index = Self::default();
        for (name, offset, size) in files {
            index.push(
                name,
                Member {
                    offset,
                    size,
                    kind: Kind::File,
                    name_start: 0,
                    name_length: 0,
                },
            );
        }
        index.sort();
        index
    }

    /// Adds a member; returns whether there was room for it.
    fn push(&mut self, name: &str, member: Member) -> bool {
        let name = plain(name);
        let folder = name.strip_suffix('/');
        let kind = match (folder, member.kind) {
            (Some(_), _) => Kind::Folder,
            (None, kind) => kind,
        };
        let name = folder.unwrap_or(name);
        // Folders are left out, unless they are named as images: those are bad images.
        if name.is_empty() || (kind == Kind::Folder && parse_plane_path(&in_folder(name)).is_none())
        {
            return true;
        }
        let Ok(name_length) = u16::try_from(name.len()) else {
            return false;
        };
        if self.members.len() == MEMBERS_AT_MOST || self.names.len() + name.len() > NAMES_AT_MOST {
            return false;
        }
        self.members.push(Member {
            kind,
            name_start: self.names.len() as u32, // below `NAMES_AT_MOST`
            name_length,
            ..member
        });
        self.names.push_str(name);
        true
    }

    fn sort(&mut self) {
        let Self { names, members } = self;
        names.shrink_to_fit();
        members.shrink_to_fit();
        members.sort_by(|a, b| name_of(names, a).cmp(name_of(names, b)));
    }

    /// Returns the member of that name. If there are several, which no plan accepts, it
    /// is any of them.
    pub(super) fn get(&self, name: &str) -> Option<&Member> {
        let by_name = |member: &Member| name_of(&self.names, member).cmp(name);
        let position = self.members.binary_search_by(by_name).ok()?;
        self.members.get(position)
    }

    /// Iterates over the names, ascending.
    pub(super) fn names(&self) -> impl Iterator<Item = &str> {
        self.members
            .iter()
            .map(|member| name_of(&self.names, member))
    }
}

/// The path that a bare name would have in a folder of a plate.
fn in_folder(name: &str) -> String {
    if name.contains('/') {
        name.to_owned()
    } else {
        format!("E/Plate1/{name}")
    }
}

/// A name without `./` at its beginning, which `tar -c .` writes.
fn plain(mut name: &str) -> &str {
    while let Some(rest) = name.strip_prefix("./") {
        name = rest.trim_start_matches('/');
    }
    if name == "." { "" } else { name }
}

fn name_of<'a>(names: &'a str, member: &Member) -> &'a str {
    let start = member.name_start as usize;
    let range: Range<usize> = start..start + usize::from(member.name_length);
    // The range was made when the name was added.
    names.get(range).unwrap_or("")
}

/// Makes the error of a tar that cannot be read.
fn unreachable(tar: &str) -> impl Fn(ReadError) -> TarError {
    let tar = tar.to_owned();
    move |source| TarError::Unreachable {
        tar: tar.clone(),
        source,
    }
}

/// A walk over the headers of a tar.
struct Scan<'a> {
    tar: &'a str,
    length: u64,
    watch: &'a Watch,
    /// End of the last member, padding included.
    end: u64,
}

impl Scan<'_> {
    /// Calls `add` with name and place of each member until it returns false.
    fn members(
        &mut self,
        reader: HeaderReader<'_>,
        mut add: impl FnMut(&[u8], Member) -> bool,
    ) -> Result<(), TarError> {
        let mut archive = Archive::new(reader);
        let entries = archive.entries_with_seek();
        let mut entries = entries.map_err(|error| self.failed(error))?;
        loop {
            self.watch.allow();
            let Some(entry) = entries.next() else {
                return Ok(());
            };
            let mut entry = entry.map_err(|error| self.failed(error))?;
            let Some((name, member)) = self.member(&mut entry)? else {
                continue;
            };
            if !add(&name, member) {
                return Err(TarError::TooLarge {
                    tar: self.tar.to_owned(),
                    limit: "16 million members, 1 GiB of names, or 64 KiB in one name",
                });
            }
        }
    }

    /// Reads name and place of one member; `None` for what only describes others.
    fn member(
        &mut self,
        entry: &mut Entry<'_, impl std::io::Read>,
    ) -> Result<Option<(Vec<u8>, Member)>, TarError> {
        let kind = entry.header().entry_type();
        let (offset, stored) = (entry.raw_file_position(), self.stored(entry)?);
        let end = offset
            .checked_add(stored)
            .and_then(|end| end.checked_next_multiple_of(BLOCK));
        self.end = end.unwrap_or(u64::MAX);
        if self.end.saturating_sub(BLOCK) >= self.length
            && offset.saturating_add(stored) > self.length
        {
            return Err(self.cut_off());
        }
        let mut name = entry.path_bytes().into_owned();
        let sparse_name = self.sparse_name(entry)?;
        let kind = match kind {
            EntryType::Regular | EntryType::Continuous if sparse_name.is_some() => Kind::Sparse,
            EntryType::Regular | EntryType::Continuous if stored > u64::from(u32::MAX) => {
                Kind::TooLarge
            }
            EntryType::Regular | EntryType::Continuous => Kind::File,
            EntryType::Directory => Kind::Folder,
            EntryType::Link | EntryType::Symlink => Kind::Link,
            EntryType::GNUSparse => Kind::Sparse,
            EntryType::XGlobalHeader => return Ok(None),
            _ => Kind::Other,
        };
        if let Some(sparse_name) = sparse_name.filter(|name| !name.is_empty()) {
            name = sparse_name;
        }
        let size = u32::try_from(stored).unwrap_or(u32::MAX);
        let member = Member {
            offset,
            size,
            kind,
            name_start: 0,
            name_length: 0,
        };
        Ok(Some((name, member)))
    }

    /// Bytes of a member in the tar.
    fn stored(&self, entry: &Entry<'_, impl std::io::Read>) -> Result<u64, TarError> {
        // The size of a sparse member is that of the file with its holes.
        if entry.header().entry_type() == EntryType::GNUSparse {
            let stored = entry.header().entry_size();
            return stored.map_err(|error| self.failed(error));
        }
        Ok(entry.size())
    }

    /// The name of a sparse member in the pax format, which has another one in the
    /// header; empty if it has no such name, and `None` for any other member.
    fn sparse_name(
        &self,
        entry: &mut Entry<'_, impl std::io::Read>,
    ) -> Result<Option<Vec<u8>>, TarError> {
        let mut found = None;
        let extensions = entry.pax_extensions().map_err(|error| self.failed(error))?;
        for extension in extensions.into_iter().flatten() {
            let extension = extension.map_err(|error| self.failed(error))?;
            if extension.key_bytes() == b"GNU.sparse.name" {
                found = Some(extension.value_bytes().to_vec());
            } else if extension.key_bytes().starts_with(b"GNU.sparse.") {
                found.get_or_insert_default();
            }
        }
        Ok(found)
    }

    /// Checks that the tar ends as tars do, and not in the middle or before other data.
    fn check_end(&self, opened: &Opened<'_>) -> Result<(), TarError> {
        if self.end.saturating_add(BLOCK) > self.length {
            return Err(self.cut_off());
        }
        let behind = self.end..self.length.min(self.end.saturating_add(BEHIND));
        let parts = opened.parts(std::slice::from_ref(&behind));
        let parts = parts.map_err(|source| TarError::Io {
            tar: self.tar.to_owned(),
            source,
        })?;
        if parts.iter().flatten().all(|byte| *byte == 0) {
            return Ok(());
        }
        Err(TarError::Joined {
            tar: self.tar.to_owned(),
            end: self.end,
        })
    }

    fn cut_off(&self) -> TarError {
        TarError::CutOff {
            tar: self.tar.to_owned(),
            length: self.length,
            needed: self.end.saturating_add(BLOCK),
        }
    }

    /// Returns what an error of the parser means.
    fn failed(&self, source: std::io::Error) -> TarError {
        let tar = self.tar.to_owned();
        if let Some(source) = self.watch.failure() {
            return TarError::Io { tar, source };
        }
        let offset = self.end;
        if self.watch.is_exceeded() {
            return TarError::LargeHeader { tar, offset };
        }
        TarError::Damaged {
            tar,
            offset,
            source,
        }
    }
}
