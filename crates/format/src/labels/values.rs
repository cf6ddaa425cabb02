//! The values of a label array.

use std::fmt::Debug;
use std::sync::Arc;

use serde_json::Value;
use zarrs::array::{Array, ElementOwned};
use zarrs::storage::store::MemoryStore;
use zarrs::storage::{StoreKey, WritableStorageTraits};

use super::array::Label;
use super::compression::{self, CompressedChunk};

/// Bytes that a label may have beyond twice what it should decode to.
const LABEL_SURPLUS: u64 = 1 << 20;

/// Decodes the values of a label array to texts, which are equal only for equal
/// values. `document` is its metadata and `chunk` its chunk; both may differ from those
/// of `label`, which bounds the size of the result. `None` when they cannot be decoded.
pub fn label_values(label: &Label, document: &Value, chunk: &[u8]) -> Option<Vec<String>> {
    // A chunk that decompresses to much more than the label is hostile.
    let own = CompressedChunk::new(&label.chunk)?.values_at_most()?;
    let limit = own.saturating_mul(2).saturating_add(LABEL_SURPLUS);
    let values = CompressedChunk::new(chunk)?.values(limit)?;
    let mut document = document.clone();
    let codecs = document.get_mut("codecs")?.as_array_mut()?;
    let first = codecs.len().checked_sub(compression::codecs().len())?;
    if codecs.split_off(first) != compression::codecs() {
        return None;
    }
    let store = Arc::new(MemoryStore::new());
    let name = &label.name;
    let put = |key: String, bytes: Vec<u8>| {
        let key = StoreKey::new(key).ok()?;
        store.set(&key, bytes.into()).ok()
    };
    put(
        format!("{name}/zarr.json"),
        document.to_string().into_bytes(),
    )?;
    put(format!("{name}/{}", label.chunk_key), values)?;
    let array = Array::open(store, &format!("/{name}")).ok()?;
    match document.get("data_type")?.as_str()? {
        "string" => texts::<String>(&array),
        "bool" => texts::<bool>(&array),
        "int32" => texts::<i32>(&array),
        "int64" => texts::<i64>(&array),
        "float64" => texts::<f64>(&array),
        _ => None,
    }
}

fn texts<T: ElementOwned + Debug>(array: &Array<MemoryStore>) -> Option<Vec<String>> {
    let values: Vec<T> = array.retrieve_array_subset(&array.subset_all()).ok()?;
    Some(values.iter().map(|value| format!("{value:?}")).collect())
}
