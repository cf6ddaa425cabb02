//! A file with some blocks of one version of an object.
//!
//! ```text
//! magic (8 bytes)  size of the object (u64)  reserved (16 bytes)
//! for each block: 0 (u32) where it is absent, else 1 (u32); CRC-32C (u32)
//! zeros up to a multiple of 4096
//! blocks, each at its place; those that are absent are holes
//! ```
//!
//! All numbers are little-endian. Nothing that is read is trusted: what does not agree counts as
//! absent.

use std::fs::{self, File, OpenOptions};
use std::io::{self, ErrorKind, Read, Seek, SeekFrom, Write};
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

/// Bytes of a block.
pub(crate) const BLOCK: u64 = 256 << 10;
/// Begins a file, with the version of its form.
const MAGIC: &[u8; 8] = b"rxrxca\x001";
const HEADER: u64 = 32;
const SLOT: u64 = 8;
const PAGE: u64 = 4096;
/// The largest object that is cached.
const LARGEST: u64 = 1 << 40;

/// The file of an object.
#[derive(Clone, Debug)]
pub(crate) struct Entry {
    path: PathBuf,
    /// Size of the object in bytes.
    size: u64,
}

/// A file whose header was read.
pub(crate) struct OpenEntry<'a> {
    entry: &'a Entry,
    file: File,
    slots: Vec<u8>,
}

impl Entry {
    /// The file of an object of `size` bytes; `None` if the object is too large.
    pub(crate) fn new(path: PathBuf, size: u64) -> Option<Self> {
        (size <= LARGEST).then_some(Self { path, size })
    }

    /// The blocks that hold the bytes of `range`; `None` if it ends beyond the object.
    pub(crate) fn blocks_of(&self, range: &Range<u64>) -> Option<Range<u64>> {
        let is_inside = range.start <= range.end && range.end <= self.size;
        is_inside.then(|| range.start / BLOCK..range.end.div_ceil(BLOCK))
    }

    /// The bytes of some blocks in the object.
    pub(crate) fn bytes_of(&self, blocks: &Range<u64>) -> Range<u64> {
        blocks.start * BLOCK..(blocks.end * BLOCK).min(self.size)
    }

    /// Opens the file; `None` if there is none, or it is damaged.
    pub(crate) fn open(&self, writes: bool) -> Option<OpenEntry<'_>> {
        let mut file = OpenOptions::new()
            .read(true)
            .write(writes)
            .open(&self.path)
            .ok()?;
        let slots = slots(&mut file, Some(self.size))?;
        Some(OpenEntry {
            entry: self,
            file,
            slots,
        })
    }

    /// Makes the file, without any block, in place of a damaged one.
    ///
    /// # Errors
    /// The folder cannot be written.
    pub(crate) fn create(&self, temporary: &Path) -> io::Result<()> {
        let mut header = Vec::from(MAGIC);
        header.extend_from_slice(&self.size.to_le_bytes());
        let made = File::create_new(temporary).and_then(|mut file| {
            file.write_all(&header)?;
            file.set_len(data_start(self.size) + self.size)
        });
        let placed = made.and_then(|()| fs::rename(temporary, &self.path));
        placed.inspect_err(|_| {
            let _ = fs::remove_file(temporary);
        })
    }

    /// Notes that the file is in use.
    pub(crate) fn touch(&self) {
        let file = OpenOptions::new().append(true).open(&self.path);
        // An older time only means that the file is removed earlier.
        let _ = file.and_then(|file| file.set_modified(SystemTime::now()));
    }
}

impl OpenEntry<'_> {
    /// Reads a block into `target`, which has its length. Returns whether it is there, and
    /// as it was written.
    pub(crate) fn read(&mut self, block: u64, target: &mut [u8]) -> bool {
        let Some([1, expected]) = self.slot(block) else {
            return false;
        };
        let place = data_start(self.entry.size) + block * BLOCK;
        let read = self.file.seek(SeekFrom::Start(place));
        let read = read.and_then(|_| self.file.read_exact(target));
        read.is_ok() && checksum(block, target) == expected
    }

    /// Writes a block, and then that it is there.
    ///
    /// # Errors
    /// The file cannot be written.
    pub(crate) fn write(&mut self, block: u64, bytes: &[u8]) -> io::Result<()> {
        let place = data_start(self.entry.size) + block * BLOCK;
        self.file.seek(SeekFrom::Start(place))?;
        self.file.write_all(bytes)?;
        let mut slot = [0; SLOT as usize];
        let (mark, sum) = slot.split_at_mut(4);
        mark.copy_from_slice(&1_u32.to_le_bytes());
        sum.copy_from_slice(&checksum(block, bytes).to_le_bytes());
        self.file.seek(SeekFrom::Start(HEADER + block * SLOT))?;
        self.file.write_all(&slot)
    }

    fn slot(&self, block: u64) -> Option<[u32; 2]> {
        let start = usize::try_from(block * SLOT).ok()?;
        let slot = self.slots.get(start..)?.first_chunk::<8>()?;
        let [a, b, c, d, e, f, g, h] = *slot;
        Some([
            u32::from_le_bytes([a, b, c, d]),
            u32::from_le_bytes([e, f, g, h]),
        ])
    }
}

/// Bytes of the blocks in a file; `None` if it is no file of a cache.
pub(crate) fn used_bytes(path: &Path) -> Option<u64> {
    let mut file = File::open(path).ok()?;
    let slots = slots(&mut file, None)?;
    let (slots, _) = slots.as_chunks::<8>();
    let blocks = slots.iter().filter(|slot| slot[0] == 1).count() as u64;
    Some(used_by(blocks))
}

/// Bytes that blocks need in a file, at most.
pub(crate) fn used_by(blocks: u64) -> u64 {
    blocks * BLOCK + PAGE
}

/// Reads the slots of a file, which must be of an object of `size` bytes if that is known.
fn slots(file: &mut File, size: Option<u64>) -> Option<Vec<u8>> {
    let mut header = [0; HEADER as usize];
    file.read_exact(&mut header).ok()?;
    let (magic, rest) = header.split_first_chunk::<8>()?;
    let stated = u64::from_le_bytes(*rest.first_chunk()?);
    if magic != MAGIC || stated > LARGEST || size.is_some_and(|size| size != stated) {
        return None;
    }
    let length = usize::try_from(stated.div_ceil(BLOCK) * SLOT).ok()?;
    let mut slots = vec![0; length];
    match file.read_exact(&mut slots) {
        Ok(()) => Some(slots),
        Err(error) if error.kind() == ErrorKind::UnexpectedEof => None,
        Err(_) => None,
    }
}

/// Where the blocks begin in the file of an object of `size` bytes.
fn data_start(size: u64) -> u64 {
    (HEADER + size.div_ceil(BLOCK) * SLOT).next_multiple_of(PAGE)
}

/// The checksum of a block: of its number and its bytes.
fn checksum(block: u64, bytes: &[u8]) -> u32 {
    crc32c::crc32c_append(crc32c::crc32c(&block.to_le_bytes()), bytes)
}
