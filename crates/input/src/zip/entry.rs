//! One file of an archive: its local header, its data and its checksum.

use std::io::Read;

use flate2::read::DeflateDecoder;
use libdeflater::{Crc, DecompressionError, Decompressor};
use rawzip::CompressionMethod;

use super::directory::{Entry, Kind, LOCAL_HEADER};
use crate::member_name::Name;
use crate::read_error::{Cause, ReadError};

/// Reason why an entry cannot be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum EntryError {
    #[error("it is encrypted in the archive; make the archive without a password")]
    Encrypted,
    #[error(
        "it is packed by the method {}; make the archive with methods store or deflate",
        CompressionMethod::new(*.0)
    )]
    Method(u16),
    #[error("it is a folder, not a file")]
    Folder,
    #[error("it is a symbolic link, not a file; make the archive with what links lead to")]
    Link,
    #[error("its data overlap those of other entries of the archive")]
    Overlapping,
    #[error("it has 4 GiB or more, too many for any image or table")]
    TooLarge,
    #[error("there is no entry where the central directory says it is")]
    NoHeader,
    #[error("its {0} in the local header is not that of the central directory")]
    Contradiction(&'static str),
    #[error("its sizes in the archive cannot be: {packed} bytes packed, {unpacked} unpacked")]
    Sizes { packed: u32, unpacked: u32 },
    #[error("its deflate data are damaged")]
    Deflate,
    #[error("it unpacks to more than the {0} bytes that the archive says")]
    Longer(u32),
    #[error("it unpacks to {found} bytes, and not to {said} as the archive says")]
    Shorter { found: usize, said: u32 },
    #[error("its CRC-32 is {found:08x}, and {said:08x} in the archive")]
    Checksum { found: u32, said: u32 },
}

impl EntryError {
    /// The kind of the fault.
    fn cause(&self) -> Cause {
        match self {
            Self::Encrypted => Cause::Encrypted,
            Self::Method(_) => Cause::PackingMethod,
            Self::Folder | Self::Link => Cause::NotAFile,
            Self::TooLarge => Cause::TooLarge,
            Self::Overlapping | Self::NoHeader | Self::Contradiction(_) | Self::Sizes { .. } => {
                Cause::ArchiveEntry
            }
            Self::Deflate | Self::Longer(_) | Self::Shorter { .. } => Cause::ArchiveData,
            Self::Checksum { .. } => Cause::ArchiveChecksum,
        }
    }
}

impl From<EntryError> for ReadError {
    fn from(error: EntryError) -> Self {
        Self::unusable(error.cause(), error)
    }
}

/// Most bytes of deflated data of `bytes` bytes: deflate adds a little to data that
/// it cannot compress.
fn expanded(bytes: usize) -> usize {
    bytes.saturating_add(bytes / 8).saturating_add(4096)
}

/// Reading of an entry; [`Directory`](super::directory::Directory) finds entries.
impl Entry {
    /// Checks that the entry in the central directory has data that can be read.
    pub(super) fn check(&self) -> Result<(), EntryError> {
        let &Self {
            packed, unpacked, ..
        } = self;
        let plausible = match self.kind {
            Kind::Stored => packed == unpacked,
            // Deflate expands a byte to at most 1032 bytes.
            Kind::Deflated => {
                packed as usize <= expanded(unpacked as usize)
                    && u64::from(unpacked) <= u64::from(packed) * 1032
            }
            Kind::Method(method) => return Err(EntryError::Method(method)),
            Kind::Encrypted => return Err(EntryError::Encrypted),
            Kind::Folder => return Err(EntryError::Folder),
            Kind::Link => return Err(EntryError::Link),
            Kind::Overlapping => return Err(EntryError::Overlapping),
            Kind::TooLarge => return Err(EntryError::TooLarge),
            Kind::Misplaced | Kind::Unnamed => return Err(EntryError::NoHeader),
        };
        if plausible {
            Ok(())
        } else {
            Err(EntryError::Sizes { packed, unpacked })
        }
    }

    /// Most bytes of packed data that the first `at_most` bytes of the file need.
    pub(super) fn packed_bytes(&self, at_most: usize) -> usize {
        let packed = self.packed as usize;
        match self.kind {
            _ if self.unpacked as usize <= at_most => packed,
            Kind::Stored => packed.min(at_most),
            _ => packed.min(expanded(at_most)),
        }
    }

    /// Checks the local header at the beginning of `bytes` against the central
    /// directory, and returns the offset of the data behind it.
    pub(super) fn data_start(&self, name: &str, bytes: &[u8]) -> Result<usize, EntryError> {
        const HEADER: usize = LOCAL_HEADER as usize;
        let header = bytes.get(..HEADER).ok_or(EntryError::NoHeader)?;
        let word = |at: usize| {
            match header.get(at..at + 2) {
                Some(&[low, high]) => u16::from_le_bytes([low, high]),
                _ => 0, // never: the header has all offsets below
            }
        };
        let double = |at: usize| u32::from(word(at)) | u32::from(word(at + 2)) << 16;
        if !header.starts_with(b"PK\x03\x04") {
            return Err(EntryError::NoHeader);
        }
        let (flags, name_length, extra_length) = (word(6), usize::from(word(26)), word(28));
        if flags & 1 != 0 {
            return Err(EntryError::Encrypted);
        }
        let method = if self.kind == Kind::Stored { 0 } else { 8 };
        let raw = bytes.get(HEADER..HEADER + name_length).unwrap_or(&[]);
        // With a data descriptor, sizes and checksum stand behind the data.
        let has_descriptor = flags & 8 != 0;
        // Sizes that do not fit are in a zip64 field.
        let same = |at: usize, size: u32| has_descriptor || [size, u32::MAX].contains(&double(at));
        for (holds, what) in [
            (word(8) == method, "method"),
            (
                matches!(Name::of(raw), Name::Good(local) if local == name),
                "name",
            ),
            (has_descriptor || double(14) == self.crc, "CRC-32"),
            (same(18, self.packed), "packed size"),
            (same(22, self.unpacked), "unpacked size"),
        ] {
            if !holds {
                return Err(EntryError::Contradiction(what));
            }
        }
        let start = HEADER + name_length + usize::from(extra_length);
        if start as u64 + u64::from(self.packed) > u64::from(self.room) {
            return Err(EntryError::Overlapping);
        }
        Ok(start)
    }

    /// Unpacks the first `at_most` bytes of the file from `data`. A whole file is
    /// checked against its CRC-32.
    pub(super) fn unpack(
        &self,
        data: &[u8],
        at_most: usize,
        decompressor: &mut Decompressor,
        bytes: &mut Vec<u8>,
    ) -> Result<(), EntryError> {
        bytes.clear();
        let unpacked = self.unpacked as usize;
        if at_most < unpacked {
            match self.kind {
                Kind::Stored => bytes.extend(data.iter().take(at_most)),
                _ => {
                    DeflateDecoder::new(data)
                        .take(at_most as u64)
                        .read_to_end(bytes)
                        .map_err(|_| EntryError::Deflate)?;
                }
            }
            return Ok(());
        }
        if self.kind == Kind::Stored {
            bytes.extend_from_slice(data);
        } else {
            bytes.resize(unpacked, 0);
            let found = decompressor.deflate_decompress(data, bytes);
            let found = found.map_err(|error| match error {
                DecompressionError::InsufficientSpace => EntryError::Longer(self.unpacked),
                DecompressionError::BadData => EntryError::Deflate,
            })?;
            if found != unpacked {
                let said = self.unpacked;
                return Err(EntryError::Shorter { found, said });
            }
        }
        let mut crc = Crc::new();
        crc.update(bytes);
        let (found, said) = (crc.sum(), self.crc);
        if found == said {
            Ok(())
        } else {
            Err(EntryError::Checksum { found, said })
        }
    }
}
