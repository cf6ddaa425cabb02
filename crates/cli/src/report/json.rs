//! Results on standard output as JSON.

use serde::Serialize;
use serde_json::Value;

use super::streams::print_document;

/// Prints a result as a JSON object.
///
/// # Errors
/// The result cannot be encoded, or standard output cannot be written.
pub(crate) fn json(result: &impl Serialize) -> anyhow::Result<()> {
    Ok(print_document(&serde_json::to_value(result)?)?)
}

/// Returns a result as a JSON object that also has the fields `more`.
///
/// # Errors
/// The result cannot be encoded.
pub(crate) fn fields<const N: usize>(
    result: &impl Serialize,
    more: [(&str, Value); N],
) -> Result<Value, serde_json::Error> {
    let mut result = serde_json::to_value(result)?;
    if let Some(fields) = result.as_object_mut() {
        fields.extend(more.map(|(name, value)| (name.to_owned(), value)));
    }
    Ok(result)
}
