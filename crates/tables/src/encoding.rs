//! The text of a table as UTF-8, and the separator of its fields.

use std::io::{self, Chain, Cursor, Read};

const UTF8_MARK: &[u8] = b"\xef\xbb\xbf";
const UTF16_MARKS: [(&[u8], ByteOrder); 2] = [
    (b"\xff\xfe", ByteOrder::Little),
    (b"\xfe\xff", ByteOrder::Big),
];
/// Most bytes of the header that are looked at for the separator.
const HEAD_AT_MOST: usize = 16 << 10;
/// Separators of fields. The first one stands for a text without any of them.
const SEPARATORS: [u8; 3] = [b',', b'\t', b';'];

/// A text as UTF-8 without a byte order mark.
pub(crate) type Utf8Text<R> = Chain<Cursor<Vec<u8>>, Decoded<Chain<Cursor<Vec<u8>>, R>>>;

/// Recognises the encoding of `text` by its byte order mark, which is left out, and the
/// separator of its fields by the header. A text without a mark is UTF-8.
pub(crate) fn recognise<R: Read>(mut text: R) -> io::Result<(Utf8Text<R>, u8)> {
    let mut mark = Vec::with_capacity(UTF8_MARK.len());
    text.by_ref()
        .take(UTF8_MARK.len() as u64)
        .read_to_end(&mut mark)?;
    let utf16 = UTF16_MARKS
        .iter()
        .find(|(bytes, _)| mark.starts_with(bytes));
    let order = utf16.map(|(_, order)| *order);
    if mark == UTF8_MARK {
        mark.clear();
    } else if order.is_some() {
        mark.drain(..2);
    }
    let text = Cursor::new(mark).chain(text);
    let mut text = match order {
        Some(order) => Decoded::Utf16(Utf16::new(text, order)),
        None => Decoded::Utf8(text),
    };
    let head = head_without_marks(&mut text)?;
    let separator = separator(&head);
    Ok((Cursor::new(head).chain(text), separator))
}

/// Reads the beginning of a text as [`head`] does, without further byte order marks. Some
/// programs write two, and the csv crate would leave out one; it never ends if its first read
/// gives a mark alone.
fn head_without_marks(text: &mut impl Read) -> io::Result<Vec<u8>> {
    let mut found = Vec::new();
    loop {
        let more = head(text)?;
        let is_over = more.is_empty();
        found.extend(more);
        let marks = found.chunks(UTF8_MARK.len());
        let marks = marks.take_while(|bytes| *bytes == UTF8_MARK).count();
        found.drain(..marks * UTF8_MARK.len());
        // The rest can be the beginning of a mark.
        if is_over || !UTF8_MARK.starts_with(&found) {
            return Ok(found);
        }
    }
}

/// Reads the beginning of a text up to the end of its first line that is not blank, at
/// most [`HEAD_AT_MOST`] bytes. It may read further.
fn head(text: &mut impl Read) -> io::Result<Vec<u8>> {
    const STEP: usize = 4096;
    let mut head = Vec::new();
    while head.len() < HEAD_AT_MOST {
        let before = head.len();
        text.by_ref().take(STEP as u64).read_to_end(&mut head)?;
        if head.len() == before || first_line_is_whole(&head) {
            break;
        }
    }
    Ok(head)
}

/// The bytes of the first line that is not blank, without those between quotes.
fn unquoted_line(head: &[u8]) -> impl Iterator<Item = (u8, bool)> {
    let mut is_quoted = false;
    let mut is_blank = true;
    let mut is_over = false;
    head.iter().filter_map(move |&byte| {
        if is_over {
            return None;
        }
        is_quoted ^= byte == b'"';
        let ends = !is_quoted && matches!(byte, b'\n' | b'\r');
        is_over = ends && !is_blank;
        is_blank &= byte.is_ascii_whitespace();
        (!is_quoted).then_some((byte, is_over))
    })
}

fn first_line_is_whole(head: &[u8]) -> bool {
    unquoted_line(head).any(|(_, is_end)| is_end)
}

/// The separator that is most frequent in the header.
fn separator(head: &[u8]) -> u8 {
    let count = |separator: u8| {
        unquoted_line(head)
            .filter(|(byte, _)| *byte == separator)
            .count()
    };
    let mut best = (0, b',');
    for separator in SEPARATORS {
        let count = count(separator);
        if count > best.0 {
            best = (count, separator);
        }
    }
    best.1
}

/// Order of the bytes of a UTF-16 unit.
#[derive(Clone, Copy, Debug)]
pub(crate) enum ByteOrder {
    Little,
    Big,
}

/// A text as UTF-8.
pub(crate) enum Decoded<R> {
    /// It is UTF-8 already, or claims to be.
    Utf8(R),
    /// It is translated while it is read.
    Utf16(Utf16<R>),
}

impl<R: Read> Read for Decoded<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match self {
            Self::Utf8(text) => text.read(buffer),
            Self::Utf16(text) => text.read(buffer),
        }
    }
}

/// Translates UTF-16 to UTF-8.
pub(crate) struct Utf16<R> {
    inner: R,
    order: ByteOrder,
    /// UTF-8 that is not read yet.
    ready: Cursor<Vec<u8>>,
    /// The first half of a character outside the basic plane.
    high: Option<u16>,
    is_over: bool,
}

impl<R: Read> Utf16<R> {
    fn new(inner: R, order: ByteOrder) -> Self {
        Self {
            inner,
            order,
            ready: Cursor::new(Vec::new()),
            high: None,
            is_over: false,
        }
    }

    /// Translates the next units.
    fn fill(&mut self) -> io::Result<()> {
        const STEP: u64 = 16 << 10;
        let mut bytes = Vec::new();
        self.inner.by_ref().take(STEP).read_to_end(&mut bytes)?;
        self.is_over = (bytes.len() as u64) < STEP;
        let (units, rest) = bytes.as_chunks::<2>();
        if !rest.is_empty() {
            return Err(invalid("it ends in the middle of a UTF-16 character"));
        }
        let order = self.order;
        let units = units.iter().map(|unit| match order {
            ByteOrder::Little => u16::from_le_bytes(*unit),
            ByteOrder::Big => u16::from_be_bytes(*unit),
        });
        let mut units: Vec<u16> = self.high.take().into_iter().chain(units).collect();
        if !self.is_over {
            self.high = units.pop_if(|unit| (0xd800..0xdc00).contains(unit));
        }
        let mut text = String::with_capacity(units.len());
        for character in char::decode_utf16(units) {
            let wrong = |_| invalid("it holds half a UTF-16 character");
            text.push(character.map_err(wrong)?);
        }
        self.ready = Cursor::new(text.into_bytes());
        Ok(())
    }
}

impl<R: Read> Read for Utf16<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        loop {
            let count = self.ready.read(buffer)?;
            if count > 0 || buffer.is_empty() || self.is_over {
                return Ok(count);
            }
            self.fill()?;
        }
    }
}

fn invalid(text: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, text)
}

#[cfg(test)]
mod tests;
