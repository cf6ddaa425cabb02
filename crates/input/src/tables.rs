//! The tables that are given for INPUT.

use std::fmt;

use rxrx_storage::Location;

/// Tables that describe the images.
#[derive(Clone, Debug, Default)]
pub struct Tables {
    /// The metadata; `None` means the table beside the images.
    pub metadata: Option<TableLocation>,
    /// Embeddings: ids and numbers.
    pub embeddings: Option<Location>,
}

/// A file with a table, and the sheet if it is a spreadsheet with several.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TableLocation {
    /// The file.
    pub location: Location,
    /// The sheet.
    pub sheet: Option<String>,
}

impl From<Location> for TableLocation {
    fn from(location: Location) -> Self {
        Self {
            location,
            sheet: None,
        }
    }
}

impl fmt::Display for TableLocation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.sheet {
            Some(sheet) => write!(f, "{}#{sheet}", self.location),
            None => self.location.fmt(f),
        }
    }
}
