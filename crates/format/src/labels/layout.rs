//! How the only object of a label array holds its values: in one chunk, or in a shard of
//! chunks of 4,096 sites ([`sharding_indexed`]).
//!
//! A reader of some sites then decodes few values, and a reader of all of them makes one
//! request.
//!
//! [`sharding_indexed`]: https://zarr-specs.readthedocs.io/en/latest/v3/codecs/sharding-indexed/index.html

use std::io;

use serde_json::{Value, json};

use super::compression::{self, compress_values};
use crate::shard::{ShardIndex, read_index, sharding_indexed};

/// Sites in a chunk of a label.
const CHUNK_SITES: usize = 4096;

/// How the object of a label array holds its values.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LabelLayout {
    /// In one chunk: arrays along `channel`, and all arrays of format 3.
    Chunk,
    /// In a shard of chunks of 4,096 sites. The last chunk has the full shape.
    Shard,
}

impl LabelLayout {
    /// Rows in a chunk of an array of so many rows.
    pub(super) fn chunk_rows(self, rows: usize) -> usize {
        match self {
            Self::Chunk => rows.max(1),
            Self::Shard => CHUNK_SITES,
        }
    }

    /// Compresses chunks and makes the object of them.
    ///
    /// # Errors
    /// Zstd fails, for want of memory.
    pub(super) fn object(self, chunks: &[Vec<u8>]) -> io::Result<Vec<u8>> {
        let mut index = ShardIndex::default();
        let mut object = Vec::new();
        for chunk in chunks {
            let chunk = compress_values(chunk)?;
            index.add(chunk.len());
            object.extend_from_slice(&chunk);
        }
        if self == Self::Shard {
            object.extend(index.encode(chunks.len()));
        }
        Ok(object)
    }

    /// Completes the metadata of an array without compression and shards, which the Zarr
    /// library gives. `None` if they are no metadata of an array.
    pub(super) fn complete(self, mut metadata: Value, chunks: usize) -> Option<Value> {
        let codecs = metadata.get_mut("codecs")?.as_array_mut()?;
        codecs.extend(compression::codecs());
        if self == Self::Shard {
            let codecs = std::mem::take(codecs);
            let shape = metadata.pointer_mut("/chunk_grid/configuration/chunk_shape")?;
            let chunk_shape = shape.clone();
            let rows = shape.get_mut(0)?;
            *rows = json!(rows.as_u64()? * chunks as u64);
            let sharding = sharding_indexed(&chunk_shape, &codecs.into());
            *metadata.get_mut("codecs")? = json!([sharding]);
        }
        Some(metadata)
    }
}

/// Undoes [`LabelLayout::complete`] and [`LabelLayout::object`], but for the compression:
/// returns the metadata without shards and compression, and the compressed chunks. `None`
/// if the object has not the chunks that the metadata state.
pub(super) fn chunks_of<'a>(document: &Value, object: &'a [u8]) -> Option<(Value, Vec<&'a [u8]>)> {
    let mut document = document.clone();
    let sharding = document.pointer("/codecs/0/configuration/codecs").cloned();
    let mut chunks = vec![object];
    if let Some(codecs) = sharding {
        let chunk_shape = document.pointer("/codecs/0/configuration/chunk_shape")?;
        let chunk_shape = chunk_shape.clone();
        let shape = document.pointer_mut("/chunk_grid/configuration/chunk_shape")?;
        let rows = |shape: &Value| usize::try_from(shape.get(0)?.as_u64()?).ok();
        let count = rows(shape)?.checked_div(rows(&chunk_shape)?)?;
        *shape = chunk_shape;
        *document.get_mut("codecs")? = codecs;
        let ranges = read_index(object, count).ok()?.into_iter();
        chunks = ranges
            .map(|range| {
                object.get(
                    usize::try_from(range.as_ref()?.start).ok()?
                        ..usize::try_from(range.as_ref()?.end).ok()?,
                )
            })
            .collect::<Option<_>>()?;
    }
    let codecs = document.get_mut("codecs")?.as_array_mut()?;
    let first = codecs.len().checked_sub(compression::codecs().len())?;
    (codecs.split_off(first) == compression::codecs()).then_some((document, chunks))
}
