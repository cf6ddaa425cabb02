//! Arguments that name tables.

use std::ffi::{OsStr, OsString};

use clap::Args;
use rxrx_writer::{LocationError, TableLocation};

use super::store::StoreArguments;

/// Ends of the names of spreadsheets.
const SPREADSHEETS: [&str; 2] = [".xlsx", ".ods"];

/// The metadata of the images.
#[derive(Debug, Args)]
pub(crate) struct TableArguments {
    /// Metadata table: CSV with commas, tabs or semicolons, plain, .gz or in a .zip; Parquet;
    /// .xlsx or .ods (FILE#SHEET); a path or an address [default: the table in INPUT]
    #[arg(long, value_name = "FILE")]
    metadata: Option<OsString>,
}

impl TableArguments {
    /// Returns the metadata table, if it is given.
    pub(crate) fn metadata(
        &self,
        store: &StoreArguments,
    ) -> Result<Option<TableLocation>, LocationError> {
        let metadata = self.metadata.as_ref();
        metadata.map(|text| table(store, text)).transpose()
    }
}

/// Parses the location of a table: `FILE`, or `FILE#SHEET` of a spreadsheet.
fn table(store: &StoreArguments, text: &OsStr) -> Result<TableLocation, LocationError> {
    // A path that is not UTF-8 has no sheet.
    let (file, sheet) = text.to_str().and_then(split_sheet).unzip();
    Ok(TableLocation {
        location: store.location(file.map_or(text, OsStr::new))?,
        sheet: sheet.map(str::to_owned),
    })
}

/// Splits `FILE#SHEET`; `None` if there is no sheet.
fn split_sheet(text: &str) -> Option<(&str, &str)> {
    let is_split = |(at, _): &(usize, &str)| {
        let file = text.get(..*at).unwrap_or("").to_ascii_lowercase();
        SPREADSHEETS.iter().any(|end| file.ends_with(end))
    };
    let (at, _) = text.match_indices('#').find(is_split)?;
    let (file, sheet) = text.split_at_checked(at)?;
    Some((file, sheet.strip_prefix('#')?)).filter(|(_, sheet)| !sheet.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_spreadsheets_have_sheets() {
        for (text, split) in [
            ("a.xlsx#Sheet 1", Some(("a.xlsx", "Sheet 1"))),
            ("s3://b/a#1/x.ODS#A#B", Some(("s3://b/a#1/x.ODS", "A#B"))),
            ("a.xlsx#", None),
            ("a.xlsx", None),
            ("a.csv#x", None),
        ] {
            assert_eq!(split_sheet(text), split, "{text}");
        }
    }
}
