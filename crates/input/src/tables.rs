//! The tables that are given for INPUT.

use std::fmt;

use rxrx_storage::Location;

/// Tables that describe the images.
#[derive(Clone, Debug, Default)]
pub struct Tables {
    /// The metadata; several files are put together, such as one a plate. Empty means the
    /// table beside the images.
    pub metadata: Vec<TableLocation>,
    /// Whether the rows come from the names of the images, without a table.
    pub rows_from_names: bool,
    /// A table that is joined with the metadata, and the columns by which.
    pub join: Option<(TableLocation, Vec<String>)>,
    /// A plate map: what is in the wells.
    pub platemap: Option<TableLocation>,
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
