//! A list of sites that a person has picked: a CSV file with the columns `site_id` and `note`,
//! as the page of a dataset saves it.

use std::collections::HashSet;
use std::path::{Path, PathBuf};

/// A site of the list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct PickedSite {
    /// The id of the site.
    pub(crate) site_id: String,
    /// What the person noted; may be empty.
    pub(crate) note: String,
}

/// The list cannot be used.
#[derive(Debug, thiserror::Error)]
pub(crate) enum SitesFileError {
    /// The file cannot be read, or is not CSV.
    #[error("cannot read the list of sites {}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// The cause, which names the line.
        source: csv::Error,
    },
    /// There is no column with the ids.
    #[error("{} has no column site_id: its first line names the columns, such as site_id,note", path.display())]
    NoColumn {
        /// The file.
        path: PathBuf,
    },
    /// There is no site in it.
    #[error("{} names no site", path.display())]
    Empty {
        /// The file.
        path: PathBuf,
    },
}

/// Reads a list of sites. A site that is there twice counts once.
///
/// # Errors
/// [`SitesFileError`]: the file cannot be read, or names no site.
pub(crate) fn read(path: &Path) -> Result<Vec<PickedSite>, SitesFileError> {
    let path_of = || path.to_owned();
    let failed = |source| SitesFileError::Read {
        path: path_of(),
        source,
    };
    let mut reader = csv::Reader::from_path(path).map_err(failed)?;
    let headers = reader.headers().map_err(failed)?;
    let position = |name: &str| {
        let is_it = |header: &str| header.trim_start_matches('\u{feff}').trim() == name;
        headers.iter().position(is_it)
    };
    let id = position("site_id").ok_or_else(|| SitesFileError::NoColumn { path: path_of() })?;
    let note = position("note");
    let mut sites = Vec::new();
    let mut seen = HashSet::new();
    for record in reader.records() {
        let record = record.map_err(failed)?;
        let cell = |at: Option<usize>| at.and_then(|at| record.get(at)).unwrap_or_default().trim();
        let site_id = cell(Some(id)).to_owned();
        if !site_id.is_empty() && seen.insert(site_id.clone()) {
            sites.push(PickedSite {
                site_id,
                note: cell(note).to_owned(),
            });
        }
    }
    match sites.is_empty() {
        true => Err(SitesFileError::Empty { path: path_of() }),
        false => Ok(sites),
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    fn of(text: &str) -> Result<Vec<PickedSite>, SitesFileError> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("picks.csv");
        fs::write(&path, text).unwrap();
        read(&path)
    }

    #[test]
    fn sites_and_notes_are_read_in_their_order() {
        let sites =
            of("\u{feff}note,site_id\n\"a, b\",X_1_B02_1\n,X_1_A01_1\n,\nagain,X_1_B02_1\n");
        let site = |site_id: &str, note: &str| PickedSite {
            site_id: site_id.to_owned(),
            note: note.to_owned(),
        };
        let expected = [site("X_1_B02_1", "a, b"), site("X_1_A01_1", "")];
        assert_eq!(sites.unwrap(), expected);
        assert_eq!(of("site_id\nX_1_A01_1\n").unwrap(), [site("X_1_A01_1", "")]);
    }

    #[test]
    fn a_list_that_names_no_site_is_refused() {
        for (text, said) in [
            ("X_1_B02_1\n", "no column site_id"),
            ("", "no column site_id"),
            ("site_id,note\n", "names no site"),
            ("site_id,note\na\n", "cannot read the list"),
        ] {
            let error = of(text).unwrap_err().to_string();
            assert!(error.contains(said), "{error}");
        }
    }
}
