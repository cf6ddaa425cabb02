//! The values of a label array.

use std::fmt::Debug;
use std::sync::Arc;

use serde_json::Value;
use zarrs::array::{Array, ElementOwned};
use zarrs::storage::store::MemoryStore;
use zarrs::storage::{StoreKey, WritableStorageTraits};

use super::array::Label;
use super::compression::CompressedChunk;
use super::layout::chunks_of;

/// Bytes that a label may have beyond twice what it should decode to.
const LABEL_SURPLUS: u64 = 1 << 20;

/// Decodes the values of a label array to texts, which are equal only for equal
/// values. `document` is its metadata and `object` its object; both may differ from those
/// of `label`, which bounds the size of the result. `None` when they cannot be decoded.
pub fn label_values(label: &Label, document: &Value, object: &[u8]) -> Option<Vec<String>> {
    // An object that decompresses to much more than the label is hostile.
    let (_, own) = chunks_of(&label.metadata, &label.chunk)?;
    let bounds = own
        .iter()
        .map(|chunk| CompressedChunk::new(chunk)?.values_at_most());
    let own = bounds.sum::<Option<u64>>()?;
    let mut limit = own.saturating_mul(2).saturating_add(LABEL_SURPLUS);
    let (document, chunks) = chunks_of(document, object)?;
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
    let array = Array::open(store.clone(), &format!("/{name}")).ok()?;
    let mut position = vec![0; array.shape().len()];
    for (number, chunk) in chunks.into_iter().enumerate() {
        let values = CompressedChunk::new(chunk)?.values(limit)?;
        limit = limit.saturating_sub(values.len() as u64);
        *position.first_mut()? = number as u64;
        put(array.chunk_key(&position).as_str().to_owned(), values)?;
    }
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
