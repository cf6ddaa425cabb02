//! The one list of the objects of a dataset.
//!
//! | objects | keys | written |
//! |---|---|---|
//! | shards | `images.zarr/images/c/N/0/0/0` | [`Stage::Shards`] |
//! | overviews | `images.zarr/overview/c/N/0/0/0` | [`Stage::Shards`] |
//! | labels | `images.zarr/NAME/c/0` | [`Stage::Labels`] |
//! | tables, card, documents | [`OBJECTS`] | the stage given there |
//!
//! A new table is one line of [`OBJECTS`] and a module of `tables`.

/// The folder of the Zarr group inside a dataset.
pub const GROUP: &str = "images.zarr";
/// Name of the image array in the group.
pub const IMAGES: &str = "images";
/// Name of the array of overviews in the group.
pub const OVERVIEW: &str = "overview";
/// Prefix of the keys of all shards.
pub const SHARDS: &str = "images.zarr/images/c/";
/// Prefix of the keys of all objects of overviews.
pub const OVERVIEWS: &str = "images.zarr/overview/c/";

/// Key of the object whose existence makes a dataset complete.
pub const ROOT_METADATA: &str = "images.zarr/zarr.json";
/// Key of the image array's metadata.
pub const IMAGES_METADATA: &str = "images.zarr/images/zarr.json";
/// Key of the metadata of the array of overviews.
pub const OVERVIEW_METADATA: &str = "images.zarr/overview/zarr.json";
/// Key of the table of sites.
pub const SITES: &str = "metadata.parquet";
/// Key of the table of planes.
pub const PLANES: &str = "planes.parquet";
/// Key of the table of plates.
pub const PLATES: &str = "plates.parquet";
/// Key of the table of channels.
pub const CHANNELS: &str = "channels.parquet";
/// Key of the table of statistics by plate and channel.
pub const CHANNEL_STATS: &str = "channel_stats.parquet";
/// Key of the table of embeddings.
pub const EMBEDDINGS: &str = "embeddings.parquet";
/// Key of the dataset's card. People edit it, so the root has its checksum and `SHA256SUMS`
/// does not.
pub const CARD: &str = "README.md";
/// Key of the text of a licence that is no SPDX identifier.
pub const LICENSE: &str = "LICENSE.txt";
/// Key of the description for machines.
pub const CROISSANT: &str = "croissant.json";
/// Key of the list of checksums.
pub const CHECKSUMS: &str = "SHA256SUMS";
/// Key of the checksums that the store of the dataset has of its objects.
pub const STORE_CHECKSUMS: &str = "store-checksums.json";

/// An object that has a fixed key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Object {
    /// The key, relative to the dataset.
    pub key: &'static str,
    /// Kind of the object.
    pub kind: ObjectKind,
    /// Stage in which it is written.
    pub stage: Stage,
    /// Whether a complete dataset may lack it.
    pub is_optional: bool,
}

/// Kind of an object with a fixed key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ObjectKind {
    /// A Parquet table.
    Table,
    /// A document that describes the dataset.
    Document,
    /// Zarr metadata.
    Metadata,
    /// The list of checksums.
    Checksums,
    /// The checksums of the store, which are no part of what is copied.
    StoreChecksums,
}

/// Stage of writing. A stage begins when all objects of the stages before it are durable.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Stage {
    /// Shards of the image array, and the objects of the overviews.
    Shards,
    /// Chunks of the label arrays.
    Labels,
    /// Tables.
    Tables,
    /// Card, Croissant, and the metadata of every array.
    Documents,
    /// The list of checksums, which includes that of the root metadata.
    Checksums,
    /// The checksums that the store has of all of these.
    StoreChecksums,
    /// The root metadata, which makes the dataset complete.
    Root,
}

impl Stage {
    /// All stages in the order of writing.
    pub const ALL: [Self; 7] = [
        Self::Shards,
        Self::Labels,
        Self::Tables,
        Self::Documents,
        Self::Checksums,
        Self::StoreChecksums,
        Self::Root,
    ];

    /// The stage in which the object with that key is written.
    pub fn of(key: &str) -> Self {
        match OBJECTS.iter().find(|object| object.key == key) {
            Some(object) => object.stage,
            None if key.starts_with(SHARDS) || key.starts_with(OVERVIEWS) => Self::Shards,
            None if key.ends_with("/zarr.json") => Self::Documents,
            None => Self::Labels,
        }
    }
}

const fn table(key: &'static str, is_optional: bool) -> Object {
    Object {
        key,
        kind: ObjectKind::Table,
        stage: Stage::Tables,
        is_optional,
    }
}

const fn object(key: &'static str, kind: ObjectKind, stage: Stage) -> Object {
    Object {
        key,
        kind,
        stage,
        is_optional: false,
    }
}

/// All objects that have a fixed key, in the order of writing.
pub const OBJECTS: [Object; 14] = [
    table(SITES, false),
    table(PLANES, false),
    table(PLATES, false),
    table(CHANNELS, false),
    table(CHANNEL_STATS, false),
    table(EMBEDDINGS, true),
    object(CARD, ObjectKind::Document, Stage::Documents),
    Object {
        is_optional: true,
        ..object(LICENSE, ObjectKind::Document, Stage::Documents)
    },
    object(CROISSANT, ObjectKind::Document, Stage::Documents),
    object(IMAGES_METADATA, ObjectKind::Metadata, Stage::Documents),
    object(OVERVIEW_METADATA, ObjectKind::Metadata, Stage::Documents),
    object(CHECKSUMS, ObjectKind::Checksums, Stage::Checksums),
    Object {
        key: STORE_CHECKSUMS,
        kind: ObjectKind::StoreChecksums,
        stage: Stage::StoreChecksums,
        is_optional: true,
    },
    object(ROOT_METADATA, ObjectKind::Metadata, Stage::Root),
];

/// Largest size in bytes of the object with that key, unless it is a shard. More is
/// damage, for which no memory is taken; `docs/format.md` says how the sizes come about.
pub fn bytes_at_most(key: &str) -> u64 {
    match OBJECTS.iter().find(|object| object.key == key) {
        Some(object) => match object.kind {
            ObjectKind::Table => 4 << 30,
            ObjectKind::Checksums => 256 << 20,
            ObjectKind::StoreChecksums => 1 << 30,
            ObjectKind::Document => 32 << 20,
            ObjectKind::Metadata => 16 << 20,
        },
        None if key.ends_with("/zarr.json") => 16 << 20,
        // The chunk of a label.
        None => 4 << 30,
    }
}

/// Whether the object with that key is the metadata of an array.
pub fn is_array_metadata(key: &str) -> bool {
    let name = key
        .strip_prefix(GROUP)
        .and_then(|key| key.strip_prefix('/'));
    name.is_some_and(|name| name.ends_with("/zarr.json"))
}

/// The Parquet tables.
pub fn tables() -> impl Iterator<Item = &'static Object> {
    OBJECTS
        .iter()
        .filter(|object| object.kind == ObjectKind::Table)
}

/// Key of the shard with that number.
pub fn shard_key(shard: usize) -> String {
    format!("{SHARDS}{shard}/0/0/0")
}

/// Number of the shard with that key; `None` when the key is not one of a shard.
pub fn shard_number(key: &str) -> Option<usize> {
    let number = key.strip_prefix(SHARDS)?.strip_suffix("/0/0/0")?;
    let number = number.parse().ok()?;
    // `+1` and `01` parse, but no key is written like that.
    (shard_key(number) == key).then_some(number)
}

/// Key of the object with the overviews of the unit with that number.
pub fn overview_key(unit: usize) -> String {
    format!("{OVERVIEWS}{unit}/0/0/0")
}

/// Number of the unit whose overviews have that key; `None` when it is not such a key.
pub fn overview_number(key: &str) -> Option<usize> {
    let number = key.strip_prefix(OVERVIEWS)?.strip_suffix("/0/0/0")?;
    let number = number.parse().ok()?;
    (overview_key(number) == key).then_some(number)
}

/// Whether the format gives that key to one object: it is that of a shard or of
/// overviews, or a fixed one.
/// A key of a label is not: it could be one of an array that somebody has added to the group.
pub fn is_reserved(key: &str) -> bool {
    shard_number(key).is_some()
        || overview_number(key).is_some()
        || OBJECTS.iter().any(|object| object.key == key)
}

/// Key of the metadata of the array with that name.
pub fn array_metadata_key(name: &str) -> String {
    format!("{GROUP}/{name}/zarr.json")
}

/// Key of the only object of a label array with that name and number of dimensions.
pub fn label_chunk_key(name: &str, dimensions: usize) -> String {
    let zeros = vec!["0"; dimensions].join("/");
    format!("{GROUP}/{name}/c/{zeros}")
}

/// Whether a dataset can have an entry of that name at its top level.
pub fn is_top_level_entry(name: &str) -> bool {
    name == GROUP || OBJECTS.iter().any(|object| object.key == name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn objects_are_listed_in_the_order_of_writing() {
        assert!(OBJECTS.is_sorted_by_key(|object| object.stage));
        let last = OBJECTS.last().unwrap();
        assert_eq!((last.key, last.stage), (ROOT_METADATA, Stage::Root));
    }

    #[test]
    fn every_key_has_one_stage() {
        for object in OBJECTS {
            assert_eq!(Stage::of(object.key), object.stage);
        }
        assert_eq!(Stage::of(&shard_key(7)), Stage::Shards);
        assert_eq!(Stage::of(&overview_key(7)), Stage::Shards);
        assert_eq!(Stage::of(&label_chunk_key("present", 2)), Stage::Labels);
        assert_eq!(Stage::of(&array_metadata_key("site")), Stage::Documents);
    }

    #[test]
    fn a_shard_key_is_written_in_one_way_only() {
        assert_eq!(shard_number(&shard_key(1961)), Some(1961));
        for key in [
            "c/1/0/0/0",
            "images.zarr/images/c/01/0/0/0",
            "images.zarr/images/c/+1/0/0/0",
        ] {
            assert_eq!(shard_number(key), None, "{key}");
            let key = key.replace("images/c", OVERVIEW);
            assert_eq!(overview_number(&key), None, "{key}");
        }
        assert_eq!(overview_number(&overview_key(1961)), Some(1961));
        assert!(is_reserved(&overview_key(0)));
        assert!(is_reserved(&shard_key(0)) && is_reserved(SITES));
        assert!(!is_reserved("images.zarr/images/c/notes") && !is_reserved("images.zarr/a/c/0"));
        assert_eq!(label_chunk_key("present", 2), "images.zarr/present/c/0/0");
        assert_eq!(label_chunk_key("site", 1), "images.zarr/site/c/0");
    }
}
