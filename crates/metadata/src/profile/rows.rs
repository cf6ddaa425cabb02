//! Rules over the columns of a table: negative controls and published splits.

use serde::Deserialize;

use crate::select::{Selection, SelectionError};
use crate::table::metadata_table::MetadataTable;

/// A rule that tells which rows of a table belong to something: clauses as those of
/// `--include`. A row belongs if, for each column that clauses name, at least one fits.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(transparent)]
pub struct RowRule {
    clauses: Vec<String>,
}

/// The rule that tells the negative controls of a data set.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NegativeControls {
    /// What these rows are, in words.
    pub about: String,
    /// The rows.
    pub rows: RowRule,
}

/// A part of a published split.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Split {
    /// The name of the part, such as `train`.
    pub name: String,
    /// The rows.
    pub rows: RowRule,
}

impl RowRule {
    /// The clauses, such as `well_type=negative_control`.
    pub fn clauses(&self) -> &[String] {
        &self.clauses
    }

    /// Checks that the clauses can be parsed.
    pub(super) fn check(&self) -> Result<(), String> {
        if self.clauses.is_empty() {
            return Err("there is no clause".to_owned());
        }
        let parsed = self.parse();
        parsed.map(drop).map_err(|error| error.to_string())
    }

    fn parse(&self) -> Result<Selection, SelectionError> {
        Selection::parse(&self.clauses, &[])
    }

    /// Whether a row belongs; `None` if the table lacks the row or a column of the rule.
    pub(super) fn fits(&self, table: &MetadataTable, row: usize) -> Option<bool> {
        self.parse().ok()?.chooses(table, row)
    }
}
