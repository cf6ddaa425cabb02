//! The file as a sequence of chunks, every one of them checked.
//!
//! [PNG, 5: datastream structure](https://www.w3.org/TR/png-3/#5DataRep)
#![allow(
    clippy::indexing_slicing,
    reason = "lengths are checked once, before the loops over rows; fuzzer and corruption tests agree"
)]

use std::fmt;

use crate::error::{Damage, DecodeError, Part, Unsupported};
use crate::header::Header;
use crate::limits::Limits;

pub(crate) const SIGNATURE: [u8; 8] = *b"\x89PNG\r\n\x1a\n";
/// Length and type, the bytes in front of a chunk's data.
const HEAD: usize = 8;
const CRC: usize = 4;
/// The specification's bound, so that lengths fit a signed integer.
const MAX_LENGTH: u32 = (1 << 31) - 1;

/// The four letters that name a chunk's type.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct ChunkName(pub [u8; 4]);

impl ChunkName {
    pub(crate) const HEADER: Self = Self(*b"IHDR");
    pub(crate) const PALETTE: Self = Self(*b"PLTE");
    pub(crate) const DATA: Self = Self(*b"IDAT");
    pub(crate) const END: Self = Self(*b"IEND");
    pub(crate) const TRANSPARENCY: Self = Self(*b"tRNS");
    pub(crate) const ANIMATION: Self = Self(*b"acTL");

    /// A decoder that does not know an ancillary chunk may pass over it.
    const fn is_ancillary(self) -> bool {
        self.0[0] & 0x20 != 0
    }
}

impl fmt::Display for ChunkName {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{}", self.0.escape_ascii())
    }
}

/// One chunk whose CRC is right.
#[derive(Clone, Copy)]
pub(crate) struct Chunk<'a> {
    name: ChunkName,
    offset: usize,
    pub(crate) data: &'a [u8],
}

impl<'a> Chunk<'a> {
    fn read(png: &'a [u8], offset: usize) -> Result<Self, Damage> {
        let rest = png.get(offset..).unwrap_or_default();
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
        if stored != computed {
            return Err(Damage::ChunkCrc {
                chunk: name,
                offset,
                stored,
                computed,
            });
        }
        Ok(Self { name, offset, data })
    }

    const fn end(&self) -> usize {
        self.offset + HEAD + self.data.len() + CRC
    }

    pub(crate) fn out_of_order(&self) -> Damage {
        Damage::ChunkOrder {
            chunk: self.name,
            offset: self.offset,
        }
    }

    pub(crate) fn impossible_length(&self) -> Damage {
        Damage::ChunkLength {
            chunk: self.name,
            offset: self.offset,
            // `read` has bounded it by 2^31.
            length: self.data.len() as u32,
        }
    }
}

/// Signature and header: what [`read_header`] read, and where the next chunk
/// begins.
fn open(png: &[u8], limits: &Limits) -> Result<(Header, usize), DecodeError> {
    if png.is_empty() {
        return Err(Damage::Empty.into());
    }
    if !png.starts_with(&SIGNATURE) {
        if SIGNATURE.starts_with(png) {
            return Err(Damage::Truncated {
                part: Part::Signature,
                offset: 0,
                needed: SIGNATURE.len(),
                available: png.len(),
            }
            .into());
        }
        let found = png.iter().take(SIGNATURE.len()).copied().collect();
        return Err(Damage::Signature { found }.into());
    }
    let chunk = Chunk::read(png, SIGNATURE.len())?;
    if chunk.name != ChunkName::HEADER {
        return Err(Damage::MissingHeader { found: chunk.name }.into());
    }
    let Ok(data) = chunk.data.try_into() else {
        return Err(chunk.impossible_length().into());
    };
    Ok((Header::parse(data, limits)?, chunk.end()))
}

/// Reads no further than `IHDR`.
pub(crate) fn read_header(head: &[u8], limits: &Limits) -> Result<Header, DecodeError> {
    open(head, limits).map(|(header, _)| header)
}

/// Everything in a file that has to do with its pixels.
pub(crate) struct Container<'a> {
    /// From the first `IDAT` on.
    image: &'a [u8],
    image_chunks: usize,
    image_bytes: usize,
    pub(crate) palette: Option<Chunk<'a>>,
    pub(crate) transparency: Option<Chunk<'a>>,
}

impl<'a> Container<'a> {
    /// Walks the whole file: the CRC of every chunk, their order, `IEND` and
    /// nothing behind it.
    pub(crate) fn walk(png: &'a [u8], limits: &Limits) -> Result<Self, DecodeError> {
        let (_, mut offset) = open(png, limits)?;
        let mut container = Self {
            image: &[],
            image_chunks: 0,
            image_bytes: 0,
            palette: None,
            transparency: None,
        };
        let mut last = ChunkName::HEADER;
        while last != ChunkName::END {
            if offset == png.len() {
                let length = png.len();
                return Err(Damage::MissingEnd { last, length }.into());
            }
            let chunk = Chunk::read(png, offset)?;
            container.take(png, &chunk, last)?;
            last = chunk.name;
            offset = chunk.end();
        }
        if offset != png.len() {
            let length = png.len() - offset;
            return Err(Damage::TrailingData { offset, length }.into());
        }
        if container.image_chunks == 0 {
            return Err(Damage::MissingImageData.into());
        }
        Ok(container)
    }

    fn take(
        &mut self,
        png: &'a [u8],
        chunk: &Chunk<'a>,
        last: ChunkName,
    ) -> Result<(), DecodeError> {
        let behind_image = self.image_chunks > 0;
        match chunk.name {
            ChunkName::DATA => {
                if !behind_image {
                    self.image = &png[chunk.offset..];
                } else if last != ChunkName::DATA {
                    return Err(chunk.out_of_order().into());
                }
                self.image_chunks += 1;
                self.image_bytes += chunk.data.len();
            }
            ChunkName::PALETTE => {
                if behind_image || self.palette.is_some() || self.transparency.is_some() {
                    return Err(chunk.out_of_order().into());
                }
                // Red, green and blue, whether or not the image refers to them.
                let (entries, rest) = chunk.data.as_chunks::<3>();
                if !(1..=256).contains(&entries.len()) || !rest.is_empty() {
                    return Err(chunk.impossible_length().into());
                }
                self.palette = Some(*chunk);
            }
            ChunkName::TRANSPARENCY => {
                if behind_image || self.transparency.is_some() {
                    return Err(chunk.out_of_order().into());
                }
                self.transparency = Some(*chunk);
            }
            ChunkName::END if !chunk.data.is_empty() => {
                return Err(chunk.impossible_length().into());
            }
            ChunkName::END => {}
            ChunkName::HEADER => return Err(chunk.out_of_order().into()),
            ChunkName::ANIMATION => {
                let offset = chunk.offset;
                return Err(Unsupported::Animation { offset }.into());
            }
            name if name.is_ancillary() => {}
            name => {
                return Err(Unsupported::CriticalChunk {
                    chunk: name,
                    offset: chunk.offset,
                }
                .into());
            }
        }
        Ok(())
    }

    /// The zlib stream: a lone `IDAT` where it lies in the file, several of
    /// them put together in `gathered`.
    pub(crate) fn stream<'b>(&self, gathered: &'b mut Vec<u8>) -> &'b [u8]
    where
        'a: 'b,
    {
        if self.image_chunks == 1 {
            return &self.image[HEAD..HEAD + self.image_bytes];
        }
        gathered.clear();
        gathered.reserve_exact(self.image_bytes);
        let mut rest = self.image;
        for _ in 0..self.image_chunks {
            // `walk` has been here: length and data are complete.
            let length = rest
                .first_chunk()
                .map_or(0, |length| u32::from_be_bytes(*length) as usize);
            gathered.extend_from_slice(&rest[HEAD..HEAD + length]);
            rest = &rest[HEAD + length + CRC..];
        }
        gathered
    }
}
