//! Rules that tell the rows of a group, over which statistics are taken.

use rxrx_metadata::{Column, Profile, RowRule};
use serde::{Deserialize, Serialize};

/// Rules that tell the rows of two groups of the metadata table; `None` where nobody has
/// said which they are, or the table lacks a column of the rule.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct RowRules {
    /// The rows to train on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub train: Option<RowRule>,
    /// The negative controls.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub negative_controls: Option<RowRule>,
}

impl RowRules {
    /// The rules of a profile.
    pub(crate) fn of_profile(profile: &Profile) -> Self {
        Self {
            train: profile.train().cloned(),
            negative_controls: profile.controls().cloned(),
        }
    }

    /// Whether there is no rule.
    pub(crate) fn is_empty(&self) -> bool {
        self.train.is_none() && self.negative_controls.is_none()
    }

    /// Keeps the rules whose columns are among `columns`, which have at least one row.
    pub(crate) fn only_of(self, columns: &[Column]) -> Self {
        let applies = |rule: &RowRule| rule.fits(columns, 0).is_some();
        Self {
            train: self.train.filter(applies),
            negative_controls: self.negative_controls.filter(applies),
        }
    }

    /// The clauses of each rule with the name of the group; none where there is no rule.
    pub(crate) fn clauses(&self) -> [(&'static str, Option<String>); 2] {
        let text = |rule: &Option<RowRule>| Some(rule.as_ref()?.clauses().join(", "));
        [
            ("the rows to train on", text(&self.train)),
            ("the negative controls", text(&self.negative_controls)),
        ]
    }
}
