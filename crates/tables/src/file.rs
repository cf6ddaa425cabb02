//! The content of a file that holds a table: text, perhaps packed, Parquet or a spreadsheet.

use std::fs::File;
use std::io::{BufReader, Read};
use std::path::Path;

use flate2::bufread::MultiGzDecoder;
use zip::ZipArchive;

use crate::error::TableFileError;
use crate::parquet::{self, TableFile};
use crate::spreadsheet::{self, Kind};

const GZIP: &[u8] = &[0x1f, 0x8b];
/// A local file header, or the end record that an empty archive begins with.
const ZIP: [&[u8]; 2] = [b"PK\x03\x04", b"PK\x05\x06"];

/// First bytes of the older format of Excel.
const XLS: &[u8] = b"\xd0\xcf\x11\xe0";

/// The content of a file.
pub enum Content<'a, R> {
    /// Text, unpacked.
    Text(&'a mut dyn Read),
    /// A Parquet file.
    Parquet(R),
    /// A spreadsheet.
    Spreadsheet(R, Kind),
}

/// Runs `read` on the content of the table at `path`: text, which may be gzipped or
/// zipped, Parquet, or a spreadsheet. Of an archive with several tables the one named
/// `expected` is read.
///
/// # Errors
/// The file cannot be read, or its archive does not hold one table; or those of `read`.
pub fn open_packed<T, E: From<TableFileError>>(
    path: &Path,
    expected: &'static str,
    read: impl FnOnce(&str, Content<'_, File>) -> Result<T, E>,
) -> Result<T, E> {
    let failed = |source| TableFileError::Open {
        path: path.to_owned(),
        source,
    };
    // Checked before the file is opened: opening a pipe waits for a writer.
    if !path.metadata().map_err(failed)?.is_file() {
        return Err(TableFileError::NotAFile {
            path: path.to_owned(),
        }
        .into());
    }
    let file = File::open(path).map_err(failed)?;
    packed(&path.display().to_string(), file, expected, read)
}

/// Runs `read` on the content of an open file, as [`open_packed`] does. `name` stands for
/// the file in errors.
///
/// # Errors
/// The errors of [`open_packed`].
pub fn packed<T, R: TableFile, E: From<TableFileError>>(
    name: &str,
    mut file: R,
    expected: &'static str,
    read: impl FnOnce(&str, Content<'_, R>) -> Result<T, E>,
) -> Result<T, E> {
    let mut magic = Vec::new();
    file.by_ref()
        .take(4)
        .read_to_end(&mut magic)
        .and_then(|_| file.rewind())
        .map_err(|source| TableFileError::Read {
            name: name.into(),
            source,
        })?;
    if ZIP.contains(&magic.as_slice()) {
        zipped(name, file, expected, read)
    } else if magic == parquet::MAGIC {
        read(name, Content::Parquet(file))
    } else if magic == XLS {
        Err(TableFileError::OldExcel { name: name.into() }.into())
    } else if magic.starts_with(GZIP) {
        let mut text = MultiGzDecoder::new(BufReader::new(file));
        read(name, Content::Text(&mut text))
    } else {
        read(name, Content::Text(&mut file))
    }
}

/// Runs `read` on the spreadsheet that an archive is, or on the text of the table in it.
fn zipped<T, R: TableFile, E: From<TableFileError>>(
    name: &str,
    mut file: R,
    expected: &'static str,
    read: impl FnOnce(&str, Content<'_, R>) -> Result<T, E>,
) -> Result<T, E> {
    let failed = |source| TableFileError::Archive {
        name: name.into(),
        source,
    };
    let mut archive = ZipArchive::new(BufReader::new(&mut file)).map_err(failed)?;
    let names: Vec<_> = archive.file_names().filter_map(Result::ok).collect();
    if let Some(kind) = spreadsheet::kind(names.iter().map(AsRef::as_ref)) {
        drop(names);
        drop(archive);
        file.rewind().map_err(|source| TableFileError::Read {
            name: name.into(),
            source,
        })?;
        return read(name, Content::Spreadsheet(file, kind));
    }
    let mut tables: Vec<String> = names
        .iter()
        .filter(|entry| is_table(entry))
        .map(ToString::to_string)
        .collect();
    drop(names);
    tables.sort();

    let mut named: Vec<&String> = tables.iter().collect();
    if named.len() > 1 {
        named.retain(|entry| base_name(entry) == expected);
    }
    let &[entry] = named.as_slice() else {
        return Err(TableFileError::ArchiveTables {
            name: name.into(),
            expected,
            found: tables,
        }
        .into());
    };
    // The name is only shown: nothing is unpacked to a path made of it.
    let name = format!("{name}:{}", entry.escape_debug());
    let mut text = archive.by_name(entry).map_err(failed)?;
    read(&name, Content::Text(&mut text))
}

/// Whether an entry is named as a table. macOS puts a `__MACOSX/._x.csv` beside
/// each `x.csv`; that is none.
fn is_table(entry: &str) -> bool {
    let name = base_name(entry);
    let lower = name.to_ascii_lowercase();
    (lower.ends_with(".csv") || lower.ends_with(".tsv")) && !name.starts_with("._")
}

fn base_name(entry: &str) -> &str {
    entry.rsplit(['/', '\\']).next().unwrap_or(entry)
}
