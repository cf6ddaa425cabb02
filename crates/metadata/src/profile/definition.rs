//! The profile of a data set.

use std::collections::BTreeMap;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use super::channel::{ChannelProfile, check_channels};
use super::error::ProfileError;
use super::evidence::Evidence;
use super::rows::{NegativeControls, RowRule, Split};
use super::texts::TEXTS;
use crate::pixel_size::PixelSize;
use crate::site::Channel;
use crate::table::aliases::ColumnAliases;

/// The name of the split to train on.
const TRAIN: &str = "train";

/// What is known about a published data set.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Profile {
    /// The name by which `--profile` chooses it, such as `rxrx19a`.
    pub name: String,
    /// The name of the data set, such as `RxRx19a`.
    pub title: String,
    /// The licence: an [SPDX identifier](https://spdx.org/licenses/) where there is one, or
    /// else its name.
    pub license: Option<String>,
    /// What the licence says or where its text is, if the name is no SPDX identifier.
    pub license_text: Option<String>,
    /// Text to cite and people to credit.
    pub citation: Option<String>,
    /// The citation as a BibTeX entry.
    pub bibtex: Option<String>,
    /// Address where the data set is published.
    pub url: Option<String>,
    /// Creator of the data set.
    pub creator: Option<String>,
    /// Sentences that say what the images show and how they were made.
    pub about: Option<String>,
    /// Sentences that say what the data set was published for.
    pub intended_use: Option<String>,
    /// Where its images are, and how they were taken.
    #[serde(default)]
    pub images: ImagesProfile,
    /// How its table differs from the one that the program reads.
    #[serde(default)]
    pub table: ColumnAliases,
    /// Alternatives of what its tables and images are like. Without any, the profile is
    /// never recognised and has to be named.
    #[serde(default)]
    pub evidence: Vec<Evidence>,
    /// Its channels.
    #[serde(default)]
    pub channels: Vec<ChannelProfile>,
    /// Texts of the columns of its table, by name.
    #[serde(default)]
    pub columns: BTreeMap<String, ColumnText>,
    /// The rule that tells its negative controls.
    pub negative_controls: Option<NegativeControls>,
    /// Its published splits.
    #[serde(default)]
    pub splits: Vec<Split>,
}

/// Where the images of a data set are, and how they were taken.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ImagesProfile {
    /// The pattern of the paths, with fields such as `{experiment}`.
    pub pattern: Option<String>,
    /// Side of a pixel in the specimen, in micrometres, where it is published.
    pub pixel_size: Option<PixelSize>,
}

/// Texts of a column of a table.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ColumnText {
    /// A few words, as a label of an axis has them
    /// ([CF `long_name`](https://cfconventions.org/cf-conventions/cf-conventions.html#long-name)).
    pub long_name: String,
    /// A sentence. It names the unit, if there is one.
    pub description: String,
    /// Unit of the values, such as `µM`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub units: Option<String>,
    /// Terms of an ontology for some of its values, by value, such as `CVCL_0042` of
    /// [Cellosaurus](https://www.cellosaurus.org/) for `U2OS`.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub ids: BTreeMap<String, String>,
}

impl FromStr for Profile {
    type Err = ProfileError;

    /// Parses and checks the text of a profile, which is TOML.
    fn from_str(text: &str) -> Result<Self, ProfileError> {
        let profile: Self = toml::from_str(text).map_err(|error| ProfileError::Toml {
            error: Box::new(error),
        })?;
        profile.check()?;
        Ok(profile)
    }
}

impl Profile {
    /// The profiles that are part of the program.
    ///
    /// A test parses each of them, so none is left out.
    pub fn built_in() -> Vec<Self> {
        let parse = |(_, text): (&str, &str)| text.parse().ok();
        TEXTS.into_iter().filter_map(parse).collect()
    }

    /// The built-in profile of that name.
    ///
    /// # Errors
    /// [`ProfileError::Unknown`] lists the names.
    pub fn named(name: &str) -> Result<Self, ProfileError> {
        let text = TEXTS.iter().find(|(known, _)| *known == name);
        let (_, text) = text.ok_or_else(|| ProfileError::Unknown {
            name: name.to_owned(),
        })?;
        text.parse()
    }

    /// What is known about a channel; `None` where nothing is.
    pub fn channel(&self, channel: Channel) -> Option<&ChannelProfile> {
        let name = channel.to_string();
        self.channels.iter().find(|known| known.name == name)
    }

    /// The rule that tells the negative controls; `None` if nobody has said which they are.
    pub fn controls(&self) -> Option<&RowRule> {
        Some(&self.negative_controls.as_ref()?.rows)
    }

    /// The rule that tells the rows to train on: the published split `train`, if there is one.
    pub fn train(&self) -> Option<&RowRule> {
        let train = self.splits.iter().find(|split| split.name == TRAIN);
        Some(&train?.rows)
    }

    /// Checks what the types do not.
    fn check(&self) -> Result<(), ProfileError> {
        let field = |field: &'static str, reason: String| ProfileError::Field { field, reason };
        let is_short = |text: &str| {
            let is_name = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
            !text.is_empty() && text.bytes().all(|byte| is_name(byte) || byte == b'-')
        };
        if !is_short(&self.name) {
            let reason = format!("{:?} has other characters than a-z, 0-9 and -", self.name);
            return Err(field("name", reason));
        }
        if self.title.trim().is_empty() {
            return Err(field("title", "it is empty".to_owned()));
        }
        check_channels(&self.channels).map_err(|reason| field("channels", reason))?;
        self.table
            .check()
            .map_err(|reason| field("table", reason))?;
        for evidence in &self.evidence {
            evidence
                .check()
                .map_err(|reason| field("evidence", reason))?;
        }
        Ok(())
    }
}
