//! `store-checksums.json`: the checksums that an object store has of the objects of a
//! dataset, as they were when the dataset was stored.
//!
//! ```json
//! {"version": 1, "objects": {
//! "SHA256SUMS": {"bytes": 3, "checksums": {"etag-md5": "900150983cd24fb0d6963f7d28e17f72"}}
//! }}
//! ```

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::{Value, json};

/// The version of the document that this program writes, and the only one it reads.
const VERSION: u32 = 1;

/// Size and checksums of an object by its store.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct StoreChecksum {
    /// Size in bytes.
    pub bytes: u64,
    /// The checksums by their kind; `docs/format.md` lists the kinds.
    pub checksums: BTreeMap<String, String>,
}

/// The checksums of all objects, by key.
pub type StoreChecksums = BTreeMap<String, StoreChecksum>;

#[derive(Deserialize)]
struct Document {
    version: u32,
    objects: StoreChecksums,
}

/// Writes the document, with one line for each object.
pub fn store_checksums_document(objects: &StoreChecksums) -> String {
    let lines = objects
        .iter()
        .map(|(key, StoreChecksum { bytes, checksums })| {
            let object = json!({"bytes": bytes, "checksums": checksums});
            format!("{}: {object}", Value::from(key.as_str()))
        });
    let lines: Vec<String> = lines.collect();
    let lines = lines.join(",\n");
    format!("{{\"version\": {VERSION}, \"objects\": {{\n{lines}\n}}}}\n")
}

/// Parses the document.
///
/// # Errors
/// The reason why this program cannot use it.
pub fn parse_store_checksums(document: &[u8]) -> Result<StoreChecksums, String> {
    let document: Document = serde_json::from_slice(document).map_err(|error| error.to_string())?;
    if document.version != VERSION {
        return Err(format!(
            "it has version {}, and this program reads {VERSION}",
            document.version
        ));
    }
    Ok(document.objects)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_document_is_read_as_it_was_written() {
        let object = |bytes, kind: &str| StoreChecksum {
            bytes,
            checksums: BTreeMap::from([(kind.to_owned(), "\"x".to_owned())]),
        };
        let objects = StoreChecksums::from([
            ("a \"b\"/c".to_owned(), object(7, "etag")),
            ("d".to_owned(), object(u64::MAX, "sha256")),
        ]);
        for objects in [objects, StoreChecksums::new()] {
            let text = store_checksums_document(&objects);
            assert_eq!(parse_store_checksums(text.as_bytes()), Ok(objects));
        }
    }

    #[test]
    fn another_version_is_refused() {
        let text = store_checksums_document(&StoreChecksums::new());
        let other = text.replace("\"version\": 1", "\"version\": 2");
        let error = parse_store_checksums(other.as_bytes()).unwrap_err();
        assert!(error.contains("version 2"), "{error}");
        assert!(parse_store_checksums(&text.as_bytes()[1..]).is_err());
    }
}
