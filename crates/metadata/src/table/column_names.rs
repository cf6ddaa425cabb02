//! The names that the columns of a table may have.

use std::collections::HashMap;

/// Most bytes of a column name. Names become parts of paths, and file systems
/// allow 255 bytes.
const LONGEST_NAME: usize = 200;

/// Decides which names columns may have beyond what every table demands: no name
/// is empty, longer than 200 bytes, or there twice.
///
/// The program that stores the columns knows which names it needs for itself. The
/// default has no such names.
#[derive(Clone, Copy, Debug)]
pub struct ColumnNameRule {
    /// Returns the reason why no table may have a column of this name, if there
    /// is one. It follows "the name ..." in the error message.
    pub refusal: fn(column: &str) -> Option<String>,
    /// Returns the key of a column. Two columns of a table must not share a key.
    pub key: fn(column: &str) -> String,
    /// Returns the reason why `column` may not stand beside `earlier`, another
    /// column with the same key. It follows "the name ..." in the error message.
    pub collision: fn(column: &str, earlier: &str) -> String,
}

impl Default for ColumnNameRule {
    fn default() -> Self {
        Self {
            refusal: |_| None,
            key: str::to_owned,
            collision: |_, earlier| format!("is too similar to {earlier:?}"),
        }
    }
}

/// The column names of one table, added one by one.
pub(super) struct ColumnNames<'name> {
    rule: ColumnNameRule,
    /// The columns so far by their key.
    by_key: HashMap<String, &'name str>,
}

impl<'name> ColumnNames<'name> {
    /// Begins a table without columns.
    pub(super) fn new(rule: ColumnNameRule) -> Self {
        Self {
            rule,
            by_key: HashMap::new(),
        }
    }

    /// Adds `column`, or returns the reason why the table cannot have it.
    pub(super) fn add(&mut self, column: &'name str) -> Result<(), String> {
        if column.trim().is_empty() {
            return Err("is empty".to_owned());
        }
        if column.len() > LONGEST_NAME {
            return Err(format!("is longer than {LONGEST_NAME} bytes"));
        }
        if let Some(reason) = (self.rule.refusal)(column) {
            return Err(reason);
        }
        match self.by_key.insert((self.rule.key)(column), column) {
            Some(earlier) if earlier == column => Err("is there twice".to_owned()),
            Some(earlier) => Err((self.rule.collision)(column, earlier)),
            None => Ok(()),
        }
    }
}
