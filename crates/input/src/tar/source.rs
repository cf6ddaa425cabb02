//! Members of one or several tars as a source of images.

use std::io;
use std::num::NonZeroUsize;
use std::ops::Range;
use std::path::Path;

use bytes::Bytes;
use rxrx_metadata::{Listing, parse_plane_path};
use rxrx_storage::{OpenFileError, RemoteBytes, map_concurrent};

use super::error::TarError;
use super::index::{Member, TarIndex};
use crate::container::{Container, Opened, bytes_error};
use crate::faults::Faults;
use crate::member_name::RefusedNames;
use crate::read_error::ReadError;
use crate::source::{ReadHints, Source, SourceStamp, TarPlace};

/// Most bytes between two members that are read with them.
const GAP: u64 = 16 << 10;
/// Most bytes that one read takes if several members are neighbours.
const MERGED: u64 = 8 << 20;
/// Tars whose headers are read at the same time: on a disk, and in a store.
const AT_ONCE: [usize; 2] = [8, 32];
/// Bytes of another member that are read to learn whether a tar can still be read.
const PROBE: usize = 512;

/// A [`Source`] of the members of tars.
pub struct TarSource {
    /// Sorted by prefix.
    tars: Vec<Tar>,
    faults: Faults,
}

struct Tar {
    /// What stands before the names of its members in their paths: empty, or ending
    /// in `/`.
    prefix: String,
    container: Container,
    index: TarIndex,
    /// The number of the INPUT, and its path in it; none if it is INPUT itself.
    at: (usize, Option<String>),
}

/// A tar before its headers are read, and the prefix of its members.
pub(crate) struct Unread {
    prefix: String,
    container: Container,
    /// The number of the INPUT, and its path in it; none if it is INPUT itself. Then names that
    /// are whole paths of images get no prefix.
    at: (usize, Option<String>),
}

/// A tar whose members are known, by their paths: the first byte and the number of bytes of each.
pub(crate) struct Known {
    /// The tar.
    pub(crate) tar: Unread,
    /// Size and version that it had then.
    pub(crate) stamp: SourceStamp,
    pub(crate) members: Vec<(String, u64, u32)>,
}

/// A member to be read.
struct Wanted<'a> {
    /// Its position among the files of the call.
    number: usize,
    tar: usize,
    member: &'a Member,
    /// Bytes that are wanted.
    length: usize,
}

impl TarSource {
    /// Opens the one tar at `path`. The name of a member that is no whole path of an
    /// image, such as `B02_s1_w1.png`, is completed by that of the tar: in
    /// `HUVEC-1/Plate1.tar` it is `HUVEC-1/Plate1/B02_s1_w1.png`.
    ///
    /// # Errors
    /// [`TarError`].
    pub fn open(path: &Path) -> Result<(Self, Listing), TarError> {
        Self::open_input(path, 0)
    }

    /// Opens the one tar at `path`, which is the INPUT of that number.
    pub(crate) fn open_input(path: &Path, input: usize) -> Result<(Self, Listing), TarError> {
        let container = Container::on_disk(path).map_err(|source| TarError::Io {
            tar: path.display().to_string(),
            source: source.into(),
        })?;
        // Of `Plate1.tar` in the current folder, the folder is the experiment.
        let whole = std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
        let prefix = prefix_of_one(&whole.to_string_lossy());
        Self::read(vec![Unread::alone(prefix, container, input)])
    }

    /// Opens a tar in memory, as [`Self::open`] does. `name` stands for it in errors.
    ///
    /// # Errors
    /// [`TarError`].
    pub fn in_memory(name: &str, bytes: Vec<u8>) -> Result<(Self, Listing), TarError> {
        let container = Container::in_memory(name, bytes);
        Self::read(vec![Unread::alone(prefix_of_one(name), container, 0)])
    }

    /// Opens the one tar in a store, as [`Self::open`] does.
    pub(crate) fn remote(
        name: &str,
        key: &str,
        bytes: RemoteBytes,
        input: usize,
    ) -> Result<(Self, Listing), TarError> {
        let container = Container::in_store(name, bytes);
        Self::read(vec![Unread::alone(prefix_of_one(key), container, input)])
    }

    /// Makes a source of tars whose members are known. Only of one that has changed since, the
    /// headers are read.
    pub(crate) fn of_members(tars: Vec<Known>) -> Result<Self, TarError> {
        let at_once = at_once(tars.iter().map(|known| &known.tar));
        let indexes = map_concurrent(&tars, at_once, |known| {
            if known.stamp != known.tar.container.stamp() {
                return TarIndex::read(&known.tar.container, &mut RefusedNames::default());
            }
            let members = known.members.iter().map(|(path, offset, bytes)| {
                let name = path.strip_prefix(&known.tar.prefix);
                (name.unwrap_or(path), *offset, *bytes)
            });
            Ok(TarIndex::of(members))
        })?;
        let tars = tars.into_iter().zip(indexes);
        let mut tars: Vec<Tar> = tars.map(|(known, index)| known.tar.with(index)).collect();
        tars.sort_by(|a, b| a.prefix.cmp(&b.prefix));
        Ok(Self {
            tars,
            faults: Faults::default(),
        })
    }

    /// Reads the headers of tars.
    pub(crate) fn read(tars: Vec<Unread>) -> Result<(Self, Listing), TarError> {
        let indexes = map_concurrent(&tars, at_once(tars.iter()), |tar| {
            let mut refused = RefusedNames::default();
            let index = TarIndex::read(&tar.container, &mut refused)?;
            Ok((index, refused))
        })?;
        let mut read = Vec::with_capacity(tars.len());
        let mut paths: Vec<Box<str>> = Vec::new();
        let (mut unreadable, mut leading_out) = (Vec::new(), Vec::new());
        for (tar, (index, refused)) in tars.into_iter().zip(indexes) {
            let prefix = &tar.prefix;
            paths.extend(index.names().map(|name| tar.path(name)));
            let named = |name: String| format!("{prefix}{name}");
            unreadable.extend(refused.unreadable.into_iter().map(named));
            leading_out.extend(refused.leading_out.into_iter().map(named));
            read.push(tar.with(index));
        }
        read.sort_by(|a, b| a.prefix.cmp(&b.prefix));
        unreadable.sort();
        leading_out.sort();
        let mut listing = Listing::from_paths(paths);
        listing.unreadable_names = unreadable;
        listing.unsafe_names = leading_out;
        // An archive in a tar cannot be read without unpacking it.
        let is_plain = |path: &String| !path.to_ascii_lowercase().ends_with(".zip");
        listing.metadata_candidates.retain(is_plain);
        let source = Self {
            tars: read,
            faults: Faults::default(),
        };
        Ok((source, listing))
    }

    /// Finds the member at a path, and the position of its tar.
    fn member(&self, path: &str) -> Option<(usize, &Member)> {
        // A tar may lie in a folder that has the name of another one.
        let ends = path.match_indices('/').map(|(at, _)| at + 1);
        let ends: Vec<usize> = std::iter::once(0).chain(ends).collect();
        ends.into_iter()
            .rev()
            .find_map(|end| {
                let (prefix, name) = path.split_at_checked(end)?;
                let at = self
                    .tars
                    .binary_search_by(|tar| tar.prefix.as_str().cmp(prefix))
                    .ok()?;
                let found = self.tars.get(at)?.index.get(name)?;
                Some((at, found))
            })
            .or_else(|| self.whole_path(path))
    }

    /// Finds a member whose name is a whole path, which only a tar alone has.
    fn whole_path(&self, path: &str) -> Option<(usize, &Member)> {
        match self.tars.as_slice() {
            [tar] => Some((0, tar.index.get(path)?)),
            _ => None,
        }
    }

    /// Finds a file of a call.
    fn find(&self, number: usize, path: &str, at_most: usize) -> Result<Wanted<'_>, ReadError> {
        let found = self.member(path);
        let (tar, member) =
            found.ok_or_else(|| ReadError::vanished("there is no such file in the tar"))?;
        member.check()?;
        Ok(Wanted {
            number,
            tar,
            member,
            length: (member.size as usize).min(at_most),
        })
    }

    /// Returns what the error of a read means for the image at `path`.
    fn judge(&self, opened: &Opened<'_>, path: &str, error: io::Error) -> ReadError {
        if let Err(changed) = opened.check_unchanged() {
            return changed;
        }
        self.faults.judge(path, OpenFileError::Io(error), &|other| {
            let Some(other) = other else {
                return Ok(());
            };
            let mut bytes = Vec::new();
            let read = self.find(0, other, PROBE).and_then(|wanted| {
                let tar = self.tars.get(wanted.tar);
                let opened = tar.map(|tar| tar.container.open()).transpose()?;
                bytes.resize(wanted.length, 0);
                match opened {
                    Some(opened) => opened
                        .read_exact(&mut bytes, wanted.member.offset)
                        .map_err(ReadError::from),
                    None => Ok(()),
                }
            });
            read.map_err(|error| error.to_string())
        })
    }

    /// Reads members of one tar, which ascend by offset, and passes each result on.
    fn read_tar(
        &self,
        tar: &Tar,
        wanted: &[Wanted<'_>],
        files: &mut [(&str, Vec<u8>)],
        mut done: impl FnMut(&Wanted<'_>, Result<(), ReadError>),
    ) {
        let opened = match tar.container.open() {
            Ok(opened) => opened,
            Err(error) => {
                wanted
                    .iter()
                    .for_each(|file| done(file, Err(error.clone())));
                return;
            }
        };
        let mut read: Vec<Result<(), ReadError>> = Vec::with_capacity(wanted.len());
        if tar.container.is_remote() {
            read.extend(read_store(&opened, wanted, files));
        } else {
            for file in wanted {
                let Some((path, bytes)) = files.get_mut(file.number) else {
                    continue;
                };
                bytes.resize(file.length, 0);
                let once = opened.read_exact(bytes, file.member.offset);
                let again = || Ok(opened.read_exact(bytes, file.member.offset)?);
                let tried = once.or_else(|_| self.faults.retry(again).map_err(io::Error::from));
                read.push(tried.map_err(|error| self.judge(&opened, path, error)));
            }
        }
        // Bytes that were written while they were read are no image.
        let unchanged = opened.check_unchanged();
        for (file, read) in wanted.iter().zip(read) {
            done(file, unchanged.clone().and(read));
        }
    }
}

impl Unread {
    /// Makes a tar of a folder. `inside` is its path in the folder.
    pub(crate) fn in_folder(inside: &str, container: Container, input: usize) -> Self {
        Self {
            prefix: format!("{}/", stem(inside)),
            container,
            at: (input, Some(inside.to_owned())),
        }
    }

    /// Makes a tar of which it is known where it is, and what its prefix is.
    pub(crate) fn known(prefix: &str, container: Container, at: (usize, Option<String>)) -> Self {
        Self {
            prefix: prefix.to_owned(),
            container,
            at,
        }
    }

    fn with(self, index: TarIndex) -> Tar {
        Tar {
            prefix: self.prefix,
            container: self.container,
            index,
            at: self.at,
        }
    }

    /// Makes a tar that is INPUT by itself.
    fn alone(prefix: String, container: Container, input: usize) -> Self {
        Self {
            prefix,
            container,
            at: (input, None),
        }
    }

    /// The path of a member.
    fn path(&self, name: &str) -> Box<str> {
        // A tar of a whole tree has whole paths; that of a plate has bare names.
        let path = format!("{}{name}", self.prefix);
        let needs_prefix = parse_plane_path(name).is_none() && parse_plane_path(&path).is_some();
        if self.at.1.is_none() && !needs_prefix {
            return name.into();
        }
        path.into()
    }
}

/// How many tars are opened at the same time.
fn at_once<'a>(mut tars: impl Iterator<Item = &'a Unread>) -> NonZeroUsize {
    let [disk, store] = AT_ONCE;
    let is_remote = tars.any(|tar| tar.container.is_remote());
    NonZeroUsize::new(if is_remote { store } else { disk }).unwrap_or(NonZeroUsize::MIN)
}

/// Reads members of a tar in a store; neighbours are read at once.
fn read_store(
    opened: &Opened<'_>,
    wanted: &[Wanted<'_>],
    files: &mut [(&str, Vec<u8>)],
) -> Vec<Result<(), ReadError>> {
    let mut groups: Vec<Range<u64>> = Vec::new();
    // For each file its group; an empty file has none, because no request asks for
    // no bytes.
    let mut places = Vec::with_capacity(wanted.len());
    for file in wanted {
        if file.length == 0 {
            places.push(None);
            continue;
        }
        let start = file.member.offset;
        let end = start.saturating_add(file.length as u64);
        match groups.last_mut() {
            Some(group)
                if start.saturating_sub(group.end) <= GAP
                    && end.saturating_sub(group.start) <= MERGED =>
            {
                group.end = group.end.max(end);
            }
            _ => groups.push(start..end),
        }
        places.push(groups.len().checked_sub(1));
    }
    let parts = match opened.parts(&groups) {
        Ok(parts) => parts,
        Err(error) => {
            let error = bytes_error(error);
            return wanted.iter().map(|_| Err(error.clone())).collect();
        }
    };
    for (file, group) in wanted.iter().zip(places) {
        let found = group.and_then(|group| {
            let at = (file.member.offset - groups.get(group)?.start) as usize;
            let part: &Bytes = parts.get(group)?;
            part.get(at..at + file.length)
        });
        if let Some((_, bytes)) = files.get_mut(file.number) {
            bytes.extend_from_slice(found.unwrap_or(&[]));
        }
    }
    wanted.iter().map(|_| Ok(())).collect()
}

impl Source for TarSource {
    fn read_all(
        &self,
        files: &mut [(&str, Vec<u8>)],
        at_most: usize,
    ) -> Vec<Result<SourceStamp, ReadError>> {
        let mut results = Vec::with_capacity(files.len());
        let mut wanted = Vec::with_capacity(files.len());
        for (number, (path, bytes)) in files.iter_mut().enumerate() {
            bytes.clear();
            results.push(self.find(number, path, at_most).map(|file| {
                let stamp = self.stamp_of(file.tar, file.member);
                wanted.push(file);
                stamp
            }));
        }
        wanted.sort_by_key(|file| (file.tar, file.member.offset));
        for of_tar in wanted.chunk_by(|a, b| a.tar == b.tar) {
            let Some(tar) = of_tar.first().and_then(|file| self.tars.get(file.tar)) else {
                continue;
            };
            self.read_tar(tar, of_tar, files, |file, read| {
                if let (Err(error), Some(result)) = (read, results.get_mut(file.number)) {
                    *result = Err(error);
                }
            });
        }
        for ((path, _), result) in files.iter().zip(&results) {
            if result.is_ok() {
                self.faults.note_good(path);
            }
        }
        results
    }

    fn stamp(&self, path: &str) -> Result<SourceStamp, ReadError> {
        let found = self.member(path);
        let (tar, member) =
            found.ok_or_else(|| ReadError::vanished("there is no such file in the tar"))?;
        Ok(self.stamp_of(tar, member))
    }

    /// Returns all: the headers have them.
    fn stamps_at_most(&self) -> usize {
        usize::MAX
    }

    fn tar_place(&self, file: &str) -> Option<TarPlace<'_>> {
        let (number, member) = self.member(file)?;
        let tar = self.tars.get(number)?;
        let (input, inside) = &tar.at;
        member.check().ok()?;
        Some(TarPlace {
            tar: (*input, inside.as_deref()),
            prefix: &tar.prefix,
            stamp: tar.container.stamp(),
            offset: member.offset,
            bytes: member.size,
        })
    }

    fn read_hints(&self) -> ReadHints {
        if self.tars.iter().any(|tar| tar.container.is_remote()) {
            ReadHints::RANGES
        } else {
            ReadHints::DISK
        }
    }
}

impl TarSource {
    /// Stamp of a member: its size, and the version of its tar, which has no checksum
    /// of members.
    fn stamp_of(&self, tar: usize, member: &Member) -> SourceStamp {
        let tar = self.tars.get(tar);
        SourceStamp {
            bytes: member.size.into(),
            version: tar.and_then(|tar| tar.container.stamp().version),
        }
    }
}

/// The prefix of the members of a tar that is INPUT by itself: the name of its folder,
/// and its own without `.tar`.
fn prefix_of_one(path: &str) -> String {
    let path = path.replace('\\', "/");
    let mut names = path.rsplit('/').filter(|name| !name.is_empty());
    let stem = names.next().map_or("", stem);
    let folder = names.next().unwrap_or("");
    if folder.is_empty() {
        format!("{stem}/")
    } else {
        format!("{folder}/{stem}/")
    }
}

/// A name without `.tar` at its end.
fn stem(name: &str) -> &str {
    let at = name.len().saturating_sub(4);
    match name.split_at_checked(at) {
        Some((stem, end)) if end.eq_ignore_ascii_case(".tar") => stem,
        _ => name,
    }
}
