//! The attributes of objects: their content type, for browsers, and for how long they may
//! be kept in caches.

use object_store::{Attribute, Attributes};

use super::Remote;

impl Remote {
    /// Returns the attributes of the object at `key`.
    ///
    /// What a run replaces must not come from a cache afterwards. The chunks of arrays may,
    /// which are most of the bytes.
    pub(in crate::remote) fn attributes(&self, key: &str) -> Attributes {
        let mut attributes = Attributes::new();
        attributes.insert(Attribute::ContentType, content_type(key).into());
        if !is_chunk(key) {
            attributes.insert(Attribute::CacheControl, "no-cache".into());
        }
        if let Some(class) = &self.storage_class {
            attributes.insert(Attribute::StorageClass, class.clone().into());
        }
        attributes
    }
}

/// Whether a key is that of a chunk or shard of a Zarr array: `images.zarr/images/c/0/1`.
fn is_chunk(key: &str) -> bool {
    key.split('/').any(|part| part == "c")
}

/// Returns the content type by the end of the key.
fn content_type(key: &str) -> &'static str {
    let name = key.rsplit('/').next().unwrap_or(key);
    match name.rsplit_once('.') {
        Some((_, "json")) => "application/json",
        Some((_, "md")) => "text/markdown; charset=utf-8",
        Some((_, "html")) => "text/html; charset=utf-8",
        Some((_, "txt")) => "text/plain; charset=utf-8",
        Some((_, "csv")) => "text/csv; charset=utf-8",
        Some((_, "png")) => "image/png",
        Some((_, "svg")) => "image/svg+xml",
        Some((_, "tif" | "tiff")) => "image/tiff",
        Some((_, "js")) => "text/javascript; charset=utf-8",
        Some((_, "parquet")) => "application/vnd.apache.parquet",
        None if name == "SHA256SUMS" => "text/plain; charset=utf-8",
        _ => "application/octet-stream",
    }
}
