//! One page of a TIFF as a file of its own.
//!
//! The strips or tiles are copied as they are, with the tags that say how to decode them.

use std::io::Cursor;

use ::tiff::decoder::Decoder as Reader;
use ::tiff::tags::Tag;

use crate::error::{Damage, DecodeError, Unsupported};
use crate::limits::Limits;
use crate::tiff::crate_limits;

/// Tags that say how strips and tiles are decoded: width, length, bits, compression,
/// photometric interpretation, fill order, samples a pixel, rows a strip, planes, predictor,
/// width and length of a tile, and format of samples.
const COPIED: [u16; 13] = [
    256, 257, 258, 259, 262, 266, 277, 278, 284, 317, 322, 323, 339,
];
/// The tags of the offsets and the lengths of strips, and of tiles.
const DATA: [(u16, u16); 2] = [(273, 279), (324, 325)];
/// The type of a value of 4 bytes.
const LONG: u16 = 4;
/// Bytes of the header of a TIFF, and of an entry of a directory.
const HEADER: usize = 8;
const ENTRY: usize = 12;

/// Returns page `number`, counted from 1, of a TIFF of `pages` pages as a TIFF of one page.
///
/// # Errors
///
/// - [`DecodeError::Unsupported`]: the file has another number of pages, or `number` is none of
///   them.
/// - [`DecodeError::Damaged`]: its directories cannot be read, or a strip or tile is not
///   inside the file.
pub fn tiff_page(
    file: &[u8],
    number: usize,
    pages: usize,
    limits: &Limits,
) -> Result<Vec<u8>, DecodeError> {
    let mut reader = Reader::new(Cursor::new(file))?.with_limits(crate_limits(limits));
    let found = count(&mut reader, pages)?;
    if found != pages || number == 0 || number > pages {
        return Err(Unsupported::TiffPageCount {
            found,
            expected: pages,
        }
        .into());
    }
    reader.seek_to_image(number - 1)?;

    let is_little = file.starts_with(b"II");
    let mut page = Page::new(is_little);
    let mut values = |tag: u16| -> Result<Option<Vec<u64>>, DecodeError> {
        Ok(reader.find_tag_unsigned_vec::<u64>(Tag::from_u16_exhaustive(tag))?)
    };
    let mut entries: Vec<(u16, Vec<u64>)> = Vec::new();
    for tag in COPIED {
        entries.extend(values(tag)?.map(|values| (tag, values)));
    }
    for (offsets, lengths) in DATA {
        let Some((at, length)) = values(offsets)?.zip(values(lengths)?) else {
            continue;
        };
        if at.len() != length.len() {
            return Err(damaged("a strip or tile has no length"));
        }
        let mut copied = Vec::with_capacity(at.len());
        for (at, length) in at.into_iter().zip(&length) {
            copied.push(page.copy(file, at, *length)?);
        }
        entries.push((offsets, copied));
        entries.push((lengths, length));
    }
    entries.sort();
    page.finish(&entries)
}

/// Counts the pages of a file, up to one more than `expected`.
fn count(reader: &mut Reader<Cursor<&[u8]>>, expected: usize) -> Result<usize, DecodeError> {
    let mut found = 1;
    while found <= expected && reader.more_images() {
        reader.next_image()?;
        found += 1;
    }
    Ok(found)
}

fn damaged(message: &str) -> DecodeError {
    Damage::Tiff {
        message: message.to_owned(),
    }
    .into()
}

/// A TIFF that is being written.
struct Page {
    bytes: Vec<u8>,
    is_little: bool,
}

impl Page {
    fn new(is_little: bool) -> Self {
        let mut page = Self {
            bytes: Vec::new(),
            is_little,
        };
        let order = if is_little { b"II" } else { b"MM" };
        page.bytes.extend_from_slice(order);
        page.short(42);
        page.long(0); // Where the directory is; known at the end.
        page
    }

    fn short(&mut self, value: u16) {
        let bytes = match self.is_little {
            true => value.to_le_bytes(),
            false => value.to_be_bytes(),
        };
        self.bytes.extend_from_slice(&bytes);
    }

    fn in_order(&self, value: u32) -> [u8; 4] {
        match self.is_little {
            true => value.to_le_bytes(),
            false => value.to_be_bytes(),
        }
    }

    fn long(&mut self, value: u32) {
        let bytes = self.in_order(value);
        self.bytes.extend_from_slice(&bytes);
    }

    /// Offset of the next byte that is written.
    fn position(&self) -> Result<u32, DecodeError> {
        u32::try_from(self.bytes.len()).map_err(|_| damaged("a page of more than 4 GiB"))
    }

    /// Copies a strip or tile of `file`, and returns its new offset.
    fn copy(&mut self, file: &[u8], at: u64, length: u64) -> Result<u64, DecodeError> {
        let position = self.position()?;
        let range = usize::try_from(at).ok().zip(usize::try_from(length).ok());
        let data = range.and_then(|(at, length)| file.get(at..at.checked_add(length)?));
        let data = data.ok_or_else(|| damaged("a strip or tile is not inside the file"))?;
        if self.bytes.len().saturating_add(data.len()) > file.len().saturating_add(HEADER) {
            return Err(damaged("strips or tiles overlap"));
        }
        self.bytes.extend_from_slice(data);
        Ok(position.into())
    }

    /// Writes the directory and returns the file. All values are written as 4 bytes, which
    /// readers take for any whole number.
    fn finish(mut self, entries: &[(u16, Vec<u64>)]) -> Result<Vec<u8>, DecodeError> {
        if self.bytes.len() % 2 == 1 {
            self.bytes.push(0);
        }
        let directory = self.position()?;
        let mut behind = self.bytes.len() + 2 + entries.len() * ENTRY + 4;
        let mut lists = Vec::new();
        self.short(entries.len() as u16);
        for (tag, values) in entries {
            self.short(*tag);
            self.short(LONG);
            self.long(values.len() as u32);
            let longs: Vec<u32> = values
                .iter()
                .map(|value| u32::try_from(*value))
                .collect::<Result<_, _>>()
                .map_err(|_| damaged("a value of more than 32 bit"))?;
            match longs.as_slice() {
                [one] => self.long(*one),
                _ => {
                    let at = u32::try_from(behind);
                    self.long(at.map_err(|_| damaged("a page of more than 4 GiB"))?);
                    behind += longs.len() * 4;
                    lists.extend(longs);
                }
            }
        }
        self.long(0); // There is no other directory.
        for value in lists {
            self.long(value);
        }
        let place = self.in_order(directory);
        if let Some(field) = self.bytes.get_mut(4..HEADER) {
            field.copy_from_slice(&place);
        }
        Ok(self.bytes)
    }
}
