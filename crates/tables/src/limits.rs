//! The largest tables that are read.

use crate::error::TableFileError;

/// Largest sizes of a table, so that a damaged or hostile file (a gzip bomb, a
/// quote that is never closed) cannot use up the memory.
///
/// In memory a cell takes its text and about 60 bytes more, so a table that
/// reaches all limits takes about 5 GB. The table of RxRx1 has 11 columns, 1.4
/// million cells and 14 MB.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Bytes of text, uncompressed.
    pub bytes: u64,
    /// Bytes of a row. Checked whenever the reader asks for more bytes.
    pub row_bytes: u64,
    /// Columns; each becomes an array of its own in the output.
    pub columns: usize,
    /// Rows times columns.
    pub cells: usize,
}

impl Limits {
    /// Demands that the header on `line` of the file `name` has not too many columns.
    pub(crate) fn check_columns(
        self,
        name: &str,
        line: u64,
        found: usize,
    ) -> Result<(), TableFileError> {
        if found <= self.columns {
            return Ok(());
        }
        Err(TableFileError::TooManyColumns {
            name: name.into(),
            line,
            found,
            limit: self.columns,
        })
    }

    /// Demands that a table does not have more than so many rows times columns. `line` is
    /// where the file `name` has them, 0 if that is not known.
    ///
    /// # Errors
    /// [`TableFileError::TooManyCells`].
    pub fn check_cells(
        self,
        name: &str,
        line: u64,
        rows: u64,
        columns: usize,
    ) -> Result<(), TableFileError> {
        if rows.saturating_mul(columns as u64) <= self.cells as u64 {
            return Ok(());
        }
        Err(TableFileError::TooManyCells {
            name: name.into(),
            line,
            limit: self.cells,
        })
    }

    /// Demands that a table does not have more than so many bytes of text. `name` is the file
    /// that adds the last of them.
    pub(crate) fn check_bytes(self, name: &str, bytes: u64) -> Result<(), TableFileError> {
        if bytes <= self.bytes {
            return Ok(());
        }
        Err(TableFileError::TooLarge {
            name: name.into(),
            line: 0,
            limit: self.bytes,
        })
    }

    /// Limits of a metadata table: 1 GiB of text, 1 MiB a row, 10,000 columns,
    /// 67 million cells.
    pub const TABLE: Self = Self {
        bytes: 1 << 30,
        row_bytes: 1 << 20,
        columns: 10_000,
        cells: 1 << 26,
    };

    /// Limits of a table of embeddings, whose cells are not kept as text: ten
    /// times what 1,024 numbers for each site of RxRx1 take. The numbers in memory
    /// have a limit of their own.
    pub const EMBEDDINGS: Self = Self {
        bytes: 16 << 30,
        row_bytes: 1 << 20,
        columns: 1 << 16,
        cells: 1 << 31,
    };
}
