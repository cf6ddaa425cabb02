//! The chunks of a whole file that have to do with its pixels.
//!
//! [PNG, 5: datastream structure](https://www.w3.org/TR/png-3/#5DataRep)

use crate::chunk::{Chunk, SIGNATURE};
use crate::chunk_name::ChunkName;
use crate::error::{Damage, DecodeError, Part, Unsupported};
use crate::header::Header;
use crate::limits::Limits;
use crate::shape::PlaneShape;

/// Checks the signature and reads the header. Returns where the next chunk begins, too.
fn read_start(png: &[u8], limits: &Limits) -> Result<(Header, usize), DecodeError> {
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
        return Err(chunk.length_error().into());
    };
    Ok((Header::parse(data, limits)?, chunk.end()))
}

/// Reads the header of a file, and nothing after it.
pub(crate) fn read_header(head: &[u8], limits: &Limits) -> Result<Header, DecodeError> {
    read_start(head, limits).map(|(header, _)| header)
}

/// Reads the size and sample type of a PNG from its first 33 bytes.
///
/// Reads only the signature and the chunk `IHDR`, and checks its CRC. `head` may be the
/// whole file. A colour image has the shape that it has as grey;
/// [`Decoder::decode`](crate::Decoder::decode) finds out whether it is grey.
///
/// # Errors
///
/// - [`DecodeError::Damaged`]: the file is empty, is not a PNG, or ends within the first
///   33 bytes; the CRC is wrong; the first chunk is not `IHDR`; a field has a value that
///   PNG does not define.
/// - [`DecodeError::Unsupported`]: grey of 1, 2 or 4 bits.
/// - [`DecodeError::Limit`]: the image is beyond `limits`.
pub fn read_shape(head: &[u8], limits: &Limits) -> Result<PlaneShape, DecodeError> {
    read_header(head, limits).map(|header| header.shape)
}

/// The chunks of a file that have to do with its pixels.
pub(crate) struct Container<'a> {
    /// The zlib stream: the data of all `IDAT` chunks.
    pub(crate) stream: &'a [u8],
    pub(crate) palette: Option<Chunk<'a>>,
    pub(crate) transparency: Option<Chunk<'a>>,
}

impl<'a> Container<'a> {
    /// Reads the whole file. Checks the CRC of every chunk, their order, and that the file
    /// ends with `IEND`.
    ///
    /// The stream is borrowed from the file if there is one `IDAT` chunk. Several of them
    /// are copied into `joined`.
    pub(crate) fn read(
        png: &'a [u8],
        limits: &Limits,
        joined: &'a mut Vec<u8>,
    ) -> Result<Self, DecodeError> {
        let (_, mut offset) = read_start(png, limits)?;
        let mut parts = Parts {
            first_data: None,
            joined,
            data_chunks: 0,
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
            parts.add(png, &chunk, last)?;
            last = chunk.name;
            offset = chunk.end();
        }
        if offset != png.len() {
            let length = png.len() - offset;
            return Err(Damage::TrailingData { offset, length }.into());
        }
        let Parts {
            first_data,
            joined,
            data_chunks,
            palette,
            transparency,
        } = parts;
        let Some(first_data) = first_data else {
            return Err(Damage::MissingImageData.into());
        };
        Ok(Self {
            stream: if data_chunks == 1 {
                first_data.data
            } else {
                joined
            },
            palette,
            transparency,
        })
    }
}

/// The chunks that were read so far.
struct Parts<'a> {
    first_data: Option<Chunk<'a>>,
    /// Data of all `IDAT` chunks, once there are two or more.
    joined: &'a mut Vec<u8>,
    data_chunks: usize,
    palette: Option<Chunk<'a>>,
    transparency: Option<Chunk<'a>>,
}

impl<'a> Parts<'a> {
    /// Takes a chunk, or refuses it. `last` is the name of the chunk before it.
    fn add(&mut self, png: &[u8], chunk: &Chunk<'a>, last: ChunkName) -> Result<(), DecodeError> {
        let is_after_data = self.first_data.is_some();
        match chunk.name {
            ChunkName::DATA if is_after_data && last != ChunkName::DATA => {
                return Err(chunk.order_error().into());
            }
            ChunkName::DATA => self.add_data(png, chunk),
            ChunkName::PALETTE => {
                if is_after_data || self.palette.is_some() || self.transparency.is_some() {
                    return Err(chunk.order_error().into());
                }
                // Red, green and blue. Checked even if the pixels do not refer to them.
                let (entries, rest) = chunk.data.as_chunks::<3>();
                if !(1..=256).contains(&entries.len()) || !rest.is_empty() {
                    return Err(chunk.length_error().into());
                }
                self.palette = Some(*chunk);
            }
            ChunkName::TRANSPARENCY => {
                if is_after_data || self.transparency.is_some() {
                    return Err(chunk.order_error().into());
                }
                self.transparency = Some(*chunk);
            }
            ChunkName::END if !chunk.data.is_empty() => {
                return Err(chunk.length_error().into());
            }
            ChunkName::END => {}
            ChunkName::HEADER => return Err(chunk.order_error().into()),
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

    fn add_data(&mut self, png: &[u8], chunk: &Chunk<'a>) {
        self.data_chunks += 1;
        let Some(first) = self.first_data else {
            self.first_data = Some(*chunk);
            return;
        };
        if self.data_chunks == 2 {
            self.joined.clear();
            // The rest of the file is at least as long as the data in it.
            self.joined.reserve_exact(png.len() - first.offset);
            self.joined.extend_from_slice(first.data);
        }
        self.joined.extend_from_slice(chunk.data);
    }
}
