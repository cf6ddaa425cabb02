//! Errors of listing an input.

use std::io;
use std::path::PathBuf;

use thiserror::Error;

/// Reason why an input cannot be listed, or has no table that can be chosen.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum DiscoverError {
    /// A folder cannot be read.
    #[error("cannot list the folder {}", path.display())]
    Folder {
        /// The folder.
        path: PathBuf,
        /// The error of the operating system.
        source: io::Error,
    },
    /// The type of a file or link cannot be read; usually the link is broken.
    #[error("cannot find out what {} is; repair or remove it", path.display())]
    Entry {
        /// The file or link.
        path: PathBuf,
        /// The error of the operating system.
        source: io::Error,
    },
    /// Links lead to more folders than can be followed.
    #[error(
        "{} holds more than {limit} folders behind symbolic links: do the links lead to each other? Remove them",
        path.display()
    )]
    TooManyLinks {
        /// The input.
        path: PathBuf,
        /// Most folders behind links.
        limit: usize,
    },
    /// The input is a file.
    #[error("{} is not a folder", path.display())]
    NotAFolder {
        /// The input.
        path: PathBuf,
    },
    /// No table was found.
    #[error(
        "no metadata.csv, metadata.csv.gz, metadata_*.csv or *metadata*.zip in {input}; use --metadata to say where the table is, or --metadata none to take the rows from the names of the images"
    )]
    NoMetadata {
        /// The input.
        input: String,
    },
    /// Several tables are equally suitable.
    #[error("{input} holds several tables: {}; use --metadata to choose one", found.join(", "))]
    SeveralMetadata {
        /// The input.
        input: String,
        /// Their paths inside the input.
        found: Vec<String>,
    },
}
