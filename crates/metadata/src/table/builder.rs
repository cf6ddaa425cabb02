//! Puts the metadata of one data set together from several files and the names of images.

use std::path::Path;

use rxrx_tables::{RawTable, TableFile};

use super::error::MetadataError;
use super::joined::join;
use super::metadata_table::{EXPERIMENT, MetadataTable, REQUIRED};
use super::options::TableOptions;
use super::platemap;
use super::wells;
use crate::discover::listing::Listing;
use crate::names::NameOptions;
use crate::names::path_columns::{self, PathColumn};
use crate::problem::{ProblemKind, Problems};

/// The metadata of one data set, file by file.
///
/// ```
/// use std::io::Cursor;
///
/// use rxrx_metadata::{Listing, MetadataBuilder, TableOptions};
///
/// let paths = ["E/Plate1/B02_s1_w1.png", "E/Plate1/B02_s4_w1.png"];
/// let listing = Listing::from_paths(paths.map(Box::from));
/// let mut builder = MetadataBuilder::new(TableOptions::default());
/// let wells = "experiment,plate,well\nE,1,B02\n";
/// builder.add("wells.csv", Cursor::new(wells))?;
/// let map = "well,dose\nB2,0.5\nB3,1.0\n";
/// builder.platemap("map.csv", Cursor::new(map))?;
///
/// let table = builder.finish(&listing)?;
/// assert_eq!(table.len(), 2, "one row for each site that has an image");
/// assert!(table.column("dose").is_some());
/// # Ok::<(), rxrx_metadata::MetadataError>(())
/// ```
#[derive(Clone, Debug)]
pub struct MetadataBuilder {
    options: TableOptions,
    rows: Option<RawTable>,
    /// What is told of the tables.
    notices: Problems,
}

/// A file that is read.
enum File<'a, R> {
    Path(&'a Path),
    Open(&'a str, R),
}

/// Stands for a reader where there is none.
type NoReader = std::io::Empty;

impl MetadataBuilder {
    /// Begins without rows. `options` tell which columns are allowed.
    pub fn new(options: TableOptions) -> Self {
        Self {
            options,
            rows: None,
            notices: Problems::default(),
        }
    }

    /// Adds the rows of a file, of which `sheet` is read if it is a spreadsheet. A column
    /// that another file lacks is blank there.
    ///
    /// # Errors
    /// The file cannot be read: see [`TableOptions::open`]; the tables are too large
    /// together.
    pub fn add_file(&mut self, path: &Path, sheet: Option<&str>) -> Result<(), MetadataError> {
        let rows = self.read::<NoReader>(File::Path(path), sheet)?;
        self.append(rows.tidied())
    }

    /// Adds the rows of an open file, as [`Self::add_file`] does.
    ///
    /// # Errors
    /// The errors of [`Self::add_file`].
    pub fn add(&mut self, name: &str, reader: impl TableFile) -> Result<(), MetadataError> {
        self.add_sheet(name, reader, None)
    }

    /// Adds the rows of an open file, of which `sheet` is read.
    ///
    /// # Errors
    /// The errors of [`Self::add_file`].
    pub fn add_sheet(
        &mut self,
        name: &str,
        reader: impl TableFile,
        sheet: Option<&str>,
    ) -> Result<(), MetadataError> {
        let rows = self.read(File::Open(name, reader), sheet)?;
        self.append(rows.tidied())
    }

    /// Adds one of the tables of RxRx1's Kaggle form, which has a row for each well.
    /// `dataset`, `well_type` and `cell_type` are what its file and its experiments say.
    ///
    /// # Errors
    /// The errors of [`Self::add_file`].
    pub fn add_kaggle(&mut self, name: &str, reader: impl TableFile) -> Result<(), MetadataError> {
        let rows = self.read(File::Open(name, reader), None)?;
        self.append(wells::kaggle(rows.tidied()))
    }

    /// Joins a file by the columns `on`: each row gets the columns of the row of the file
    /// that has the same values. Rows without a match are counted.
    ///
    /// # Errors
    /// The file cannot be read, a column is in both or `on` in one only, or two rows of
    /// the file have the same values.
    pub fn join_file(
        &mut self,
        path: &Path,
        sheet: Option<&str>,
        on: &[String],
    ) -> Result<(), MetadataError> {
        let other = self.read::<NoReader>(File::Path(path), sheet)?.tidied();
        self.join_rows(other, on)
    }

    /// Joins an open file, as [`Self::join_file`] does.
    ///
    /// # Errors
    /// The errors of [`Self::join_file`].
    pub fn join(
        &mut self,
        name: &str,
        reader: impl TableFile,
        sheet: Option<&str>,
        on: &[String],
    ) -> Result<(), MetadataError> {
        let other = self.read(File::Open(name, reader), sheet)?.tidied();
        self.join_rows(other, on)
    }

    /// Joins a plate map: a row for each well, or a grid of 8 x 12, 16 x 24 or 32 x 48
    /// wells. It belongs to all plates, unless it has a column `plate` or `experiment`.
    ///
    /// # Errors
    /// The file cannot be read or is no plate map, two rows are of one well, or a column
    /// is in the metadata, too.
    pub fn platemap_file(&mut self, path: &Path, sheet: Option<&str>) -> Result<(), MetadataError> {
        let map = self.read::<NoReader>(File::Path(path), sheet)?;
        self.join_map(map)
    }

    /// Joins an open plate map, as [`Self::platemap_file`] does.
    ///
    /// # Errors
    /// The errors of [`Self::platemap_file`].
    pub fn platemap(&mut self, name: &str, reader: impl TableFile) -> Result<(), MetadataError> {
        self.platemap_sheet(name, reader, None)
    }

    /// Joins a sheet of an open plate map.
    ///
    /// # Errors
    /// The errors of [`Self::platemap_file`].
    pub fn platemap_sheet(
        &mut self,
        name: &str,
        reader: impl TableFile,
        sheet: Option<&str>,
    ) -> Result<(), MetadataError> {
        let map = self.read(File::Open(name, reader), sheet)?;
        self.join_map(map)
    }

    /// Takes the rows from the names of the images: one for each site.
    pub fn add_images(&mut self, listing: &Listing) {
        self.rows = Some(wells::of_images(listing));
    }

    /// Checks, types and orders the rows. Where the table has no `experiment`, `plate` or
    /// `site`, the names of the images give them, if they can.
    ///
    /// # Errors
    /// The errors of [`TableOptions::read`].
    pub fn finish(self, listing: &Listing) -> Result<MetadataTable, MetadataError> {
        let mut rows = self.rows.unwrap_or_default();
        if let Some(experiment) = &listing.experiment {
            rows.add_constant(EXPERIMENT, experiment);
        }
        if listing.lacks_plates {
            rows.add_constant("plate", "1");
        }
        if rows.position("site").is_none() {
            rows = wells::expand(rows, listing, self.options.limits_of())?;
        }
        Ok(self.options.finish(rows)?.with_notices(self.notices))
    }

    /// Finishes a table of the images of `listing` as [`Self::finish`] does. If `names` say
    /// which columns hold paths, the images are those that the columns name, and the columns
    /// are left out. `input` is the experiment where neither the table nor `names` have one.
    ///
    /// # Errors
    /// The errors of [`Self::finish`]; a column does not exist or holds no paths; no path, or
    /// more than one file, fits.
    pub fn finish_with_images(
        mut self,
        listing: Listing,
        names: &NameOptions,
        input: &str,
    ) -> Result<(MetadataTable, Listing), MetadataError> {
        if names.path_columns.is_empty() {
            return Ok((self.finish(&listing)?, listing));
        }
        let mut rows = self.rows.take().unwrap_or_default();
        let columns = path_columns(&rows, names)?;
        rows.add_constant(EXPERIMENT, names.experiment.as_deref().unwrap_or(input));
        rows.add_constant("site", "1");
        let mut table = self.options.finish(rows)?.with_notices(self.notices);
        let found = path_columns::images(&table, listing, &columns);
        let listing = found.map_err(|source| MetadataError::Paths {
            name: table.name().to_owned(),
            source,
        })?;
        let held = columns.iter().flat_map(|column| &column.columns);
        let held: Vec<&str> = held
            .map(String::as_str)
            .filter(|name| !REQUIRED.contains(name))
            .collect();
        table.remove_columns(&held);
        Ok((table, listing))
    }

    /// The folder that all paths in the table have in common: INPUT, where none is given.
    ///
    /// # Errors
    /// A column does not exist, a path is not absolute, or there is no such folder.
    pub fn folder_of_paths(&self, names: &NameOptions) -> Result<String, MetadataError> {
        let none = RawTable::default();
        let rows = self.rows.as_ref().unwrap_or(&none);
        let columns = path_columns(rows, names)?;
        let texts = columns.iter().flat_map(|column| {
            let cells = column.columns.iter().filter_map(|name| rows.column(name));
            let cells: Vec<_> = cells.collect();
            (0..rows.len()).filter_map(move |row| {
                path_columns::text(cells.iter().map(|cells| cells.cell(row)))
            })
        });
        path_columns::common_folder(texts).map_err(|source| MetadataError::Paths {
            name: rows.name.clone(),
            source,
        })
    }

    fn read<R: TableFile>(
        &self,
        file: File<'_, R>,
        sheet: Option<&str>,
    ) -> Result<RawTable, MetadataError> {
        let options = self.options.clone().sheet(sheet);
        Ok(match file {
            File::Path(path) => options.open_raw(path)?,
            File::Open(name, reader) => options.unpack_raw(name, reader)?,
        })
    }

    /// Gives the required columns their names, if they have those of CellProfiler, such as
    /// `Metadata_Plate`, or other capital letters.
    fn rename(&mut self, rows: &mut RawTable) {
        for required in REQUIRED {
            if rows.position(required).is_some() {
                continue;
            }
            let is_alias = |name: &str| {
                let name = name.to_ascii_lowercase();
                name.strip_prefix("metadata_").unwrap_or(&name) == required
            };
            let mut columns = rows.columns.iter_mut();
            if let Some(column) = columns.find(|column| is_alias(&column.name)) {
                let example = format!("{:?} is taken as {required}", column.name);
                required.clone_into(&mut column.name);
                self.notices.add(ProblemKind::RenamedColumns, 0, || example);
            }
        }
    }

    fn append(&mut self, mut rows: RawTable) -> Result<(), MetadataError> {
        self.rename(&mut rows);
        match &mut self.rows {
            Some(all) => all.append(rows, self.options.limits_of())?,
            none => *none = Some(rows),
        }
        Ok(())
    }

    fn join_rows(&mut self, mut other: RawTable, on: &[String]) -> Result<(), MetadataError> {
        self.rename(&mut other);
        let kinds = [ProblemKind::RowsNotJoined, ProblemKind::JoinedRowsUnused];
        let rows = self.rows.get_or_insert_default();
        self.notices
            .extend(join(rows, other, on, kinds, self.options.limits_of())?);
        Ok(())
    }

    fn join_map(&mut self, map: RawTable) -> Result<(), MetadataError> {
        let mut map = platemap::read(map, self.options.limits_of())?;
        self.rename(&mut map);
        let keys = [EXPERIMENT, "plate", "well"];
        let keys = keys.into_iter().filter(|key| map.position(key).is_some());
        let on: Vec<String> = keys.map(str::to_owned).collect();
        let kinds = [
            ProblemKind::WellsNotInPlatemap,
            ProblemKind::PlatemapWellsUnused,
        ];
        let rows = self.rows.get_or_insert_default();
        self.notices
            .extend(join(rows, map, &on, kinds, self.options.limits_of())?);
        Ok(())
    }
}

/// Reads which columns of `rows` hold paths.
fn path_columns(rows: &RawTable, names: &NameOptions) -> Result<Vec<PathColumn>, MetadataError> {
    let header: Vec<&str> = rows
        .columns
        .iter()
        .map(|column| column.name.as_str())
        .collect();
    path_columns::parse(names, &header).map_err(|source| MetadataError::Paths {
        name: rows.name.clone(),
        source,
    })
}

#[cfg(test)]
mod tests;
