//! The chunks of a whole file that have to do with its pixels.
//!
//! [PNG, 5: datastream structure](https://www.w3.org/TR/png-3/#5DataRep)

use crate::chunk::{Chunk, SIGNATURE};
use crate::chunk_name::ChunkName;
use crate::error::{Damage, DecodeError, Part, Unsupported};
use crate::header::{Colour, Header};
use crate::limits::Limits;
use crate::oddity::{Oddities, Oddity};

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

/// The chunks of a file that have to do with its pixels.
pub(crate) struct Container<'a> {
    /// The zlib stream: the data of all `IDAT` chunks.
    pub(crate) stream: &'a [u8],
    pub(crate) palette: Option<Chunk<'a>>,
    pub(crate) transparency: Option<Chunk<'a>>,
    /// What is wrong with the file, and does not concern the pixels.
    pub(crate) oddities: Oddities,
    /// The damage behind the pixels, which matters if they are not complete.
    pub(crate) damage_behind: Option<Damage>,
}

impl<'a> Container<'a> {
    /// Reads the whole file. Checks the CRC of every chunk and their order. What is wrong
    /// with chunks that have no influence on the pixels is an oddity.
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
            oddities: Oddities::default(),
        };
        let mut last = ChunkName::HEADER;
        let mut damage_behind = None;
        while last != ChunkName::END {
            let chunk = match next_chunk(png, offset, last) {
                Ok(chunk) => chunk,
                Err(damage) if parts.first_data.is_some() && is_behind_pixels(&damage) => {
                    parts.oddities.add(Oddity::MissingEnd);
                    damage_behind = Some(damage);
                    break;
                }
                Err(damage) => return Err(damage.into()),
            };
            match chunk {
                (chunk, None) => {
                    parts.add(png, &chunk, last)?;
                    (last, offset) = (chunk.name, chunk.end());
                }
                (chunk, Some(_)) => {
                    parts.oddities.add(Oddity::AncillaryCrc);
                    offset = chunk.end();
                }
            }
        }
        if damage_behind.is_none() && offset != png.len() {
            parts.oddities.add(Oddity::TrailingData);
        }
        let Parts {
            first_data,
            joined,
            data_chunks,
            palette,
            transparency,
            oddities,
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
            oddities,
            damage_behind,
        })
    }
}

impl Container<'_> {
    /// Leaves out a transparency chunk that an image of this colour type cannot have.
    pub(crate) fn check_transparency(&mut self, colour: Colour) {
        let entries = self.palette.map_or(0, |palette| palette.data.len() / 3);
        let fits = |chunk: &Chunk<'_>| match colour {
            Colour::Grey => chunk.data.len() == 2,
            Colour::Rgb => chunk.data.len() == 6,
            Colour::Palette => chunk.data.len() <= entries,
            Colour::GreyAlpha | Colour::RgbAlpha => false,
        };
        if self.transparency.is_some_and(|chunk| !fits(&chunk)) {
            self.transparency = None;
            self.oddities.add(Oddity::MisplacedTransparency);
        }
    }
}

/// Reads the next chunk. A wrong CRC is an error, unless the chunk has no influence on
/// the pixels.
fn next_chunk(
    png: &[u8],
    offset: usize,
    last: ChunkName,
) -> Result<(Chunk<'_>, Option<Damage>), Damage> {
    if offset == png.len() {
        let length = png.len();
        return Err(Damage::MissingEnd { last, length });
    }
    match Chunk::read_unchecked(png, offset)? {
        (chunk, Some(damage)) if !chunk.name.is_ancillary() => Err(damage),
        chunk => Ok(chunk),
    }
}

/// Whether damage behind the first pixels can leave all of them whole: it is in no chunk
/// of pixels. Whether they are whole, the zlib stream tells.
fn is_behind_pixels(damage: &Damage) -> bool {
    let is_other = |chunk: &ChunkName| *chunk != ChunkName::DATA;
    match damage {
        Damage::Truncated { part, .. } => match part {
            Part::Chunk(chunk) => is_other(chunk),
            Part::ChunkHead | Part::Signature => true,
        },
        Damage::ChunkCrc { chunk, .. } | Damage::ChunkLength { chunk, .. } => is_other(chunk),
        Damage::MissingEnd { .. } => true,
        _ => false,
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
    oddities: Oddities,
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
                if is_after_data || self.palette.is_some() {
                    return Err(chunk.order_error().into());
                }
                if self.transparency.take().is_some() {
                    self.oddities.add(Oddity::MisplacedTransparency);
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
                    self.oddities.add(Oddity::MisplacedTransparency);
                } else {
                    self.transparency = Some(*chunk);
                }
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
