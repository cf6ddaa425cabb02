//! A row of `planes.parquet`.

use rxrx_decoder::PlaneSummary;

/// The cause of a plane without an image.
pub(crate) const MISSING: &str = "missing";
/// The cause of a plane whose image could not be read.
pub(crate) const UNREADABLE: &str = "unreadable";

/// The record of one plane in the table.
#[derive(Clone, Debug, PartialEq)]
pub enum PlaneRow {
    /// Decoded and stored.
    Ok {
        /// Size of the image file in bytes.
        source_bytes: u64,
        /// Statistics and hash of the pixels.
        summary: PlaneSummary,
    },
    /// No image exists; the pixels are 0.
    Missing,
    /// The image could not be read, though others could: its content need not be
    /// damaged. The pixels are 0.
    Unreadable {
        /// Error of the system, for people.
        error: String,
    },
    /// The image cannot be used; the pixels are 0.
    Corrupt {
        /// Size of the image file in bytes; `None` when it could not be read.
        source_bytes: Option<u64>,
        /// Fault of the image, for people.
        error: String,
        /// The kind of fault, one word for counting; `None` in format 3.
        cause: Option<String>,
    },
}

impl PlaneRow {
    /// Whether the plane was decoded and stored.
    pub fn is_ok(&self) -> bool {
        matches!(self, Self::Ok { .. })
    }

    /// Size of the image file in bytes, where one was read.
    pub fn source_bytes(&self) -> Option<u64> {
        match self {
            Self::Ok { source_bytes, .. } => Some(*source_bytes),
            Self::Corrupt { source_bytes, .. } => *source_bytes,
            Self::Missing | Self::Unreadable { .. } => None,
        }
    }

    /// The word of the column `status`.
    pub fn status(&self) -> &'static str {
        match self {
            Self::Ok { .. } => "ok",
            Self::Missing => "missing",
            Self::Unreadable { .. } => UNREADABLE,
            Self::Corrupt { .. } => "corrupt",
        }
    }

    /// The text of the column `error`.
    pub fn error(&self) -> Option<&str> {
        match self {
            Self::Corrupt { error, .. } | Self::Unreadable { error } => Some(error),
            _ => None,
        }
    }

    /// The word of the column `cause`; `None` where the plane is stored.
    pub fn cause(&self) -> Option<&str> {
        match self {
            Self::Ok { .. } => None,
            Self::Missing => Some(MISSING),
            Self::Unreadable { .. } => Some(UNREADABLE),
            Self::Corrupt { cause, .. } => cause.as_deref(),
        }
    }

    /// Statistics and hash of the pixels, where there are any.
    pub fn summary(&self) -> Option<&PlaneSummary> {
        match self {
            Self::Ok { summary, .. } => Some(summary),
            _ => None,
        }
    }
}
