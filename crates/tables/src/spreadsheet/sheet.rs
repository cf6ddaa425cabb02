//! A sheet of a spreadsheet, as both formats give it.

use crate::limits::Limits;

/// The cells of a sheet that are not blank, by row and column from 0, in the order of the
/// file.
#[derive(Debug, Default)]
pub(super) struct Sheet {
    pub(super) cells: Vec<(u32, u32, String)>,
    pub(super) bytes: u64,
}

/// Reason why a sheet cannot be read.
pub(super) enum SheetError {
    /// There is no such sheet, or there are several; these are their names.
    Choice(Vec<String>),
    /// More cells or text than a table can have.
    TooLarge,
    /// The file is damaged.
    Damaged(String),
}

impl Sheet {
    pub(super) fn push(
        &mut self,
        row: u32,
        column: u32,
        text: String,
        limits: Limits,
    ) -> Result<(), SheetError> {
        self.bytes = self.bytes.saturating_add(text.len() as u64);
        if self.cells.len() >= limits.cells || self.bytes > limits.bytes {
            return Err(SheetError::TooLarge);
        }
        if !text.trim().is_empty() {
            self.cells.push((row, column, text));
        }
        Ok(())
    }
}

/// Chooses a sheet: the one named `wanted`, or the first one.
pub(super) fn choose(names: &[String], wanted: Option<&str>) -> Result<String, SheetError> {
    let found = match wanted {
        Some(wanted) => names.iter().find(|name| *name == wanted),
        None if names.len() == 1 => names.first(),
        None => None,
    };
    found
        .cloned()
        .ok_or_else(|| SheetError::Choice(names.to_vec()))
}
