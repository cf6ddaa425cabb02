//! Rules over the columns of a table: negative controls and published splits.

use serde::Deserialize;

use crate::select::Selection;
use crate::table::metadata_table::MetadataTable;

/// A rule that tells which rows of a table belong to something: clauses as those of
/// `--include`. A row belongs if, for each column that clauses name, at least one fits.
#[derive(Clone, Debug, Deserialize)]
#[serde(try_from = "Vec<String>")]
pub struct RowRule {
    clauses: Vec<String>,
    selection: Selection,
}

impl PartialEq for RowRule {
    fn eq(&self, other: &Self) -> bool {
        self.clauses == other.clauses
    }
}

impl Eq for RowRule {}

impl TryFrom<Vec<String>> for RowRule {
    type Error = String;

    fn try_from(clauses: Vec<String>) -> Result<Self, String> {
        if clauses.is_empty() {
            return Err("there is no clause".to_owned());
        }
        let selection = Selection::parse(&clauses, &[]).map_err(|error| error.to_string())?;
        Ok(Self { clauses, selection })
    }
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

    /// Whether a row belongs; `None` if the table lacks the row or a column of the rule.
    pub(super) fn fits(&self, table: &MetadataTable, row: usize) -> Option<bool> {
        self.selection.chooses(table, row)
    }
}
