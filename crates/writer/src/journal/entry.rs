//! Entries of the work folder: a line of JSON, and a line with its CRC-32C.

use rxrx_storage::StoreError;
use serde::Serialize;
use serde::de::DeserializeOwned;

/// The journal cannot be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum JournalError {
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The state of OUTPUT is damaged.
    #[error(
        "{object} in the folder of unfinished work is damaged: {reason}; what is unfinished \
         cannot be continued, start over with --overwrite"
    )]
    Damaged {
        /// The object's key.
        object: String,
        /// The problem of the object.
        reason: String,
    },
    /// A record of this run was removed or changed.
    #[error(
        "{object} in the folder of unfinished work cannot be read back: {reason}; nothing is \
         sealed, run the same command again: it converts that unit once more and goes on"
    )]
    Lost {
        /// The object's key.
        object: String,
        /// The problem of the object.
        reason: String,
    },
    /// An entry could not be encoded: a defect of the program.
    #[error("cannot encode {object}")]
    Json {
        /// The object's key.
        object: String,
        /// The error of the encoder.
        source: serde_json::Error,
    },
}

/// Encodes an entry.
///
/// # Errors
/// A defect of the program.
pub(super) fn encode(entry: &impl Serialize) -> Result<Vec<u8>, serde_json::Error> {
    let mut bytes = serde_json::to_vec(entry)?;
    let sum = crc32c::crc32c(&bytes);
    bytes.extend_from_slice(format!("\n{sum:08x}\n").as_bytes());
    Ok(bytes)
}

/// Encodes an entry of the work folder: a line of JSON, and a line with its CRC-32C.
pub(crate) fn encode_entry(key: &str, entry: &impl Serialize) -> Result<Vec<u8>, JournalError> {
    encode(entry).map_err(|source| JournalError::Json {
        object: key.to_owned(),
        source,
    })
}

/// Decodes an entry of [`encode_entry`].
///
/// # Errors
/// [`JournalError::Damaged`].
pub(crate) fn parse_entry<T: DeserializeOwned>(key: &str, entry: &[u8]) -> Result<T, JournalError> {
    parse(entry).map_err(|reason| JournalError::Damaged {
        object: key.to_owned(),
        reason,
    })
}

/// Decodes an entry.
///
/// # Errors
/// The problem of an entry that is damaged.
pub(super) fn parse<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, String> {
    let torn = || "it is not whole".to_owned();
    let text = std::str::from_utf8(bytes).map_err(|error| error.to_string())?;
    let lines = text.strip_suffix('\n').ok_or_else(torn)?;
    let (line, sum) = lines.split_once('\n').ok_or_else(torn)?;
    if sum != format!("{:08x}", crc32c::crc32c(line.as_bytes())) {
        return Err("its checksum is wrong".to_owned());
    }
    serde_json::from_str(line).map_err(|error| error.to_string())
}
