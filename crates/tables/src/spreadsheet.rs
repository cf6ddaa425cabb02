//! Tables in spreadsheets: `.xlsx` and `.ods`.

mod ods;
mod sheet;
#[cfg(test)]
mod tests;
mod xlsx;

use std::io::{self, Read, Seek};

use zip::ZipArchive;

use self::sheet::{Sheet, SheetError};
use crate::error::TableFileError;
use crate::limits::Limits;
use crate::raw::RawTable;

/// Most bytes of all files in a spreadsheet together, unpacked. A sheet of a million rows
/// and ten columns has about as many.
const UNPACKED_AT_MOST: u64 = 512 << 20;

/// Kind of a spreadsheet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Office Open XML, as Excel writes it.
    Xlsx,
    /// OpenDocument, as LibreOffice writes it.
    Ods,
}

/// Recognises a spreadsheet by the names of the files in the archive.
pub(crate) fn kind<'a>(entries: impl Iterator<Item = &'a str>) -> Option<Kind> {
    let (mut xlsx, mut ods) = ([false; 2], [false; 2]);
    for entry in entries {
        xlsx = [
            xlsx[0] || entry == "[Content_Types].xml",
            xlsx[1] || entry.starts_with("xl/workbook"),
        ];
        ods = [
            ods[0] || entry == "mimetype",
            ods[1] || entry == "content.xml",
        ];
    }
    match (xlsx, ods) {
        ([true, true], _) => Some(Kind::Xlsx),
        (_, [true, true]) => Some(Kind::Ods),
        _ => None,
    }
}

/// Reads a sheet: the one named `sheet`, or the only one with cells.
///
/// # Errors
/// [`TableFileError`]: the file is damaged, has other types or is beyond `limits`.
pub fn read_table(
    name: &str,
    mut file: impl Read + Seek,
    kind: Kind,
    sheet: Option<&str>,
    limits: Limits,
) -> Result<RawTable, TableFileError> {
    let damaged = |reason: String| TableFileError::Spreadsheet {
        name: name.into(),
        reason,
    };
    check_sizes(&mut file).map_err(|error| damaged(error.to_string()))?;
    let found = match kind {
        Kind::Xlsx => xlsx::read(file, sheet, limits),
        Kind::Ods => ods::read(file, sheet, limits),
    };
    let cells = found.map_err(|error| match error {
        SheetError::Choice(found) => TableFileError::Sheets {
            name: name.into(),
            wanted: sheet.map(str::to_owned),
            found,
        },
        SheetError::TooLarge => TableFileError::TooManyCells {
            name: name.into(),
            line: 0,
            limit: limits.cells,
        },
        SheetError::Damaged(reason) => damaged(reason),
    })?;
    let name = match sheet {
        Some(sheet) => format!("{name}#{sheet}"),
        None => name.to_owned(),
    };
    table(&name, cells, limits)
}

/// Unpacks all files of the archive once, to know that they are not larger than
/// [`UNPACKED_AT_MOST`] whatever the archive says.
fn check_sizes(file: &mut (impl Read + Seek)) -> io::Result<()> {
    let mut archive = ZipArchive::new(&mut *file)?;
    let mut left = UNPACKED_AT_MOST;
    for entry in 0..archive.len() {
        let entry = archive.by_index(entry)?;
        let read = io::copy(&mut entry.take(left.saturating_add(1)), &mut io::sink())?;
        left = left.checked_sub(read).ok_or_else(|| {
            let text = format!("it has more than {UNPACKED_AT_MOST} bytes unpacked");
            io::Error::new(io::ErrorKind::FileTooLarge, text)
        })?;
    }
    file.rewind()
}

/// Makes a table of cells. The first row that is not blank is the header.
fn table(name: &str, sheet: Sheet, limits: Limits) -> Result<RawTable, TableFileError> {
    let mut cells = sheet.cells;
    cells.sort_by_key(|&(row, column, _)| (row, column));
    cells.dedup_by_key(|&mut (row, column, _)| (row, column));
    let columns = cells.iter().map(|&(_, column, _)| column).max();
    let columns = columns.map_or(0, |column| column as usize + 1);
    limits.check_columns(name, 1, columns)?;
    let mut rows = cells.chunk_by(|one, other| one.0 == other.0);
    let Some(header) = rows.next() else {
        return Err(TableFileError::Empty { name: name.into() });
    };
    let line = |row: &[(u32, u32, String)]| row.first().map_or(0, |cell| u64::from(cell.0) + 1);
    let header_cells = Fields::new(header, columns);
    let mut table = RawTable::with_header(name, line(header), header_cells, limits)?;
    for row in rows {
        table.push(line(row), Fields::new(row, columns), limits)?;
    }
    Ok(table)
}

/// The fields of a row, blank where it has no cell.
#[derive(Clone)]
struct Fields<'a> {
    cells: std::iter::Peekable<std::slice::Iter<'a, (u32, u32, String)>>,
    columns: std::ops::Range<u32>,
}

impl<'a> Fields<'a> {
    fn new(row: &'a [(u32, u32, String)], columns: usize) -> Self {
        Self {
            cells: row.iter().peekable(),
            columns: 0..u32::try_from(columns).unwrap_or(u32::MAX),
        }
    }
}

impl<'a> Iterator for Fields<'a> {
    type Item = &'a str;

    fn next(&mut self) -> Option<&'a str> {
        let column = self.columns.next()?;
        let cell = self.cells.next_if(|cell| cell.1 == column);
        Some(cell.map_or("", |cell| cell.2.as_str()))
    }
}
