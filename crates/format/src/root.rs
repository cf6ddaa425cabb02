//! The root group of a dataset: its attributes, and the metadata of all arrays.
//! No other module writes or parses the root.

use std::collections::BTreeMap;

use rxrx_metadata::{ArrayGeometry, Layout, NameOptions, PixelSize, Plan, PlanError, Tiles};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use crate::codec::chain::Codec;
use crate::description::Description;
use crate::image_array::data_type;
use crate::json::{JsonError, parse_json};
use crate::keys::{
    CHANNELS, EMBEDDINGS, IMAGES, LICENSE, OBJECTS, OVERVIEW, OVERVIEW_METADATA, Object, PLATES,
    overview_number, shard_number,
};
use crate::ome::ome;
use crate::plane_counts::PlaneCounts;
use crate::reader_versions::least_versions;
use crate::root_attributes::{plain_attributes, stored_attributes, summary};
use crate::table_digest::table_sha256;
use crate::tables::embeddings::EmbeddingsDigest;
use crate::version::{
    ENCODER_REVISION, FORMAT_IS_DRAFT, FORMAT_VERSION, GENERATOR, OLDEST_FORMAT_VERSION,
};

/// The settings of a conversion. With the input they are enough to repeat it byte for
/// byte.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Settings {
    /// The codec of the image chunks.
    pub codec: Codec,
    /// Sites in a chunk.
    pub chunk_sites: usize,
    /// Channels in a chunk.
    pub chunk_channels: usize,
    /// Sites in a shard.
    pub shard_sites: usize,
    /// Pixels of a tile along y and along x; absent where planes are not cut.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tile: Option<usize>,
    /// Clauses that choose the rows to convert; empty for all rows.
    pub include: Vec<String>,
    /// Clauses that choose the rows to leave out.
    pub exclude: Vec<String>,
    /// Clauses that tell the negative controls; empty where the profile, or nobody, does.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub controls: Vec<String>,
    /// Whether sites without any image were left out.
    #[serde(default, skip_serializing_if = "is_false")]
    pub only_present: bool,
    /// Name and version of the decoder of the images, where another one may give other
    /// pixels (JPEG 2000).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub image_decoder: Option<String>,
    /// Side of a pixel in the specimen, in micrometres; absent where it is not known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pixel_size: Option<PixelSize>,
    /// How the images are named; absent for the names of RxRx1.
    #[serde(default, skip_serializing_if = "NameOptions::is_default")]
    pub names: NameOptions,
}

/// Whether a setting has its default, which is not written.
#[allow(clippy::trivially_copy_pass_by_ref, reason = "serde gives a reference")]
fn is_false(value: &bool) -> bool {
    !value
}

impl Settings {
    /// How the array is divided into chunks and shards.
    pub fn layout(&self) -> Layout {
        Layout {
            chunk_sites: self.chunk_sites,
            chunk_channels: Some(self.chunk_channels),
            tiles: self.tile.map_or(Tiles::Whole, Tiles::Of),
            shard_sites: Some(self.shard_sites),
        }
    }
}

/// The attributes of the root group.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct DatasetAttributes {
    /// Name, licence, citation, channels and columns.
    #[serde(flatten)]
    pub description: Description,
    /// Program and version that wrote the dataset.
    pub generator: String,
    /// Settings of the conversion.
    pub settings: Settings,
    /// Numbers of planes that are stored, missing, unreadable and corrupt.
    pub planes: PlaneCounts,
    /// Version of the format: see [`FORMAT_VERSION`]. Format 3 calls it `format`.
    #[serde(alias = "format")]
    pub format_version: u32,
    /// Revision of the encoder: see [`ENCODER_REVISION`]. `None` in format 3, which has
    /// one number for both.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub encoder_revision: Option<u32>,
    /// Whether a later version of the program may read this format otherwise: see
    /// [`FORMAT_IS_DRAFT`].
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub format_draft: bool,
    /// SHA-256 of the names, types and values of the metadata columns, over the selected
    /// rows in array order. It is equal for equal tables, whatever file they came from.
    pub metadata_sha256: String,
    /// Length and digest of the embeddings, if there are any.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub embeddings: Option<EmbeddingsDigest>,
    /// Least versions of the programs that read the dataset, by name.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub reader_versions: BTreeMap<String, String>,
    /// SHA-256 of the card as the program wrote it, in hexadecimal digits. Where it is absent,
    /// `SHA256SUMS` has the checksum of the card.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub card_sha256: Option<String>,
}

impl DatasetAttributes {
    /// Whether the dataset has format 3.
    pub fn is_format_3(&self) -> bool {
        self.format_version == 3
    }

    /// Makes the attributes of a dataset that this program writes, without embeddings. The
    /// display windows that the data give are those of all intensities:
    /// [`DisplayWindows`](crate::DisplayWindows) sets them.
    pub fn new(
        description: Description,
        plan: &Plan,
        settings: Settings,
        planes: PlaneCounts,
    ) -> Self {
        Self {
            description: description.of_plan(plan),
            generator: GENERATOR.to_owned(),
            settings,
            planes,
            format_version: FORMAT_VERSION,
            encoder_revision: Some(ENCODER_REVISION),
            format_draft: FORMAT_IS_DRAFT,
            metadata_sha256: hex::encode(table_sha256(plan.table())),
            embeddings: None,
            reader_versions: least_versions(),
            card_sha256: None,
        }
    }
}

/// Writes the `zarr.json` of the root group: attributes, and the metadata of every array
/// inline, because a store behind plain HTTP cannot be listed.
///
/// # Errors
/// The attributes are no JSON, which is a defect.
pub fn root_metadata(
    attributes: &DatasetAttributes,
    arrays: Map<String, Value>,
) -> Result<Value, serde_json::Error> {
    let DatasetAttributes {
        description,
        settings,
        planes,
        ..
    } = attributes;
    let mut stored = Map::new();
    if let Value::Object(attributes) = serde_json::to_value(attributes)? {
        stored = stored_attributes(attributes);
    }
    let summary = summary(&description.channels, *planes);
    stored.insert("summary".to_owned(), summary.into());
    let ome = ome(description, settings.pixel_size);
    stored.insert("ome".to_owned(), ome);
    Ok(json!({
        "zarr_format": 3,
        "node_type": "group",
        "attributes": stored,
        "consolidated_metadata": {
            "kind": "inline",
            "must_understand": false,
            "metadata": arrays,
        },
    }))
}

/// Length of the longest axis that is accepted: products of such lengths do not overflow.
const LENGTH_AT_MOST: usize = 1 << 40;

/// The root metadata, parsed and checked.
#[derive(Debug)]
pub struct Root {
    /// The attributes of the group.
    pub attributes: DatasetAttributes,
    /// Shape, type, chunks and shards of the image array.
    pub geometry: ArrayGeometry,
    /// Names of the channels in array order.
    pub channels: Vec<String>,
    /// The metadata document of each array.
    pub arrays: Map<String, Value>,
    /// The attributes as they are stored.
    pub stored_attributes: Map<String, Value>,
}

/// Cause that makes root metadata unusable.
#[derive(Debug, thiserror::Error)]
pub enum RootError {
    /// The object is no JSON.
    #[error(transparent)]
    Json(#[from] JsonError),
    /// An attribute that is JSON text is no JSON.
    #[error("its attribute {name}: {source}")]
    AttributeText {
        /// The attribute.
        name: &'static str,
        /// The reason.
        source: JsonError,
    },
    /// The attributes lack a field, or one has another type.
    #[error("its attributes are of another kind: {0}")]
    Attributes(serde_json::Error),
    /// A field of the metadata is absent or impossible.
    #[error("it has no {0} that could be an image array's")]
    Field(&'static str),
    /// Shape, chunks and shards contradict each other.
    #[error("its array is impossible: {0}")]
    Geometry(PlanError),
    /// This program does not read the version of the format.
    #[error(
        "it has format {found}, and this version of rxrx2zarr reads formats \
         {OLDEST_FORMAT_VERSION} to {FORMAT_VERSION}: {}",
        if *.found > FORMAT_VERSION { "use a newer version" } else { "use an older version" }
    )]
    Version {
        /// Version that the root states.
        found: u32,
    },
}

impl Root {
    /// Parses the bytes of the root's `zarr.json`.
    ///
    /// # Errors
    /// [`RootError`] names the field that cannot be used.
    pub fn parse(root: &[u8]) -> Result<Self, RootError> {
        let root = parse_json(root)?;
        let stored = root.get("attributes").and_then(Value::as_object).cloned();
        // Without attributes, a field is missing, which is the error to report.
        let stored_attributes = stored.unwrap_or_default();
        let attributes = plain_attributes(stored_attributes.clone());
        let attributes =
            attributes.map_err(|(name, source)| RootError::AttributeText { name, source })?;
        let attributes: DatasetAttributes =
            serde_json::from_value(attributes.into()).map_err(RootError::Attributes)?;
        let found = attributes.format_version;
        if !(OLDEST_FORMAT_VERSION..=FORMAT_VERSION).contains(&found) {
            return Err(RootError::Version { found });
        }
        let arrays = root.pointer("/consolidated_metadata/metadata");
        let arrays = arrays.and_then(Value::as_object).cloned();
        let arrays = arrays.ok_or(RootError::Field("consolidated metadata"))?;
        let field = |name: &'static str| {
            let images = arrays.get("images").and_then(|images| images.get(name));
            images.cloned().ok_or(RootError::Field(name))
        };
        let shape: [usize; 4] =
            serde_json::from_value(field("shape")?).map_err(|_| RootError::Field("shape"))?;
        let [sites, channels, height, width] = shape;
        if shape.iter().any(|length| *length > LENGTH_AT_MOST)
            || channels != attributes.description.channels.len()
        {
            return Err(RootError::Field("shape"));
        }
        let name = field("data_type")?;
        let data_type = name.as_str().and_then(data_type);
        let data_type = data_type.ok_or(RootError::Field("data_type"))?;
        let layout = attributes.settings.layout();
        let geometry = ArrayGeometry::new(sites, channels, height, width, data_type, layout)
            .map_err(RootError::Geometry)?;
        let names = attributes.description.channels.iter();
        Ok(Self {
            channels: names.map(|channel| channel.name.clone()).collect(),
            attributes,
            geometry,
            arrays,
            stored_attributes,
        })
    }

    /// Number of the shard with that key; `None` when the array has no such shard.
    pub fn shard(&self, key: &str) -> Option<usize> {
        shard_number(key).filter(|shard| *shard < self.geometry.shards())
    }

    /// Number of the unit whose overviews have that key; `None` when the dataset has no such
    /// object.
    pub fn overview(&self, key: &str) -> Option<usize> {
        let is_there = |unit: &usize| self.has_overview() && *unit < self.geometry.shards();
        overview_number(key).filter(is_there)
    }

    /// Number of the unit to which the object with that key belongs, a shard or overviews.
    pub fn unit_of(&self, key: &str) -> Option<usize> {
        self.shard(key).or_else(|| self.overview(key))
    }

    /// Whether the dataset has overviews: format 3 and earlier drafts of format 4 have none.
    pub fn has_overview(&self) -> bool {
        self.arrays.contains_key(OVERVIEW)
    }

    /// The objects with fixed keys that the dataset has, wherever it lies.
    pub fn objects(&self) -> impl Iterator<Item = &'static Object> {
        let has_embeddings = self.attributes.embeddings.is_some();
        let has_overview = self.has_overview();
        let has_channels = !self.attributes.is_format_3();
        let has_license = self.attributes.description.license_text.is_some();
        OBJECTS.iter().filter(move |object| match object.key {
            EMBEDDINGS => has_embeddings,
            CHANNELS => has_channels,
            LICENSE => has_license,
            // The table of plates came with the overviews.
            OVERVIEW_METADATA | PLATES => has_overview,
            _ => !object.is_optional,
        })
    }

    /// Names of the axes of the image array, outermost first.
    pub fn dimensions(&self) -> Vec<String> {
        let images = self.arrays.get(IMAGES);
        let names = images.and_then(|images| images.get("dimension_names")?.as_array());
        let names = names.into_iter().flatten();
        names
            .filter_map(|name| Some(name.as_str()?.to_owned()))
            .collect()
    }

    /// Names of the label arrays.
    pub fn labels(&self) -> impl Iterator<Item = &str> {
        let names = self.arrays.keys().map(String::as_str);
        names.filter(|name| ![IMAGES, OVERVIEW].contains(name))
    }

    /// Largest size in bytes that a shard can have, whatever its pixels.
    pub fn shard_bytes_at_most(&self) -> u64 {
        let geometry = &self.geometry;
        // A codec adds a few bytes to each block that it cannot compress.
        let chunk = geometry.chunk_bytes() as u64;
        let chunk = chunk.saturating_add(chunk / 64 + (64 << 10));
        let chunks = geometry.chunks_per_shard() as u64;
        chunks.saturating_mul(chunk.saturating_add(16))
    }
}
