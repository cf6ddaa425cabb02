//! The bytes of a table from a plain, gzipped or zipped file.

use std::fs::File;
use std::io::{BufReader, Read, Seek};
use std::path::Path;

use flate2::bufread::MultiGzDecoder;
use zip::ZipArchive;

use super::error::MetadataError;

const GZIP: &[u8] = &[0x1f, 0x8b];
/// A local file header, or the end record that an empty archive begins with.
const ZIP: [&[u8]; 2] = [b"PK\x03\x04", b"PK\x05\x06"];

/// Runs `read` on the text of the table at `path`, which may be plain, gzipped or
/// zipped. Of an archive with several tables the one named `expected` is read.
pub(crate) fn open_packed<T>(
    path: &Path,
    expected: &'static str,
    read: impl FnOnce(&str, &mut dyn Read) -> Result<T, MetadataError>,
) -> Result<T, MetadataError> {
    let failed = |source| MetadataError::Open {
        path: path.to_owned(),
        source,
    };
    // Checked before the file is opened: opening a pipe waits for a writer.
    if !path.metadata().map_err(failed)?.is_file() {
        return Err(MetadataError::NotAFile {
            path: path.to_owned(),
        });
    }
    let file = File::open(path).map_err(failed)?;
    packed(&path.display().to_string(), file, expected, read)
}

/// Runs `read` on the text of an open table that may be plain, gzipped or zipped.
/// `name` stands for the file in errors.
pub(crate) fn packed<T>(
    name: &str,
    mut file: impl Read + Seek,
    expected: &'static str,
    read: impl FnOnce(&str, &mut dyn Read) -> Result<T, MetadataError>,
) -> Result<T, MetadataError> {
    let mut magic = Vec::new();
    file.by_ref()
        .take(4)
        .read_to_end(&mut magic)
        .and_then(|_| file.rewind())
        .map_err(|source| MetadataError::Read {
            name: name.into(),
            source,
        })?;
    if ZIP.contains(&magic.as_slice()) {
        zipped(name, BufReader::new(file), expected, read)
    } else if magic.starts_with(GZIP) {
        read(name, &mut MultiGzDecoder::new(BufReader::new(file)))
    } else {
        read(name, &mut file)
    }
}

/// Runs `read` on the text of the table inside a zip archive.
fn zipped<T>(
    name: &str,
    file: impl Read + Seek,
    expected: &'static str,
    read: impl FnOnce(&str, &mut dyn Read) -> Result<T, MetadataError>,
) -> Result<T, MetadataError> {
    let failed = |source| MetadataError::Archive {
        name: name.into(),
        source,
    };
    let mut archive = ZipArchive::new(file).map_err(failed)?;
    let names = archive.file_names().filter_map(Result::ok);
    let mut tables: Vec<String> = names
        .filter(|entry| is_table(entry))
        .map(Into::into)
        .collect();
    tables.sort();

    let mut named: Vec<&String> = tables.iter().collect();
    if named.len() > 1 {
        named.retain(|entry| base_name(entry) == expected);
    }
    let &[entry] = named.as_slice() else {
        return Err(MetadataError::ArchiveTables {
            name: name.into(),
            expected,
            found: tables,
        });
    };
    // The name is only shown: nothing is unpacked to a path made of it.
    let name = format!("{name}:{}", entry.escape_debug());
    read(&name, &mut archive.by_name(entry).map_err(failed)?)
}

/// Whether an entry is named as a table. macOS puts a `__MACOSX/._x.csv` beside
/// each `x.csv`; that is none.
fn is_table(entry: &str) -> bool {
    let name = base_name(entry);
    name.to_ascii_lowercase().ends_with(".csv") && !name.starts_with("._")
}

fn base_name(entry: &str) -> &str {
    entry.rsplit(['/', '\\']).next().unwrap_or(entry)
}
