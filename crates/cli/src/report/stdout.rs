//! Results on standard output, as text or as JSON.

use std::io::{self, Write, stdout};

use serde::Serialize;
use serde_json::Value;

/// Prints what `write` writes. A reader that closes the pipe early, as `head`
/// does, is no error, and does not change the exit code.
///
/// # Errors
/// Standard output cannot be written, for another reason.
pub(crate) fn print(write: impl FnOnce(&mut dyn Write) -> io::Result<()>) -> io::Result<()> {
    let mut out = stdout().lock();
    match write(&mut out).and_then(|()| out.flush()) {
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        written => written,
    }
}

/// Prints a result as a JSON object.
///
/// # Errors
/// The result cannot be encoded, or standard output cannot be written.
pub(crate) fn json(result: &impl Serialize) -> anyhow::Result<()> {
    json_with(result, [])
}

/// Prints a result as a JSON object that also has the fields `more`.
///
/// # Errors
/// The result cannot be encoded, or standard output cannot be written.
pub(crate) fn json_with<const N: usize>(
    result: &impl Serialize,
    more: [(&str, Value); N],
) -> anyhow::Result<()> {
    let mut result = serde_json::to_value(result)?;
    if let Some(fields) = result.as_object_mut() {
        fields.extend(more.map(|(name, value)| (name.to_owned(), value)));
    }
    Ok(print(|out| writeln!(out, "{result:#}"))?)
}
