//! JSON documents that may be damaged or made to do harm.

use serde_json::Value;

/// Most values in a document: three times as many as 10,000 columns take. A value takes
/// up to 150 bytes of memory, and may be two bytes of text.
const VALUES_AT_MOST: usize = 1 << 20;

/// Cause that makes a document unusable.
#[derive(Debug, thiserror::Error)]
pub enum JsonError {
    /// It is no JSON.
    #[error("it is no JSON: {0}")]
    Syntax(#[from] serde_json::Error),
    /// It would take too much memory.
    #[error("it has more than {VALUES_AT_MOST} values, more than a document of a dataset can have")]
    TooManyValues,
}

/// Parses a document, unless it has more values than one of a dataset can have.
///
/// # Errors
/// [`JsonError`].
pub fn parse_json(bytes: &[u8]) -> Result<Value, JsonError> {
    // Each value but the first follows one of these. Those inside text count as well,
    // and no text of a dataset has so many.
    let starts = bytes
        .iter()
        .filter(|byte| matches!(byte, b'[' | b'{' | b','));
    if starts.count() > VALUES_AT_MOST {
        return Err(JsonError::TooManyValues);
    }
    Ok(serde_json::from_slice(bytes)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_document_of_many_small_values_is_refused() {
        let many = |values: usize| format!("[{}[]]", "[],".repeat(values));
        assert!(parse_json(many(100).as_bytes()).is_ok());
        let error = parse_json(many(VALUES_AT_MOST).as_bytes()).unwrap_err();
        assert!(matches!(error, JsonError::TooManyValues), "{error}");
        assert!(matches!(parse_json(b"["), Err(JsonError::Syntax(_))));
    }
}
