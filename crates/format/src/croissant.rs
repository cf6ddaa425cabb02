//! `croissant.json`: the description of the dataset for search engines and loaders, in
//! [Croissant 1.1]. Its fields are the columns of the Parquet tables; it states nothing
//! that other objects of the dataset do not state.
//!
//! The same input gives the same bytes, so the document has a date only if the owner of the
//! images says one.
//!
//! [Croissant 1.1]: https://docs.mlcommons.org/croissant/docs/croissant-spec-1.1.html

use std::collections::BTreeSet;

use arrow_schema::{DataType, Field, Schema};
use rxrx_metadata::{ArrayGeometry, Column};
use serde_json::{Map, Value, json};

use crate::array_name::zarr_name;
use crate::checksums::Sha256Sum;
use crate::description::Description;
use crate::image_array::data_type_name;
use crate::keys::{CHANNEL_STATS, CHANNELS, EMBEDDINGS, PLANES, PLATES, SITES};
use crate::root::DatasetAttributes;
use crate::split::PublishedSplit;
use crate::tables::channels::channels_schema;
use crate::tables::plates::plates_schema;
use crate::tables::schema::{
    channel_stats_schema, embeddings_schema, planes_schema, plates_are_names, sites_schema,
};

/// A stored object, as Croissant describes it.
#[derive(Clone, Debug)]
pub struct StoredFile {
    /// Its key.
    pub key: &'static str,
    /// Its size in bytes.
    pub bytes: u64,
    /// Its SHA-256.
    pub sha256: Sha256Sum,
}

/// The version of a dataset whose owner says none. Croissant asks for one.
const FIRST_VERSION: &str = "1.0.0";

/// A table with its name as a record set.
pub(crate) struct RecordSet {
    pub(crate) name: &'static str,
    pub(crate) table: &'static str,
    pub(crate) description: &'static str,
    schema: Schema,
    /// Columns whose values together are unique; empty where one of them can be null.
    key: &'static [&'static str],
}

/// The record sets of a dataset whose metadata table has those columns.
pub(crate) fn record_sets(
    columns: &[Column],
    geometry: &ArrayGeometry,
    attributes: &DatasetAttributes,
) -> Vec<RecordSet> {
    let meanings = &attributes.description.columns;
    let mut sets = vec![
        RecordSet {
            name: "sites",
            table: SITES,
            description: "One record for each site, in the order of the image array",
            schema: sites_schema(columns, meanings),
            key: &["site_index"],
        },
        RecordSet {
            name: "planes",
            table: PLANES,
            description: "One record for each site and channel: source, status, hash and \
                          statistics of the pixels",
            schema: planes_schema(geometry.has_plane_chunks()),
            key: &["site_index", "channel"],
        },
        RecordSet {
            name: "plates",
            table: PLATES,
            description: "One record for each plate: its sites, wells, missing and bad images, \
                          and mean of each channel",
            schema: plates_schema(plates_are_names(columns), &attributes.description.channels),
            key: &["first_site"],
        },
        RecordSet {
            name: "channels",
            table: CHANNELS,
            description: "One record for each channel: stain, structure and display",
            schema: channels_schema(),
            key: &["channel"],
        },
        RecordSet {
            name: "channel_stats",
            table: CHANNEL_STATS,
            description: "Mean and standard deviation of each channel over the dataset, each \
                          experiment, each plate, its negative controls and the rows to train on",
            schema: channel_stats_schema(plates_are_names(columns)),
            key: &[],
        },
    ];
    sets.extend(attributes.embeddings.as_ref().map(|embeddings| RecordSet {
        name: "embeddings",
        table: EMBEDDINGS,
        description: "One record for each site, in the order of the image array, with its \
                      embedding or none",
        schema: embeddings_schema(embeddings.length),
        key: &["site_index"],
    }));
    sets
}

/// Writes the document. `files` are the stored tables.
pub fn croissant(
    columns: &[Column],
    geometry: &ArrayGeometry,
    attributes: &DatasetAttributes,
    files: &[StoredFile],
) -> Value {
    let description = &attributes.description;
    let sets = record_sets(columns, geometry, attributes);
    let of_set = |set: &RecordSet| files.iter().find(|file| file.key == set.table);
    let mut distribution: Vec<Value> = sets
        .iter()
        .filter_map(|set| Some(file_object(of_set(set)?, set.description)))
        .collect();
    distribution.extend(FILE_SETS.map(file_set));
    let split = description.split.as_ref();
    let mut records: Vec<Value> = split.map(split_records).into_iter().collect();
    records.extend(sets.iter().map(|set| record_set(set, split)));
    let mut document = json!({
        "@context": context(),
        "@type": "sc:Dataset",
        "conformsTo": "http://mlcommons.org/croissant/1.1",
        "name": description.name,
        "description": in_words(geometry),
        "distribution": distribution,
        "recordSet": records,
        "version": description.version.as_deref().unwrap_or(FIRST_VERSION),
        "keywords": keywords(description),
    });
    if let Some(fields) = document.as_object_mut() {
        let license = description.license_url();
        for (name, text) in [
            ("license", &license.or_else(|| description.license.clone())),
            ("citeAs", &description.citation),
            ("url", &description.url),
            ("datePublished", &description.date_published),
        ] {
            if let Some(text) = text {
                fields.insert(name.to_owned(), json!(text));
            }
        }
        if let Some(creator) = &description.creator {
            let creator = json!({"@type": "sc:Organization", "name": creator});
            fields.insert("creator".to_owned(), creator);
        }
    }
    document
}

/// Describes the shape of the array in one sentence.
pub(crate) fn in_words(geometry: &ArrayGeometry) -> String {
    let [sites, channels, height, width] = geometry.shape();
    format!(
        "{sites} sites x {channels} channels x {height} x {width} pixels ({}) of fluorescence \
         microscopy, as sharded Zarr v3 with Parquet tables.",
        data_type_name(geometry.data_type),
    )
}

/// Name, description and keys of the objects that are no tables. `SHA256SUMS` has their
/// checksums.
const FILE_SETS: [(&str, &str, &[&str]); 4] = [
    (
        "image-shards",
        "Shards of the Zarr v3 array images.zarr/images (site, channel, y, x)",
        &["images.zarr/images/c/*/0/0/0"],
    ),
    (
        "overview",
        "Objects of the Zarr v3 array images.zarr/overview (site, channel, overview_y, \
         overview_x): the images at about 64 x 64",
        &["images.zarr/overview/c/*/0/0/0"],
    ),
    (
        "labels",
        "Chunks of the Zarr v3 arrays that label the sites and channels",
        &["images.zarr/*/c/0", "images.zarr/present/c/0/0"],
    ),
    (
        "zarr-metadata",
        "Metadata of the Zarr v3 group and of its arrays",
        &["images.zarr/zarr.json", "images.zarr/*/zarr.json"],
    ),
];

fn file_set((id, description, includes): (&str, &str, &[&str])) -> Value {
    let includes = match includes {
        [one] => json!(one),
        several => json!(several),
    };
    let format = match id {
        "zarr-metadata" => "application/json",
        _ => "application/vnd.zarr",
    };
    json!({
        "@type": "cr:FileSet",
        "@id": id,
        "name": id,
        "description": description,
        "encodingFormat": format,
        "includes": includes,
    })
}

/// The words by which a search engine finds the dataset.
fn keywords(description: &Description) -> Vec<String> {
    let mut words = vec![description.name.clone()];
    words.extend(["fluorescence microscopy", "Zarr", "Parquet"].map(str::to_owned));
    let channels = description.channels.iter();
    let known = channels.flat_map(|channel| [&channel.stain, &channel.structure]);
    words.extend(known.filter(|text| !text.is_empty()).cloned());
    let mut taken = BTreeSet::new();
    words.retain(|word| taken.insert(word.clone()));
    words
}

/// The record set of the parts of a split, which the column of the split refers to.
fn split_records(split: &PublishedSplit) -> Value {
    let parts = split.parts.iter().map(|part| json!({"splits/name": part}));
    json!({
        "@type": "cr:RecordSet",
        "@id": "splits",
        "name": "splits",
        "description": "The parts of the published split",
        "dataType": "cr:Split",
        "key": {"@id": "splits/name"},
        "field": [{
            "@type": "cr:Field",
            "@id": "splits/name",
            "name": "splits/name",
            "description": format!("A value of the column {} of the sites", split.column),
            "dataType": "sc:Text",
        }],
        "data": parts.collect::<Vec<_>>(),
    })
}

fn file_object(file: &StoredFile, description: &str) -> Value {
    json!({
        "@type": "cr:FileObject",
        "@id": file.key,
        "name": file.key,
        "description": description,
        "contentUrl": file.key,
        "contentSize": format!("{} B", file.bytes),
        "encodingFormat": "application/x-parquet",
        "sha256": hex::encode(file.sha256),
    })
}

fn record_set(set: &RecordSet, split: Option<&PublishedSplit>) -> Value {
    let mut taken = BTreeSet::new();
    let columns = set.schema.fields().iter();
    let ids: Vec<(&str, String)> = columns
        .map(|column| {
            // Portable ids of two different names can be equal.
            let mut id = zarr_name(column.name());
            while !taken.insert(id.clone()) {
                id.push('_');
            }
            (column.name().as_str(), format!("{}/{id}", set.name))
        })
        .collect();
    let fields = set.schema.fields().iter().zip(&ids);
    let fields: Vec<Value> = fields
        .map(|(column, (_, id))| field(set, column, id, split))
        .collect();
    let mut document = json!({
        "@type": "cr:RecordSet",
        "@id": set.name,
        "name": set.name,
        "description": set.description,
        "field": fields,
    });
    let key = ids.iter().filter(|(name, _)| set.key.contains(name));
    let key: Vec<Value> = key.map(|(_, id)| json!({"@id": id})).collect();
    if let (Some(document), false) = (document.as_object_mut(), key.is_empty()) {
        document.insert("key".to_owned(), key.into());
    }
    document
}

fn field(set: &RecordSet, column: &Field, id: &str, split: Option<&PublishedSplit>) -> Value {
    let (data_type, shape) = match column.data_type() {
        DataType::Int64 | DataType::Int32 => ("sc:Integer", None),
        DataType::Float64 => ("sc:Float", None),
        DataType::Boolean => ("sc:Boolean", None),
        DataType::FixedSizeList(_, length) => ("sc:Float", Some(length.to_string())),
        _ => ("sc:Text", None),
    };
    let mut field = Map::new();
    let mut add = |name: &str, value: Value| {
        field.insert(name.to_owned(), value);
    };
    add("@type", json!("cr:Field"));
    add("@id", json!(id));
    add("name", json!(id));
    if let Some(description) = column.metadata().get("description") {
        add("description", json!(description));
    }
    add("dataType", json!(data_type));
    if let Some(shape) = shape {
        add("isArray", json!(true));
        add("arrayShape", json!(shape));
    }
    add(
        "source",
        json!({"fileObject": {"@id": set.table}, "extract": {"column": column.name()}}),
    );
    if set.name != "sites" && column.name() == "site_index" {
        add("references", json!({"field": {"@id": "sites/site_index"}}));
    }
    if set.name == "sites" && split.is_some_and(|split| split.column == *column.name()) {
        add("references", json!({"field": {"@id": "splits/name"}}));
    }
    Value::Object(field)
}

/// The part of the recommended context that the document uses.
fn context() -> Value {
    json!({
        "@language": "en",
        "@vocab": "https://schema.org/",
        "arrayShape": "cr:arrayShape",
        "citeAs": "cr:citeAs",
        "column": "cr:column",
        "conformsTo": "dct:conformsTo",
        "cr": "http://mlcommons.org/croissant/",
        "data": {"@id": "cr:data", "@type": "@json"},
        "dataType": {"@id": "cr:dataType", "@type": "@vocab"},
        "dct": "http://purl.org/dc/terms/",
        "equivalentProperty": "cr:equivalentProperty",
        "examples": {"@id": "cr:examples", "@type": "@json"},
        "extract": "cr:extract",
        "field": "cr:field",
        "fileObject": "cr:fileObject",
        "fileProperty": "cr:fileProperty",
        "fileSet": "cr:fileSet",
        "format": "cr:format",
        "includes": "cr:includes",
        "isArray": "cr:isArray",
        "isLiveDataset": "cr:isLiveDataset",
        "jsonPath": "cr:jsonPath",
        "key": "cr:key",
        "md5": "cr:md5",
        "parentField": "cr:parentField",
        "path": "cr:path",
        "rai": "http://mlcommons.org/croissant/RAI/",
        "recordSet": "cr:recordSet",
        "references": "cr:references",
        "regex": "cr:regex",
        "repeated": "cr:repeated",
        "replace": "cr:replace",
        "samplingRate": "cr:samplingRate",
        "sc": "https://schema.org/",
        "separator": "cr:separator",
        "source": "cr:source",
        "subField": "cr:subField",
        "transform": "cr:transform",
    })
}

#[cfg(test)]
mod tests;
