//! What is wrong with a file whose pixels are proven by its checksums all the same.

use std::fmt;

/// A fault of a PNG that does not concern its pixels. The CRC of each chunk with pixels
/// and the Adler-32 of the pixels are right, so the image is used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Oddity {
    /// Bytes follow the complete zlib stream inside `IDAT`.
    DataAfterStream,
    /// Bytes follow `IEND`.
    TrailingData,
    /// `IEND` is missing or damaged.
    MissingEnd,
    /// A chunk without influence on the pixels has a wrong CRC.
    AncillaryCrc,
    /// `tRNS` is in the wrong place, has a wrong length, or belongs to an image that
    /// has an alpha channel.
    MisplacedTransparency,
}

impl Oddity {
    const ALL: [Self; 5] = [
        Self::DataAfterStream,
        Self::TrailingData,
        Self::MissingEnd,
        Self::AncillaryCrc,
        Self::MisplacedTransparency,
    ];

    /// A short name in `snake_case`, by which oddities are counted.
    #[must_use]
    pub const fn kind(self) -> &'static str {
        match self {
            Self::DataAfterStream => "data_after_stream",
            Self::TrailingData => "trailing_data",
            Self::MissingEnd => "missing_end",
            Self::AncillaryCrc => "ancillary_crc",
            Self::MisplacedTransparency => "misplaced_transparency",
        }
    }
}

impl fmt::Display for Oddity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::DataAfterStream => "bytes inside IDAT, behind the end of the zlib stream",
            Self::TrailingData => "bytes behind IEND",
            Self::MissingEnd => "IEND is missing or damaged",
            Self::AncillaryCrc => "a wrong CRC of a chunk that has no pixels",
            Self::MisplacedTransparency => "a transparency chunk (tRNS) where none may be",
        })
    }
}

/// The oddities of one file.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Oddities(u8);

impl Oddities {
    /// Adds an oddity.
    pub(crate) fn add(&mut self, oddity: Oddity) {
        self.0 |= 1 << oddity as u8;
    }

    /// Adds those of another file.
    pub(crate) fn extend(&mut self, more: Self) {
        self.0 |= more.0;
    }

    /// Whether there is none.
    #[must_use]
    pub const fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// Iterates over the oddities, each once.
    pub fn iter(self) -> impl Iterator<Item = Oddity> {
        let all = Oddity::ALL.into_iter();
        all.filter(move |oddity| self.0 & (1 << *oddity as u8) != 0)
    }
}
