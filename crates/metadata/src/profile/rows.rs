//! Rules over the columns of a table: negative controls and published splits.

use serde::{Deserialize, Serialize};

use crate::column::Column;
use crate::select::Selection;

/// A rule that tells which rows of a table belong to something: clauses as those of
/// `--include`. A row belongs if, for each column that clauses name, at least one fits.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(try_from = "Vec<String>", into = "Vec<String>")]
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

impl From<RowRule> for Vec<String> {
    fn from(rule: RowRule) -> Self {
        rule.clauses
    }
}

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

    /// Whether a row of a table with those `columns` belongs; `None` if the table lacks the
    /// row or a column of the rule.
    ///
    /// ```
    /// use rxrx_metadata::{MetadataTable, Profile};
    ///
    /// let csv = "experiment,plate,well,site,well_type\n\
    ///            HUVEC-01,1,B02,1,negative_control\nHUVEC-01,1,B03,1,treatment\n";
    /// let table = MetadataTable::read("metadata.csv", csv.as_bytes())?;
    /// let profile = Profile::named("rxrx1")?;
    /// let controls = profile.controls().ok_or("no rule")?;
    /// assert_eq!(controls.fits(table.columns(), 0), Some(true));
    /// assert_eq!(controls.fits(table.columns(), 1), Some(false));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn fits(&self, columns: &[Column], row: usize) -> Option<bool> {
        self.selection.chooses(columns, row)
    }
}
