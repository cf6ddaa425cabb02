use sha2::{Digest, Sha256};

use super::super::compression::CompressedChunk;
use super::super::values::label_values;
use super::*;
use crate::column_meaning::{ColumnMeaning, ColumnMeanings};
use crate::shard::read_index;

/// The description of a column that no profile has.
fn meaning(column: &str) -> ColumnMeaning {
    ColumnMeanings::default().of(column)
}

fn column(values: ColumnValues) -> Label {
    let name = "dose".to_owned();
    let meaning = meaning(&name);
    let column = Column { name, values };
    Label::column(&column, &meaning, "blank_value", LabelLayout::Shard).unwrap()
}

#[test]
fn blank_numbers_get_a_marker_that_the_column_does_not_hold() {
    for (values, marker) in [
        (vec![Some(0), None, Some(7)], json!(-1)),
        (vec![Some(-1), None], json!(i32::MIN)),
        (
            vec![Some(-1), None, Some(i64::from(i32::MIN))],
            json!(i32::MIN + 1),
        ),
        (vec![Some(-1), None, Some(1 << 31)], json!(i64::MIN)),
        (vec![Some(-1), None, Some(i64::MIN)], json!(i64::MIN + 1)),
        (vec![Some(-2), None], json!(-1)),
        (vec![None], json!(-1)),
        (vec![Some(3), Some(-3)], Value::Null),
    ] {
        let label = column(ColumnValues::Integer(values.iter().copied().collect()));
        let attributes = &label.metadata["attributes"];
        assert_eq!(attributes["blank_value"], marker, "{values:?}");
    }
}

#[test]
fn types_are_those_of_the_column() {
    for (values, data_type, fill_value) in [
        (
            ColumnValues::Integer([Some(1)].into_iter().collect()),
            "int32",
            json!(0),
        ),
        (
            ColumnValues::Integer([Some(1 << 31)].into_iter().collect()),
            "int64",
            json!(0),
        ),
        (ColumnValues::Float(vec![None]), "float64", json!("NaN")),
        (
            ColumnValues::String([None::<&str>].into_iter().collect()),
            "string",
            json!(""),
        ),
    ] {
        let label = column(values);
        assert_eq!(label.metadata["data_type"], data_type);
        assert_eq!(label.metadata["fill_value"], fill_value, "{data_type}");
        assert_eq!(label.metadata["dimension_names"], json!(["site"]));
        assert_eq!(label.metadata["shape"], json!([1]));
    }
}

#[test]
fn a_chunk_of_fill_values_is_stored() {
    let texts = vec![String::new(); 3];
    let dye = meaning("dye");
    let text = Label::text("stain", "channel", texts, &dye, LabelLayout::Chunk).unwrap();
    assert_eq!(text.chunk_key, "c/0");
    assert!(!text.chunk.is_empty());
    let shape = [2, 3];
    let flags = Label::flags(
        "present",
        ["site", "channel"],
        shape,
        vec![false; 6],
        &meaning(""),
        LabelLayout::Shard,
    )
    .unwrap();
    assert_eq!(flags.chunk_key, "c/0/0");
    assert!(!flags.chunk.is_empty());
    assert_eq!(
        flags.metadata["chunk_grid"]["configuration"]["chunk_shape"],
        json!([4096, 3])
    );
}

#[test]
fn a_shard_has_whole_chunks_of_4096_sites() {
    for (sites, chunks) in [(1, 1), (4096, 1), (4097, 2), (8192, 2)] {
        let values = (0..sites).map(|site| Some(site + 1)).collect();
        let label = column(ColumnValues::Integer(values));
        let grid = &label.metadata["chunk_grid"]["configuration"];
        assert_eq!(grid["chunk_shape"], json!([chunks * 4096]));
        let sharding = &label.metadata["codecs"][0]["configuration"];
        assert_eq!(sharding["chunk_shape"], json!([4096]));
        let index = read_index(&label.chunk, chunks as usize).unwrap();
        assert!(index.iter().all(Option::is_some), "{sites} sites");
        let last = index.into_iter().flatten().last().unwrap();
        let last = &label.chunk[last.start as usize..last.end as usize];
        let bytes = CompressedChunk::new(last).unwrap().values(4096 * 4);
        let last: Vec<i32> = bytes
            .unwrap()
            .as_chunks()
            .0
            .iter()
            .map(|v| i32::from_le_bytes(*v))
            .collect();
        assert_eq!(last.len(), 4096);
        let padded = last.iter().filter(|value| **value == 0).count();
        assert_eq!(padded as i64, chunks * 4096 - sites, "the fill value pads");
        let values = label_values(&label, &label.metadata, &label.chunk).unwrap();
        assert_eq!(values.len() as i64, sites);
        assert_eq!(values.last(), Some(&sites.to_string()));
    }
}

#[test]
fn a_shard_that_is_damaged_has_no_values() {
    let values = (0..5000).map(Some).collect();
    let label = column(ColumnValues::Integer(values));
    let decode = |object: &[u8]| label_values(&label, &label.metadata, object);
    assert!(decode(&label.chunk).is_some());
    let end = label.chunk.len();
    for byte in [0, end / 2, end - 40, end - 1] {
        let mut damaged = label.chunk.clone();
        damaged[byte] ^= 1;
        assert_eq!(decode(&damaged), None, "byte {byte}");
    }
    assert_eq!(decode(&label.chunk[1..]), None);
    assert_eq!(decode(&[]), None);
}

/// The start of the SHA-256 of metadata, chunk key and chunk of each label of
/// [`every_kind_of_label`]: with the digests of chunks and tables the contract of
/// [`ENCODER_REVISION`].
///
/// [`ENCODER_REVISION`]: crate::version::ENCODER_REVISION
const PINNED: [&str; 6] = [
    "8de50b835ee4bb88",
    "4da861a894598cee",
    "fb1ae8a34a4e2f0d",
    "c7e91ccd88f9a1d6",
    "0a6641eb1befd24e",
    "12528f714e7f7799",
];

/// Text, truth values, whole numbers with and without blanks, floats.
fn every_kind_of_label() -> [Label; 6] {
    let dye = meaning("dye");
    let texts = ["Hoechst", "", "Syto14"].map(str::to_owned).to_vec();
    let flags = vec![true, false, true, true];
    let dimensions = ["site", "channel"];
    [
        Label::text("stain", "channel", texts, &dye, LabelLayout::Chunk).unwrap(),
        Label::flags(
            "present",
            dimensions,
            [2, 2],
            flags,
            &dye,
            LabelLayout::Shard,
        )
        .unwrap(),
        column(ColumnValues::Integer(
            [Some(-1), None, Some(7)].into_iter().collect(),
        )),
        column(ColumnValues::Integer(
            [Some(3), Some(4)].into_iter().collect(),
        )),
        column(ColumnValues::Integer(
            [Some(1 << 31), None].into_iter().collect(),
        )),
        column(ColumnValues::Float(vec![Some(0.5), None, Some(-2.0)])),
    ]
}

#[test]
fn the_bytes_of_every_kind_of_label_are_those_of_the_encoder_revision() {
    let found = every_kind_of_label().map(|label| {
        let mut hasher = Sha256::new();
        hasher.update(label.metadata.to_string());
        hasher.update(&label.chunk_key);
        hasher.update(&label.chunk);
        hex::encode(&hasher.finalize()[..8])
    });
    assert!(found == PINNED, "the digests are now {found:#?}");
}
