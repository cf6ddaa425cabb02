//! What tells one data set from another: its table and its images.

use std::collections::BTreeSet;

use globset::Glob;
use rxrx_tables::{excerpt, first_of};
use serde::Deserialize;

use crate::column::ColumnValues;
use crate::plan::Plan;
use crate::plan::geometry::DataType;

/// Values that a message names.
const SHOWN: usize = 5;

/// What the table and the images of a data set are like. All of it has to agree.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Evidence {
    /// Columns that the table has, by the names that the program gives them.
    pub columns: Vec<String>,
    /// Columns that it does not have.
    #[serde(default)]
    pub absent_columns: Vec<String>,
    /// Number of channels.
    pub channels: usize,
    /// Rows of pixels.
    pub height: usize,
    /// Columns of pixels.
    pub width: usize,
    /// Bits of a sample, 8 or 16.
    pub bits: u32,
    /// Values that the column `cell_type` may have; empty for any.
    #[serde(default)]
    pub cell_types: Vec<String>,
    /// Globs of which one fits the name of each experiment; empty for any.
    #[serde(default)]
    pub experiments: Vec<String>,
}

/// What is seen of a data set when its conversion is planned.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Observed {
    /// Names of the columns, also of those that were derived, such as `site_id`.
    pub columns: BTreeSet<String>,
    /// Number of channels.
    pub channels: usize,
    /// Rows of pixels.
    pub height: usize,
    /// Columns of pixels.
    pub width: usize,
    /// Bits of a sample.
    pub bits: u32,
    /// Values of the column `cell_type`, over the chosen rows.
    pub cell_types: BTreeSet<String>,
    /// Experiments, over the chosen rows.
    pub experiments: BTreeSet<String>,
}

impl Observed {
    /// Looks at the rows and the images of a plan.
    pub fn of(plan: &Plan) -> Self {
        let table = plan.table();
        let columns = table.columns().iter().map(|column| column.name.clone());
        let texts = |name: &str| match table.column(name).map(|column| &column.values) {
            Some(ColumnValues::String(texts)) => distinct(texts.iter().flatten()),
            _ => BTreeSet::new(),
        };
        let geometry = plan.geometry();
        Self {
            columns: columns.collect(),
            channels: geometry.channels,
            height: geometry.height,
            width: geometry.width,
            bits: match geometry.data_type {
                DataType::UInt8 => 8,
                DataType::UInt16 => 16,
            },
            cell_types: texts("cell_type"),
            experiments: distinct(table.experiments()),
        }
    }
}

/// Returns the distinct values. Neighbours are mostly equal.
fn distinct<'a>(values: impl Iterator<Item = &'a str>) -> BTreeSet<String> {
    let mut last = None;
    let mut distinct = BTreeSet::new();
    for value in values {
        if last.replace(value) != Some(value) && !distinct.contains(value) {
            distinct.insert(value.to_owned());
        }
    }
    distinct
}

impl Evidence {
    /// Checks that the globs can be parsed and the number of bits is possible.
    pub(super) fn check(&self) -> Result<(), String> {
        if ![8, 16].contains(&self.bits) {
            return Err(format!("bits is {} (expected 8 or 16)", self.bits));
        }
        for glob in &self.experiments {
            Glob::new(glob).map_err(|error| error.to_string())?;
        }
        Ok(())
    }

    /// Compares with what is seen: what agrees, and what does not.
    pub(super) fn compare(&self, seen: &Observed) -> Comparison {
        let mut comparison = Comparison::default();
        self.compare_columns(seen, &mut comparison);
        comparison.add(
            self.channels == seen.channels,
            format!("{} channels", seen.channels),
            || self.channels.to_string(),
        );
        comparison.add(
            (self.height, self.width) == (seen.height, seen.width),
            format!("{} x {} pixels", seen.height, seen.width),
            || format!("{} x {}", self.height, self.width),
        );
        comparison.add(self.bits == seen.bits, format!("{} bit", seen.bits), || {
            self.bits.to_string()
        });
        let is_known = |cell: &&String| !self.cell_types.contains(cell);
        let unknown: Vec<&String> = seen.cell_types.iter().filter(is_known).collect();
        let others = if unknown.is_empty() || self.cell_types.is_empty() {
            seen.cell_types.iter().collect()
        } else {
            unknown.clone()
        };
        if !self.cell_types.is_empty() {
            comparison.add(
                unknown.is_empty(),
                format!("cell type {}", some_of(&others)),
                || self.cell_types.join(", "),
            );
        }
        let fits = |name: &&String| {
            let mut globs = self
                .experiments
                .iter()
                .filter_map(|glob| Glob::new(glob).ok());
            !globs.any(|glob| glob.compile_matcher().is_match(name.as_str()))
        };
        if !self.experiments.is_empty() {
            let strange: Vec<&String> = seen.experiments.iter().filter(fits).collect();
            let is_known = strange.is_empty();
            let named = if is_known {
                seen.experiments.iter().collect()
            } else {
                strange
            };
            comparison.add(is_known, format!("experiment {}", some_of(&named)), || {
                self.experiments.join(", ")
            });
        }
        comparison
    }

    fn compare_columns(&self, seen: &Observed, comparison: &mut Comparison) {
        let is_there = |column: &&String| seen.columns.contains(*column);
        let absent: Vec<&String> = self.columns.iter().filter(|c| !is_there(c)).collect();
        let present: Vec<&String> = self.absent_columns.iter().filter(is_there).collect();
        if absent.is_empty() && present.is_empty() {
            let columns: Vec<&String> = self.columns.iter().collect();
            comparison
                .agree
                .push(format!("columns {}", all_of(&columns)));
        }
        if !absent.is_empty() {
            comparison
                .disagree
                .push(format!("no column {}", all_of(&absent)));
        }
        if !present.is_empty() {
            comparison
                .disagree
                .push(format!("it has the column {}", all_of(&present)));
        }
        comparison.columns_disagree = absent.len() + present.len();
    }
}

/// A comparison of evidence with what is seen, in words.
#[derive(Clone, Debug, Default)]
pub(super) struct Comparison {
    pub(super) agree: Vec<String>,
    pub(super) disagree: Vec<String>,
    /// Number of columns that are missing or too many.
    pub(super) columns_disagree: usize,
}

impl Comparison {
    fn add(&mut self, agrees: bool, seen: String, expected: impl FnOnce() -> String) {
        if agrees {
            self.agree.push(seen);
        } else {
            self.disagree
                .push(format!("{seen} (expected {})", expected()));
        }
    }
}

fn all_of(values: &[&String]) -> String {
    let values: Vec<&str> = values.iter().map(|value| value.as_str()).collect();
    values.join(", ")
}

/// Returns the first of `values`, and the number of the others.
fn some_of(values: &[&String]) -> String {
    let values: Vec<String> = values.iter().map(|value| excerpt(value)).collect();
    first_of(&values, SHOWN)
}
