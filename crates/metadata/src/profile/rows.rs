//! Rules over the columns of a table: negative controls and published splits.

use serde::{Deserialize, Serialize};

use crate::column::Column;
use crate::select::{Selection, SelectionError};
use crate::table::metadata_table::MetadataTable;

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
        let rule = Self::parse(&clauses).map_err(|error| error.to_string())?;
        rule.ok_or_else(|| "there is no clause".to_owned())
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
    /// Makes a rule of clauses; `None` if there are none.
    ///
    /// # Errors
    /// A clause is malformed.
    pub fn parse(clauses: &[String]) -> Result<Option<Self>, SelectionError> {
        if clauses.is_empty() {
            return Ok(None);
        }
        let (clauses, selection) = (clauses.to_vec(), Selection::parse(clauses, &[])?);
        Ok(Some(Self { clauses, selection }))
    }

    /// Demands that `table` has the columns of the rule, and a row for each clause.
    ///
    /// # Errors
    /// The table lacks a column, or a clause fits none of its rows.
    pub fn check(&self, table: &MetadataTable) -> Result<(), SelectionError> {
        self.selection.rows(table).map(drop)
    }

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
