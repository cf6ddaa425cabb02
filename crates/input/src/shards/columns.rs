//! Finds the columns of images and of their names.

use parquet::basic::{ConvertedType, LogicalType, Type};
use parquet::schema::types::{ColumnDescriptor, SchemaDescriptor};

use super::error::ShardError;

/// Names of columns of images that decide if there are several.
const IMAGES: [&str; 6] = ["image", "jp2", "png", "tif", "tiff", "img"];
/// Names of columns that name the images, the best first.
const NAMES: [&str; 6] = ["__key__", "path", "file_name", "filename", "file", "key"];

/// The columns of a file that matter, as positions of leaves.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Columns {
    pub(super) images: usize,
    /// Name of the column of images.
    pub(super) name: String,
    /// Columns that can name the images, the best first.
    pub(super) names: Vec<usize>,
}

impl Columns {
    /// Whether a file has any column of images.
    pub(super) fn has_images(schema: &SchemaDescriptor) -> bool {
        schema.columns().iter().any(|column| is_images(column))
    }

    /// Finds the columns of a file.
    pub(super) fn find(shard: &str, schema: &SchemaDescriptor) -> Result<Self, ShardError> {
        let shard = || shard.to_owned();
        let leaves = schema.columns();
        let first =
            |column: &ColumnDescriptor| column.path().parts().first().cloned().unwrap_or_default();
        let mut found: Vec<usize> = (0..)
            .zip(leaves)
            .filter(|(_, leaf)| is_images(leaf))
            .map(|(at, _)| at)
            .collect();
        let name = |at: &usize| leaves.get(*at).map(|leaf| first(leaf)).unwrap_or_default();
        if found.len() > 1 && found.iter().any(|at| IMAGES.contains(&name(at).as_str())) {
            found.retain(|at| IMAGES.contains(&name(at).as_str()));
        }
        let images = match found.as_slice() {
            [] => {
                let mut columns: Vec<String> = leaves.iter().map(|leaf| first(leaf)).collect();
                columns.dedup();
                return Err(ShardError::NoImages {
                    shard: shard(),
                    columns: columns.join(", "),
                });
            }
            [one] => *one,
            several => {
                let columns: Vec<String> = several.iter().map(name).collect();
                return Err(ShardError::SeveralImages {
                    shard: shard(),
                    columns: columns.join(", "),
                });
            }
        };
        let column = name(&images);
        let position = |path: &[&str]| {
            let is_it = |leaf: &&std::sync::Arc<ColumnDescriptor>| {
                leaf.path().parts() == path
                    && leaf.physical_type() == Type::BYTE_ARRAY
                    && leaf.max_rep_level() == 0
            };
            let mut leaves = leaves.iter().enumerate();
            leaves.find_map(|(at, leaf)| (at != images && is_it(&leaf)).then_some(at))
        };
        let [key, others @ ..] = NAMES;
        let inside = position(&[&column, "path"]);
        let names = [position(&[key]), inside].into_iter();
        let names = names.chain(others.iter().map(|name| position(&[name])));
        Ok(Self {
            images,
            name: column,
            names: names.flatten().collect(),
        })
    }
}

/// Whether a leaf holds encoded images: a binary column, or the field `bytes` of a struct.
fn is_images(leaf: &ColumnDescriptor) -> bool {
    let is_binary = leaf.physical_type() == Type::BYTE_ARRAY && leaf.max_rep_level() == 0;
    let is_text = matches!(leaf.logical_type_ref(), Some(LogicalType::String))
        || leaf.converted_type() == ConvertedType::UTF8;
    let is_plain =
        leaf.logical_type_ref().is_none() && leaf.converted_type() == ConvertedType::NONE;
    is_binary
        && match leaf.path().parts() {
            [_] => is_plain,
            [_, field] => field == "bytes" && !is_text,
            _ => false,
        }
}
