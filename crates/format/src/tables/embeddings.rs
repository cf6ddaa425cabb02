//! `embeddings.parquet`: one row for each site, row *i* = `images[i]`, with its
//! vector as a list of fixed length.

#![allow(
    clippy::indexing_slicing,
    reason = "row groups cover the rows of the table"
)]

use std::ops::Range;
use std::sync::Arc;

use arrow_array::{ArrayRef, BooleanArray, FixedSizeListArray, Float32Array, StringArray};
use arrow_schema::ArrowError;
use rxrx_metadata::Embeddings;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::schema::{embedding_element, embeddings_schema, vector_length};
use super::writer::{TableError, TableWriter, check_rows, site_groups, site_indices};
use crate::keys::EMBEDDINGS;

/// The length and the digest of the embeddings of a dataset.
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
    /// Computes the digest of `embeddings`.
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

/// Encodes the table. `site_ids` has one entry for each site, in array order.
///
/// # Errors
/// [`TableError`], a defect: `site_ids` has another length, or the Parquet writer fails.
pub fn embeddings_table(
    embeddings: &Embeddings,
    site_ids: &[&str],
    key_values: &[(&str, String)],
) -> Result<Vec<u8>, TableError> {
    let table = EMBEDDINGS;
    check_rows(table, site_ids.len(), embeddings.sites())?;
    let schema = embeddings_schema(embeddings.length());
    let groups: Vec<_> = site_groups(embeddings.sites()).collect();
    let longest = groups.iter().map(ExactSizeIterator::len).max().unwrap_or(0);
    let bloom = [("site_id".to_owned(), longest)];
    let mut writer = TableWriter::new(table, schema, &bloom, key_values)?;
    for group in groups {
        let ids = &site_ids[group.clone()];
        let vectors = vectors(embeddings, group.clone())
            .map_err(|source| TableError::Columns { table, source })?;
        let has_vector = group.clone().map(|site| embeddings.vector(site).is_some());
        writer.write_group(vec![
            Arc::new(site_indices(group.clone())),
            Arc::new(StringArray::from_iter_values(ids)),
            Arc::new(BooleanArray::from_iter(has_vector.map(Some))),
            vectors,
        ])?;
    }
    writer.finish()
}

/// The column of vectors of some sites, NaN where a site has none.
fn vectors(embeddings: &Embeddings, sites: Range<usize>) -> Result<ArrayRef, ArrowError> {
    let absent = vec![f32::NAN; embeddings.length()];
    let values = sites.flat_map(|site| embeddings.vector(site).unwrap_or(&absent));
    let values = Float32Array::from_iter_values(values.copied());
    let list = FixedSizeListArray::try_new(
        Arc::new(embedding_element()),
        vector_length(embeddings.length()),
        Arc::new(values),
        None,
    )?;
    Ok(Arc::new(list))
}
