//! The result of a command, before it is printed.

use std::io::{self, Write};

use serde_json::Value;

use crate::exit_status::ExitStatus;
use crate::report;

/// Writes a result as text.
type WriteText = Box<dyn FnOnce(&mut dyn Write) -> io::Result<()>>;

/// The result of a command that has `--json`.
pub(crate) struct Outcome {
    /// Status that the process ends with.
    pub(crate) status: ExitStatus,
    /// The result for machines; `docs/json.md` describes the fields.
    pub(crate) fields: Value,
    /// The result for people.
    pub(crate) text: WriteText,
    /// What was done, for commands that stay a success if the result cannot be printed.
    pub(crate) done: Option<String>,
}

impl Outcome {
    /// Returns a result that `text` writes for people.
    pub(crate) fn new(
        status: ExitStatus,
        fields: Value,
        text: impl FnOnce(&mut dyn Write) -> io::Result<()> + 'static,
    ) -> Self {
        Self {
            status,
            fields,
            text: Box::new(text),
            done: None,
        }
    }

    /// Prints the result on standard output, and returns the status. If that is not
    /// possible, the command fails, or warns if the status tells what was `done`.
    ///
    /// # Errors
    /// Standard output cannot be written.
    pub(crate) fn print(self, json: bool) -> anyhow::Result<ExitStatus> {
        let printed = if json {
            report::json(&self.fields)
        } else {
            report::print(self.text).map_err(Into::into)
        };
        match (printed, self.done) {
            (Err(error), None) => return Err(error),
            (Err(error), Some(done)) => report::warn_not_printed(&done, error),
            (Ok(()), _) => {}
        }
        Ok(self.status)
    }
}
