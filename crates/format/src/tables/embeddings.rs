//! `embeddings.parquet`: one row for each site, row *i* = `images[i]`, with its
//! vector as a list of fixed length, or null.

use std::sync::Arc;

use arrow_array::{ArrayRef, FixedSizeListArray, Float32Array, Int64Array, StringArray};
use arrow_schema::{DataType, Schema};
use rxrx_metadata::Embeddings;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::schema::embeddings_schema;
use super::writer::{TableError, TableWriter, site_groups};
use crate::keys::EMBEDDINGS;

/// Which embeddings a dataset has.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct EmbeddingsDigest {
    /// Numbers in a vector.
    pub length: usize,
    /// SHA-256, in hexadecimal digits, of the vectors in array order: for each
    /// site a byte that says whether there is one, then its numbers,
    /// little-endian. Equal for equal vectors, however the file was packed.
    pub sha256: String,
}

impl EmbeddingsDigest {
    pub fn of(embeddings: &Embeddings) -> Self {
        let mut hasher = Sha256::new();
        let mut bytes = Vec::with_capacity(embeddings.length() * size_of::<f32>());
        for site in 0..embeddings.sites() {
            bytes.clear();
            let vector = embeddings.vector(site);
            hasher.update([u8::from(vector.is_some())]);
            bytes.extend(vector.into_iter().flatten().flat_map(|v| v.to_le_bytes()));
            hasher.update(&bytes);
        }
        Self {
            length: embeddings.length(),
            sha256: hex::encode(hasher.finalize()),
        }
    }
}

/// Encodes the table. `site_ids` are those of all sites in array order.
pub fn embeddings_table(
    embeddings: &Embeddings,
    site_ids: &[&str],
    notes: &[(&str, String)],
) -> Result<Vec<u8>, TableError> {
    let table = EMBEDDINGS;
    // Far less than the numbers that fit in memory.
    let schema = embeddings_schema(i32::try_from(embeddings.length()).unwrap_or(i32::MAX));
    let groups: Vec<_> = site_groups(embeddings.sites()).collect();
    let longest = groups.iter().map(ExactSizeIterator::len).max().unwrap_or(0);
    let bloom = [("site_id".to_owned(), longest)];
    let vectors = VectorColumn::of(&schema);
    let mut writer = TableWriter::new(table, schema, &bloom, notes)?;
    for group in groups {
        let ids = site_ids.get(group.clone()).unwrap_or_default();
        let vectors = vectors
            .build(embeddings, group.clone())
            .map_err(|source| TableError::Columns { table, source })?;
        writer.write_group(vec![
            Arc::new(Int64Array::from_iter_values(group.map(|site| site as i64))),
            Arc::new(StringArray::from_iter_values(ids)),
            vectors,
        ])?;
    }
    writer.finish()
}

/// The column of vectors, as the schema has it.
struct VectorColumn {
    element: arrow_schema::FieldRef,
    length: i32,
}

impl VectorColumn {
    fn of(schema: &Schema) -> Self {
        let columns = schema.fields().iter();
        let mut lists = columns.filter_map(|column| match column.data_type() {
            DataType::FixedSizeList(element, length) => Some((element.clone(), *length)),
            _ => None,
        });
        let none = || {
            (
                arrow_schema::Field::new("element", DataType::Float32, false).into(),
                0,
            )
        };
        let (element, length) = lists.next().unwrap_or_else(none);
        Self { element, length }
    }

    fn build(
        &self,
        embeddings: &Embeddings,
        sites: std::ops::Range<usize>,
    ) -> Result<ArrayRef, arrow_schema::ArrowError> {
        let absent = vec![0.0; embeddings.length()];
        let present: Vec<bool> = sites
            .clone()
            .map(|site| embeddings.vector(site).is_some())
            .collect();
        let values = sites.flat_map(|site| embeddings.vector(site).unwrap_or(&absent));
        let values = Float32Array::from_iter_values(values.copied());
        let list = FixedSizeListArray::try_new(
            self.element.clone(),
            self.length,
            Arc::new(values),
            Some(present.into()),
        )?;
        Ok(Arc::new(list))
    }
}
