//! Names of images other than RxRx1's, and which of the images are converted.
//!
//! ```text
//! NameOptions ──> patterns ──> Listing::named: experiment, plate, well, site, channel
//! ```

mod apply;
pub(crate) mod built_in;
pub(crate) mod depth;
pub(crate) mod error;
pub(crate) mod path_columns;
pub(crate) mod pattern;
pub(crate) mod proposal;
#[cfg(test)]
mod tests;

use serde::{Deserialize, Serialize};

use self::depth::Depth;

/// How images are named, and which of them are converted. By default the names are
/// those of RxRx1: `EXP/PlateN/WELL_sS_wC.png`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct NameOptions {
    /// A pattern of the ends of paths, such as `{plate}/{well}_f{site}_{channel}.tif`, or
    /// the name of one that is built in. Fields are `experiment`, `plate`, `well`, `row`,
    /// `col`, `site`, `channel`, `z` and `t`; `*` stands for any text without `/`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pattern: Option<String>,
    /// The texts that `channel` may have, in the order of the channels. Empty if they are
    /// numbers. Without `channel` in the pattern they name the pages of each file.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub channels: Vec<String>,
    /// The depth of stacks that is converted, or how one plane is made of all.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub z: Option<Depth>,
    /// The time that is converted.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub t: Option<u32>,
    /// The experiment, where neither the names nor the table have it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub experiment: Option<String>,
    /// Columns of the table that hold the paths, in place of a pattern: `CHANNEL=COLUMN`, or
    /// `CHANNEL=FOLDER/FILE` for a folder in one column and a name in another.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub path_columns: Vec<String>,
}

impl NameOptions {
    /// Whether the pages of each file are the channels.
    pub fn channels_are_pages(&self) -> bool {
        let is_without = |text: &String| text.contains('{') && !text.contains("{channel}");
        !self.channels.is_empty() && self.pattern.as_ref().is_some_and(is_without)
    }

    /// Whether the names are those of RxRx1.
    pub fn is_default(&self) -> bool {
        *self == Self::default()
    }
}
