//! Errors of profiles and of the description in INPUT.

use std::path::PathBuf;

use super::texts;

/// A profile cannot be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ProfileError {
    /// The text is no TOML, or has an unknown field or a value of the wrong type.
    #[error("{}", error.to_string().trim_end())]
    Toml {
        /// The error of the parser, with line and column.
        error: Box<toml::de::Error>,
    },
    /// A field has an impossible value.
    #[error("its field {field} cannot be used: {reason}")]
    Field {
        /// The field.
        field: &'static str,
        /// The problem of its value.
        reason: String,
    },
    /// There is neither a built-in profile nor a file of that name.
    #[error(
        "{name:?} is no profile (expected {}, none, or the path of a file)",
        texts::names().join(", ")
    )]
    Unknown {
        /// The name.
        name: String,
    },
    /// The file cannot be read.
    #[error("cannot read the profile {}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// The error of the system.
        source: std::io::Error,
    },
    /// The file is no profile.
    #[error("{} is no profile of a data set", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// The problem of its content.
        source: Box<ProfileError>,
    },
}
