//! Arguments that name tables.

use std::ffi::{OsStr, OsString};

use clap::Args;
use rxrx_writer::{LocationError, TableLocation, Tables};

use super::store::StoreArguments;

/// Ends of the names of spreadsheets.
const SPREADSHEETS: [&str; 2] = [".xlsx", ".ods"];

/// The metadata of the images.
#[derive(Debug, Args)]
pub(crate) struct TableArguments {
    /// Metadata table: CSV with commas, tabs or semicolons, plain, .gz or in a .zip; Parquet;
    /// .xlsx or .ods (FILE#SHEET); a path or an address; repeatable, such as one a plate;
    /// none takes the rows from the names of the images [default: the table in INPUT]
    #[arg(long, value_name = "FILE")]
    metadata: Vec<OsString>,

    /// Table whose columns are added to the rows with the same values (see --on)
    #[arg(long, value_name = "FILE", requires = "on")]
    join: Option<OsString>,

    /// Columns by which --join joins, such as plate,well
    #[arg(long, value_name = "COLUMNS", value_delimiter = ',', requires = "join")]
    on: Vec<String>,

    /// Plate map: a table with a column well, or a grid of 8 x 12, 16 x 24 or 32 x 48 wells
    #[arg(long, value_name = "FILE")]
    platemap: Option<OsString>,
}

/// The value of `--metadata` that stands for no table.
const NO_TABLE: &str = "none";

impl TableArguments {
    /// Returns the tables of the metadata, without embeddings.
    pub(crate) fn tables(&self, store: &StoreArguments) -> Result<Tables, LocationError> {
        // Beside other tables, it is a file of that name.
        let rows_from_names = matches!(self.metadata.as_slice(), [only] if only == NO_TABLE);
        let files: &[OsString] = if rows_from_names { &[] } else { &self.metadata };
        let metadata = files.iter().map(|text| table(store, text));
        let join = self.join.as_ref().map(|text| table(store, text));
        let platemap = self.platemap.as_ref().map(|text| table(store, text));
        Ok(Tables {
            metadata: metadata.collect::<Result<_, _>>()?,
            rows_from_names,
            join: join.transpose()?.map(|table| (table, self.on.clone())),
            platemap: platemap.transpose()?,
            embeddings: None,
        })
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
