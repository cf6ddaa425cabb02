//! The choice of the rows that are converted.

#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};

use globset::{GlobBuilder, GlobMatcher};
use rxrx_tables::{excerpt, first_of};
use thiserror::Error;

use crate::column::{Column, ColumnValues};
use crate::site::ExperimentName;
use crate::table::metadata_table::{EXPERIMENT, MetadataTable};

/// Clauses that choose rows of the table.
///
/// A clause is `column=pattern`, or a pattern alone for the experiment. Patterns
/// are globs (`*`, `?`, `[ab]`, `{a,b}`) over the text of the value. An
/// experiment without glob characters is normalised, so padding makes no
/// difference. An empty pattern (`sirna=`) fits blank cells.
///
/// A row is chosen if no exclude clause fits it and, for each column that include
/// clauses name, at least one of them does.
#[derive(Clone, Debug, Default)]
pub struct Selection {
    include: Vec<Clause>,
    exclude: Vec<Clause>,
    only_present: bool,
}

/// Error of a choice of rows.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum SelectionError {
    /// The clause has no column, or no pattern for the experiment.
    #[error(
        "{clause:?} is not a clause (expected an experiment, such as HUVEC-*, or column=value)"
    )]
    Malformed {
        /// The clause.
        clause: String,
    },
    /// The pattern of the clause is not a glob.
    #[error("{clause:?} is not a clause")]
    Pattern {
        /// The clause.
        clause: String,
        /// The error of the pattern.
        source: globset::Error,
    },
    /// The table has no such column.
    #[error(
        "{clause:?}: the table has no column {column:?}; its columns are {}",
        some_of(columns)
    )]
    UnknownColumn {
        /// The clause.
        clause: String,
        /// The column that the clause names.
        column: String,
        /// The columns that exist.
        columns: Vec<String>,
    },
    /// No row of the table fits the clause.
    #[error("{clause:?} fits no row; column {column:?} holds {}", some_of(values))]
    NoRow {
        /// The clause.
        clause: String,
        /// The column that the clause names.
        column: String,
        /// The distinct values of that column.
        values: Vec<String>,
    },
    /// Each clause fits rows, but all of them together leave none.
    #[error("no row is left by {} together", clauses.join(", "))]
    NothingLeft {
        /// The clauses.
        clauses: Vec<String>,
    },
}

/// One clause.
#[derive(Clone, Debug)]
struct Clause {
    /// The clause as it was given.
    text: String,
    column: String,
    pattern: Pattern,
}

/// The condition of a clause on the cells of its column.
#[derive(Clone, Debug)]
enum Pattern {
    /// Blank cells.
    Blank,
    /// One experiment, padded or not.
    Experiment(ExperimentName),
    /// Cells whose text fits.
    Glob(GlobMatcher),
}

impl Selection {
    /// Parses the clauses of `--include` and `--exclude`. Without any clause every
    /// row is chosen.
    ///
    /// # Errors
    /// A clause is empty, has nothing before its `=`, or is not a valid glob.
    pub fn parse(include: &[String], exclude: &[String]) -> Result<Self, SelectionError> {
        Ok(Self {
            include: Clause::parse_all(include)?,
            exclude: Clause::parse_all(exclude)?,
            only_present: false,
        })
    }

    /// Leaves out rows without any image, if `only_present`.
    #[must_use]
    pub fn only_present(self, only_present: bool) -> Self {
        Self {
            only_present,
            ..self
        }
    }

    /// Whether rows without any image are left out.
    pub(crate) fn leaves_out_absent(&self) -> bool {
        self.only_present
    }

    /// Returns the chosen rows of `table`, ascending.
    ///
    /// # Errors
    /// A clause names no column of the table or fits none of its rows, or no
    /// row is left.
    pub fn rows(&self, table: &MetadataTable) -> Result<Vec<usize>, SelectionError> {
        self.rows_of(table.columns(), table.len())
    }

    /// Returns the chosen ones of `rows` rows, whose values are in `columns`, ascending.
    ///
    /// # Errors
    /// The errors of [`Self::rows`].
    pub fn rows_of(&self, columns: &[Column], rows: usize) -> Result<Vec<usize>, SelectionError> {
        let mut chosen = vec![true; rows];
        let named: BTreeSet<&str> = self
            .include
            .iter()
            .map(|clause| clause.column.as_str())
            .collect();
        for column in named {
            let mut included = vec![false; rows];
            for clause in self.include.iter().filter(|clause| clause.column == column) {
                for row in clause.rows(columns)? {
                    included
                        .get_mut(row)
                        .into_iter()
                        .for_each(|included| *included = true);
                }
            }
            chosen
                .iter_mut()
                .zip(included)
                .for_each(|(chosen, included)| *chosen &= included);
        }
        for clause in &self.exclude {
            for row in clause.rows(columns)? {
                chosen
                    .get_mut(row)
                    .into_iter()
                    .for_each(|chosen| *chosen = false);
            }
        }
        let rows: Vec<usize> = (0..)
            .zip(chosen)
            .filter_map(|(row, chosen)| chosen.then_some(row))
            .collect();
        if rows.is_empty() {
            let clauses = self.include.iter().chain(&self.exclude);
            let clauses = clauses.map(|clause| format!("{:?}", clause.text)).collect();
            return Err(SelectionError::NothingLeft { clauses });
        }
        Ok(rows)
    }
}

impl Selection {
    /// Whether one row of a table with those `columns` is chosen; `None` if the table lacks
    /// the row or a column that a clause names.
    pub(crate) fn chooses(&self, columns: &[Column], row: usize) -> Option<bool> {
        if columns
            .first()
            .is_none_or(|column| row >= column.values.len())
        {
            return None;
        }
        let mut included: BTreeMap<&str, bool> = BTreeMap::new();
        for clause in &self.include {
            let fits = clause.fits_row(columns, row)?;
            *included.entry(&clause.column).or_default() |= fits;
        }
        let mut excluded = false;
        for clause in &self.exclude {
            excluded |= clause.fits_row(columns, row)?;
        }
        Some(!excluded && included.into_values().all(|fits| fits))
    }
}

impl Clause {
    fn parse_all(texts: &[String]) -> Result<Vec<Self>, SelectionError> {
        texts.iter().map(|text| Self::parse(text)).collect()
    }

    fn parse(text: &str) -> Result<Self, SelectionError> {
        let (column, pattern) = text.split_once('=').unwrap_or((EXPERIMENT, text));
        let (column, pattern) = (column.trim(), pattern.trim());
        if column.is_empty() || (pattern.is_empty() && column == EXPERIMENT) {
            return Err(SelectionError::Malformed {
                clause: text.to_owned(),
            });
        }
        let is_glob = pattern.contains(['*', '?', '[', '{', '\\']);
        let pattern = if pattern.is_empty() {
            Pattern::Blank
        } else if column == EXPERIMENT && !is_glob {
            Pattern::Experiment(ExperimentName::new(pattern))
        } else {
            let glob = GlobBuilder::new(pattern)
                .literal_separator(false)
                .build()
                .map_err(|source| SelectionError::Pattern {
                    clause: text.to_owned(),
                    source,
                })?;
            Pattern::Glob(glob.compile_matcher())
        };
        Ok(Self {
            text: text.to_owned(),
            column: column.to_owned(),
            pattern,
        })
    }

    /// Whether this clause fits one row; `None` if the table lacks the column.
    fn fits_row(&self, columns: &[Column], row: usize) -> Option<bool> {
        let column = columns.iter().find(|column| column.name == self.column);
        let cell = match &column?.values {
            ColumnValues::Integer(values) => values.get(row).map(|value| value.to_string()),
            ColumnValues::Float(values) => values
                .get(row)
                .copied()
                .flatten()
                .map(|value| value.to_string()),
            ColumnValues::String(values) => values.get(row).map(str::to_owned),
        };
        Some(self.pattern.fits(cell.as_deref()))
    }

    /// Returns the rows that this clause fits; at least one.
    fn rows(&self, columns: &[Column]) -> Result<Vec<usize>, SelectionError> {
        let column = columns.iter().find(|column| column.name == self.column);
        let column = column.ok_or_else(|| SelectionError::UnknownColumn {
            clause: self.text.clone(),
            column: self.column.clone(),
            columns: columns.iter().map(|column| column.name.clone()).collect(),
        })?;
        let cells_of_rows = cells(&column.values).enumerate();
        let rows: Vec<usize> = cells_of_rows
            .filter(|(_, cell)| self.pattern.fits(cell.as_deref()))
            .map(|(row, _)| row)
            .collect();
        if rows.is_empty() {
            // A blank cell is listed as an empty text.
            let values: BTreeSet<String> = cells(&column.values)
                .map(Option::unwrap_or_default)
                .collect();
            return Err(SelectionError::NoRow {
                clause: self.text.clone(),
                column: self.column.clone(),
                values: values.into_iter().collect(),
            });
        }
        Ok(rows)
    }
}

impl Pattern {
    /// Whether a cell fits; `None` is a blank one.
    fn fits(&self, cell: Option<&str>) -> bool {
        match (self, cell) {
            (Self::Blank, None) => true,
            (Self::Experiment(name), Some(cell)) => ExperimentName::new(cell) == *name,
            (Self::Glob(glob), Some(cell)) => glob.is_match(cell),
            _ => false,
        }
    }
}

/// Iterates over the texts of the cells; `None` for blank ones.
fn cells(values: &ColumnValues) -> Box<dyn Iterator<Item = Option<String>> + '_> {
    match values {
        ColumnValues::Integer(values) => Box::new(
            values
                .iter()
                .map(|value| value.map(|value| value.to_string())),
        ),
        ColumnValues::Float(values) => Box::new(
            values
                .iter()
                .map(|value| value.map(|value| value.to_string())),
        ),
        ColumnValues::String(values) => {
            Box::new(values.iter().map(|value| value.map(str::to_owned)))
        }
    }
}

/// Returns the first of `values`, quoted, and the number of the others.
fn some_of(values: &[String]) -> String {
    const SHOWN: usize = 60;
    let quoted = values.iter().map(|value| format!("{:?}", excerpt(value)));
    first_of(&quoted.collect::<Vec<String>>(), SHOWN)
}
