//! One chunk of a file, with its CRC checked.
//!
//! [PNG, 5.3](https://www.w3.org/TR/png-3/#5Chunk-layout)
#![allow(
    clippy::indexing_slicing,
    reason = "the CRC is computed after the chunk was found to be complete"
)]

use crate::chunk_name::ChunkName;
use crate::error::{Damage, Part};

pub(crate) const SIGNATURE: [u8; 8] = *b"\x89PNG\r\n\x1a\n";
/// Bytes of the length and the type, which precede a chunk's data.
const HEAD: usize = 8;
/// Bytes of the CRC, which follows a chunk's data.
const CRC: usize = 4;
/// Largest length of a chunk's data that PNG allows.
const MAX_LENGTH: u32 = (1 << 31) - 1;

/// A chunk.
#[derive(Clone, Copy)]
pub(crate) struct Chunk<'a> {
    pub(crate) name: ChunkName,
    /// Offset of the chunk, that is of its length field, in the file.
    pub(crate) offset: usize,
    pub(crate) data: &'a [u8],
}

impl<'a> Chunk<'a> {
    /// Reads the chunk at `offset`, and checks its length and its CRC.
    pub(crate) fn read(png: &'a [u8], offset: usize) -> Result<Self, Damage> {
        match Self::read_unchecked(png, offset)? {
            (chunk, None) => Ok(chunk),
            (_, Some(damage)) => Err(damage),
        }
    }

    /// Reads the chunk at `offset`, and checks its length. Also returns what is wrong with
    /// its CRC.
    pub(crate) fn read_unchecked(
        png: &'a [u8],
        offset: usize,
    ) -> Result<(Self, Option<Damage>), Damage> {
        // An offset beyond the end leaves no bytes: the file is truncated.
        let rest = png.get(offset..).unwrap_or(&[]);
        let Some((&[l0, l1, l2, l3, n0, n1, n2, n3], body)) = rest.split_first_chunk::<HEAD>()
        else {
            return Err(Damage::Truncated {
                part: Part::ChunkHead,
                offset,
                needed: HEAD,
                available: rest.len(),
            });
        };
        let name = ChunkName([n0, n1, n2, n3]);
        let length = u32::from_be_bytes([l0, l1, l2, l3]);
        if length > MAX_LENGTH {
            return Err(Damage::ChunkLength {
                chunk: name,
                offset,
                length,
            });
        }
        let size = length as usize;
        let (Some(data), Some((&stored, _))) = (
            body.get(..size),
            body.get(size..)
                .and_then(|tail| tail.split_first_chunk::<CRC>()),
        ) else {
            return Err(Damage::Truncated {
                part: Part::Chunk(name),
                offset,
                needed: HEAD + size + CRC,
                available: rest.len(),
            });
        };
        let stored = u32::from_be_bytes(stored);
        let computed = libdeflater::crc32(&rest[4..HEAD + size]);
        let damage = (stored != computed).then_some(Damage::ChunkCrc {
            chunk: name,
            offset,
            stored,
            computed,
        });
        Ok((Self { name, offset, data }, damage))
    }

    /// Offset of the next chunk in the file.
    pub(crate) const fn end(&self) -> usize {
        self.offset + HEAD + self.data.len() + CRC
    }

    pub(crate) fn order_error(&self) -> Damage {
        Damage::ChunkOrder {
            chunk: self.name,
            offset: self.offset,
        }
    }

    pub(crate) fn length_error(&self) -> Damage {
        Damage::ChunkLength {
            chunk: self.name,
            offset: self.offset,
            // Fits: `read` refuses lengths above `MAX_LENGTH`.
            length: self.data.len() as u32,
        }
    }
}
