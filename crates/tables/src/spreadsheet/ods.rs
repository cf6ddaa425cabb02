//! Sheets of LibreOffice.
//!
//! The format is OpenDocument 1.3, part 3:
//! <https://docs.oasis-open.org/office/OpenDocument/v1.3/os/part3-schema/>. Cells and rows
//! that repeat are written once, up to the size of the largest sheet, so repeated blank
//! ones are only counted.

use std::io::{BufReader, Read, Seek};
use std::ops::Range;

use quick_xml::Reader;
use quick_xml::events::{BytesStart, Event};
use zip::ZipArchive;

use super::sheet::{Sheet, SheetError, choose};
use crate::limits::Limits;

/// Rows and columns of the largest sheet.
const LARGEST: [u32; 2] = [1 << 20, 1 << 14];

/// Reads a sheet.
pub(super) fn read(
    file: impl Read + Seek,
    wanted: Option<&str>,
    limits: Limits,
) -> Result<Sheet, SheetError> {
    let mut archive = ZipArchive::new(file).map_err(damaged)?;
    let content = archive.by_name("content.xml").map_err(damaged)?;
    let mut reader = Reader::from_reader(BufReader::new(content));
    let mut state = State::new(limits);
    let (mut names, mut sheets) = (Vec::new(), Vec::new());
    let mut buffer = Vec::new();
    loop {
        buffer.clear();
        let event = reader.read_event_into(&mut buffer).map_err(damaged)?;
        match event {
            Event::Eof => break,
            Event::Start(element) if element.name().as_ref() == "table:table" => {
                names.push(attribute(&element, "table:name").unwrap_or_default());
                (state.sheet, state.row) = (Sheet::default(), 0);
            }
            Event::End(element) if element.name().as_ref() == "table:table" => {
                // Only the wanted sheet is kept, or the first one.
                let name = names.last().map(String::as_str);
                let sheet = std::mem::take(&mut state.sheet);
                if wanted.is_none_or(|wanted| name == Some(wanted)) && sheets.is_empty() {
                    sheets.push(sheet);
                }
            }
            Event::Start(element) => state.begin(&element),
            Event::Empty(element) => {
                state.begin(&element);
                state.end(element.name().as_ref())?;
            }
            Event::End(element) => state.end(element.name().as_ref())?,
            Event::Text(text) => state.text(&text),
            Event::GeneralRef(reference) => state.text(&character(&reference)),
            _ => {}
        }
    }
    choose(&names, wanted)?;
    sheets
        .pop()
        .ok_or_else(|| SheetError::Damaged("it ends in the middle of a sheet".into()))
}

/// The part of a sheet that is being read.
struct State {
    limits: Limits,
    sheet: Sheet,
    /// Position of the current row and cell.
    row: u32,
    column: u32,
    /// How often the current row and cell are repeated.
    row_repeats: u32,
    cell_repeats: u32,
    /// The cells of the current row, each with the columns where it is repeated.
    cells: Vec<(Range<u32>, String)>,
    /// The value of the current cell, unless it is text.
    value: Option<String>,
    /// Paragraphs of the current cell.
    paragraphs: Vec<String>,
    is_in_paragraph: bool,
    /// Whether the text is that of a comment on the cell.
    is_in_comment: bool,
}

impl State {
    fn new(limits: Limits) -> Self {
        Self {
            limits,
            sheet: Sheet::default(),
            row: 0,
            column: 0,
            row_repeats: 1,
            cell_repeats: 1,
            cells: Vec::new(),
            value: None,
            paragraphs: Vec::new(),
            is_in_paragraph: false,
            is_in_comment: false,
        }
    }

    /// Begins an element.
    fn begin(&mut self, element: &BytesStart<'_>) {
        match element.name().as_ref() {
            "table:table-row" => {
                self.row_repeats = repeats(element, "table:number-rows-repeated");
                self.column = 0;
                self.cells.clear();
            }
            "table:table-cell" | "table:covered-table-cell" => {
                self.cell_repeats = repeats(element, "table:number-columns-repeated");
                self.paragraphs.clear();
                let kind = attribute(element, "office:value-type");
                self.value = match kind.as_deref() {
                    Some("float" | "percentage" | "currency") => attribute(element, "office:value"),
                    Some("date") => attribute(element, "office:date-value"),
                    Some("boolean") => {
                        match attribute(element, "office:boolean-value").as_deref() {
                            Some("true") => Some("True".to_owned()),
                            _ => Some("False".to_owned()),
                        }
                    }
                    _ => None,
                };
            }
            "office:annotation" => self.is_in_comment = true,
            "text:p" if !self.is_in_comment => {
                self.paragraphs.push(String::new());
                self.is_in_paragraph = true;
            }
            "text:s" => self.text(" "),
            _ => {}
        }
    }

    /// Adds text to the paragraph.
    fn text(&mut self, text: &str) {
        if let Some(paragraph) = self.paragraphs.last_mut().filter(|_| self.is_in_paragraph) {
            paragraph.push_str(text);
        }
    }

    /// Ends an element.
    fn end(&mut self, name: &str) -> Result<(), SheetError> {
        match name {
            "office:annotation" => self.is_in_comment = false,
            "text:p" => self.is_in_paragraph = false,
            "table:table-cell" | "table:covered-table-cell" => {
                let text = self.paragraphs.join("\n");
                let text = self.value.take().unwrap_or(text);
                let end = self
                    .column
                    .saturating_add(self.cell_repeats)
                    .min(LARGEST[1]);
                if !text.trim().is_empty() && self.column < end {
                    self.cells.push((self.column..end, text));
                }
                self.column = end;
            }
            "table:table-row" => {
                let end = self.row.saturating_add(self.row_repeats).min(LARGEST[0]);
                if !self.cells.is_empty() {
                    for row in self.row..end {
                        for (columns, text) in &self.cells {
                            for column in columns.clone() {
                                self.sheet.push(row, column, text.clone(), self.limits)?;
                            }
                        }
                    }
                }
                self.row = end;
            }
            _ => {}
        }
        Ok(())
    }
}

/// The value of an attribute, if the element has it.
fn attribute(element: &BytesStart<'_>, name: &str) -> Option<String> {
    let attribute = element.try_get_attribute(name).ok().flatten()?;
    let text = quick_xml::escape::unescape(&attribute.value).ok()?;
    Some(text.into_owned())
}

/// How often a row or cell is repeated.
fn repeats(element: &BytesStart<'_>, name: &str) -> u32 {
    let number = attribute(element, name).and_then(|text| text.parse().ok());
    number.unwrap_or(1)
}

/// The text of a reference such as `&amp;`; empty if it is unknown.
fn character(reference: &quick_xml::events::BytesRef<'_>) -> String {
    let text = format!("&{};", &**reference);
    quick_xml::escape::unescape(&text).map_or_else(|_| String::new(), |text| text.into_owned())
}

fn damaged(error: impl std::fmt::Display) -> SheetError {
    SheetError::Damaged(error.to_string())
}
