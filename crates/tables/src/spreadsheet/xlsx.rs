//! Sheets of Excel.

use std::io::{Read, Seek};

use calamine::{DataRef, ExcelDateTime, Reader, Xlsx, open_workbook_from_rs};

use super::sheet::{Sheet, SheetError, choose};
use crate::limits::Limits;

/// Reads a sheet cell by cell, so that a far cell takes no more memory than another.
pub(super) fn read(
    file: impl Read + Seek,
    sheet: Option<&str>,
    limits: Limits,
) -> Result<Sheet, SheetError> {
    let damaged = |error: calamine::XlsxError| SheetError::Damaged(error.to_string());
    let mut book: Xlsx<_> = open_workbook_from_rs(file).map_err(damaged)?;
    let chosen = choose(&book.sheet_names(), sheet)?;
    let mut cells = book.worksheet_cells_reader(&chosen).map_err(damaged)?;
    let mut found = Sheet::default();
    while let Some(cell) = cells.next_cell().map_err(damaged)? {
        let (row, column) = cell.get_position();
        if let Some(text) = text(cell.get_value()) {
            found.push(row, column, text, limits)?;
        }
    }
    Ok(found)
}

/// The text of a cell; `None` if it is blank. Whole numbers have no fraction: a sheet
/// holds all numbers as floats.
fn text(value: &DataRef<'_>) -> Option<String> {
    Some(match value {
        DataRef::Int(number) => number.to_string(),
        DataRef::Float(number) => number.to_string(),
        DataRef::String(text) => text.clone(),
        DataRef::SharedString(text) => (*text).to_owned(),
        DataRef::Bool(true) => "True".to_owned(),
        DataRef::Bool(false) => "False".to_owned(),
        DataRef::DateTime(time) => date(time),
        DataRef::DateTimeIso(text) | DataRef::DurationIso(text) => text.clone(),
        DataRef::Error(_) | DataRef::Empty => return None,
    })
}

/// A day, and the time of it unless that is midnight.
fn date(time: &ExcelDateTime) -> String {
    let (year, month, day, hour, minute, second, _) = time.to_ymd_hms_milli();
    let mut text = format!("{year:04}-{month:02}-{day:02}");
    if (hour, minute, second) != (0, 0, 0) {
        text += &format!(" {hour:02}:{minute:02}:{second:02}");
    }
    text
}
