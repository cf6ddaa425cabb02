use sha2::{Digest, Sha256};

use super::*;
use crate::column_meaning::{ColumnMeaning, ColumnMeanings};

/// The description of a column that no profile has.
fn meaning(column: &str) -> ColumnMeaning {
    ColumnMeanings::default().of(column)
}

fn column(values: ColumnValues) -> Label {
    let name = "dose".to_owned();
    let meaning = meaning(&name);
    Label::column(&Column { name, values }, &meaning, "blank_value").unwrap()
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
    let text = Label::text("stain", "channel", vec![String::new(); 3], &meaning("dye")).unwrap();
    assert_eq!(text.chunk_key, "c/0");
    assert!(!text.chunk.is_empty());
    let shape = [2, 3];
    let flags = Label::flags(
        "present",
        ["site", "channel"],
        shape,
        vec![false; 6],
        &meaning(""),
    )
    .unwrap();
    assert_eq!(flags.chunk_key, "c/0/0");
    assert!(!flags.chunk.is_empty());
    assert_eq!(
        flags.metadata["chunk_grid"]["configuration"]["chunk_shape"],
        json!([2, 3])
    );
}

/// The start of the SHA-256 of metadata, chunk key and chunk of each label of
/// [`every_kind_of_label`]: with the digests of chunks and tables the contract of
/// [`ENCODER_REVISION`].
///
/// [`ENCODER_REVISION`]: crate::version::ENCODER_REVISION
const PINNED: [&str; 6] = [
    "8de50b835ee4bb88",
    "66ee94c0d7c44378",
    "92cf03680da3dec6",
    "54215487aecf79f6",
    "8c7fb993ec30cfdc",
    "90c7e3447dd1eac5",
];

/// Text, truth values, whole numbers with and without blanks, floats.
fn every_kind_of_label() -> [Label; 6] {
    let dye = meaning("dye");
    let texts = ["Hoechst", "", "Syto14"].map(str::to_owned).to_vec();
    let flags = vec![true, false, true, true];
    let dimensions = ["site", "channel"];
    [
        Label::text("stain", "channel", texts, &dye).unwrap(),
        Label::flags("present", dimensions, [2, 2], flags, &dye).unwrap(),
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
