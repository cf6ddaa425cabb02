//! The published split of a data set: the column that tells it, and its parts.

use std::fmt;

use rxrx_metadata::{Column, ColumnValues, Profile};
use serde::{Deserialize, Serialize};

/// A published split that a column of the metadata table tells.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PublishedSplit {
    /// The column.
    pub column: String,
    /// The values of the column that are parts of the split, such as `train` and `test`.
    pub parts: Vec<String>,
}

impl fmt::Display for PublishedSplit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.column, self.parts.join(", "))
    }
}

impl PublishedSplit {
    /// The split of a profile, if one column tells all of its parts by their names.
    pub(crate) fn of_profile(profile: &Profile) -> Option<Self> {
        let mut columns = Vec::new();
        for part in &profile.splits {
            let [clause] = part.rows.clauses() else {
                return None;
            };
            let (column, value) = clause.split_once('=')?;
            (value == part.name).then(|| columns.push(column.to_owned()))?;
        }
        columns.dedup();
        let column = (columns.len() == 1).then(|| columns.swap_remove(0))?;
        let parts = profile.splits.iter().map(|part| part.name.clone());
        Some(Self {
            column,
            parts: parts.collect(),
        })
    }

    /// Whether the table has the column, as text.
    pub(crate) fn is_of(&self, columns: &[Column]) -> bool {
        let is_it = |column: &&Column| column.name == self.column;
        let found = columns.iter().find(is_it);
        matches!(
            found.map(|column| &column.values),
            Some(ColumnValues::String(_))
        )
    }
}
