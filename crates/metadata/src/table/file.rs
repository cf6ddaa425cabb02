//! The bytes of a table from a plain, gzipped or zipped file.

use std::fs::File;
use std::io::{self, Read, Seek};
use std::path::Path;

use flate2::read::MultiGzDecoder;
use zip::ZipArchive;

use super::MetadataError;

const GZIP: &[u8] = &[0x1f, 0x8b];
/// A local file header, or the end record that an empty archive begins with.
const ZIP: [&[u8]; 2] = [b"PK\x03\x04", b"PK\x05\x06"];

/// The CSV bytes behind `path` and what errors should call them.
pub(super) fn content(path: &Path) -> Result<(String, Vec<u8>), MetadataError> {
    let failed = |source| MetadataError::Open {
        path: path.to_owned(),
        source,
    };
    let mut file = File::open(path).map_err(failed)?;
    let mut magic = Vec::new();
    file.by_ref()
        .take(4)
        .read_to_end(&mut magic)
        .map_err(failed)?;
    file.rewind().map_err(failed)?;

    let name = path.display().to_string();
    if ZIP.contains(&magic.as_slice()) {
        let (entry, content) = zipped(path, file)?;
        return Ok((format!("{name}:{entry}"), content));
    }
    let mut content = Vec::new();
    if magic.starts_with(GZIP) {
        MultiGzDecoder::new(io::BufReader::new(file))
            .read_to_end(&mut content)
            .map_err(failed)?;
    } else {
        file.read_to_end(&mut content).map_err(failed)?;
    }
    Ok((name, content))
}

fn zipped(path: &Path, file: File) -> Result<(String, Vec<u8>), MetadataError> {
    let failed = |source| MetadataError::Archive {
        path: path.to_owned(),
        source,
    };
    let mut archive = ZipArchive::new(io::BufReader::new(file)).map_err(failed)?;
    let names = archive.file_names().filter_map(Result::ok);
    let mut tables: Vec<String> = names
        .filter(|entry| is_table(entry))
        .map(Into::into)
        .collect();
    tables.sort();

    let mut named: Vec<&String> = tables.iter().collect();
    if named.len() > 1 {
        named.retain(|entry| base_name(entry) == "metadata.csv");
    }
    let &[entry] = named.as_slice() else {
        return Err(MetadataError::ArchiveTables {
            path: path.to_owned(),
            found: tables,
        });
    };
    let mut content = Vec::new();
    archive
        .by_name(entry)
        .map_err(failed)?
        .read_to_end(&mut content)
        .map_err(|source| MetadataError::Read {
            name: format!("{}:{entry}", path.display()),
            source,
        })?;
    Ok((entry.clone(), content))
}

/// macOS puts a `__MACOSX/._x.csv` beside each `x.csv`.
fn is_table(entry: &str) -> bool {
    let name = base_name(entry);
    name.to_ascii_lowercase().ends_with(".csv") && !name.starts_with("._")
}

fn base_name(entry: &str) -> &str {
    entry.rsplit(['/', '\\']).next().unwrap_or(entry)
}
