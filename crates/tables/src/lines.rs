//! Counts lines for the CSV reader, which does not say on which line a row begins,
//! nor whether the text ends inside a quote.

use std::collections::VecDeque;
use std::io::{self, Read};

use crate::limits::Limits;

/// Text that is appended to the table. It is read as a row of its own, unless a
/// quote is still open.
const END: &[u8] = b"\n.";
/// The only field of the row that [`END`] is read as.
pub(crate) const END_ROW: &str = ".";

/// A reader that counts the lines it has read (they end in LF, CRLF or CR), and
/// fails when the text is larger than the limits allow.
pub(crate) struct Lines<R> {
    inner: R,
    limits: Limits,
    /// Bytes that have been read, without [`END`].
    passed: u64,
    row_start: u64,
    /// Line of the next byte, from 1.
    line: u64,
    line_is_blank: bool,
    previous: u8,
    /// Offset of the first byte, and number, of each line that is not blank,
    /// from the current row on.
    ahead: VecDeque<(u64, u64)>,
    /// The unread part of [`END`], once the text has ended.
    end: Option<&'static [u8]>,
    exceeded: Option<Exceeded>,
}

/// The limit that was reached.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Exceeded {
    /// Bytes of the text.
    Bytes,
    /// Bytes of one row.
    RowBytes,
}

impl<R> Lines<R> {
    /// Begins to read `inner`.
    pub(crate) fn new(inner: R, limits: Limits) -> Self {
        Self {
            inner,
            limits,
            passed: 0,
            row_start: 0,
            line: 1,
            line_is_blank: true,
            previous: 0,
            ahead: VecDeque::new(),
            end: None,
            exceeded: None,
        }
    }

    /// Notes the position of the CSV reader before it reads a row.
    pub(crate) fn begin_row(&mut self, offset: u64) {
        self.row_start = offset;
        while self.ahead.front().is_some_and(|(start, _)| *start < offset) {
            self.ahead.pop_front();
        }
    }

    /// Line of the current row: the first line from [`Self::begin_row`] on that
    /// is not blank. The CSV reader may have stopped before blank lines or in the
    /// middle of a CRLF.
    pub(crate) fn row_line(&self) -> u64 {
        self.ahead.front().map_or(self.line, |(_, line)| *line)
    }

    /// Line that is being read.
    pub(crate) fn line(&self) -> u64 {
        self.line
    }

    /// Whether the CSV reader, at `offset`, has read [`END`].
    pub(crate) fn is_beyond_end(&self, offset: u64) -> bool {
        self.end.is_some() && offset > self.passed.saturating_add(1)
    }

    /// The limit that stopped the reader, if any.
    pub(crate) fn exceeded(&self) -> Option<Exceeded> {
        self.exceeded
    }

    /// Counts the lines of `bytes`, which the CSV reader is about to get.
    fn pass(&mut self, bytes: &[u8]) {
        for (offset, &byte) in (self.passed..).zip(bytes) {
            match byte {
                b'\n' if self.previous == b'\r' => {}
                b'\n' | b'\r' => {
                    self.line += 1;
                    self.line_is_blank = true;
                }
                _ if self.line_is_blank => {
                    self.ahead.push_back((offset, self.line));
                    self.line_is_blank = false;
                }
                _ => {}
            }
            self.previous = byte;
        }
        self.passed += bytes.len() as u64;
    }
}

impl<R: Read> Read for Lines<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if let Some(end) = &mut self.end {
            return end.read(buffer);
        }
        self.exceeded = if self.passed > self.limits.bytes {
            Some(Exceeded::Bytes)
        } else if self.passed.saturating_sub(self.row_start) > self.limits.row_bytes {
            Some(Exceeded::RowBytes)
        } else {
            None
        };
        if self.exceeded.is_some() {
            return Err(io::ErrorKind::FileTooLarge.into());
        }
        let count = self.inner.read(buffer)?;
        if count == 0 && !buffer.is_empty() {
            return self.end.insert(END).read(buffer);
        }
        self.pass(buffer.get(..count).unwrap_or(&[]));
        Ok(count)
    }
}
