//! What makes two conversions the same one: an unfinished run is continued, a
//! finished one taken as done, only where all of this agrees.

use rxrx_metadata::{Column, ColumnValues, MetadataTable, Plan};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use sha2::{Digest, Sha256};

use crate::hierarchy::Settings;
use crate::record::Sha256Sum;
use crate::tables::EmbeddingsDigest;

/// Counts up whenever the same input and settings give other bytes than before.
pub(crate) const FORMAT: u32 = 3;

/// Everything that decides what bytes a conversion of given images writes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Fingerprint {
    /// See [`FORMAT`].
    pub(crate) format: u32,
    /// What the conversion was told.
    pub(crate) settings: Settings,
    /// Lengths of the axes of the image array.
    pub(crate) shape: Vec<u64>,
    /// Zarr data type of a pixel.
    pub(crate) data_type: String,
    /// Names of the channels.
    pub(crate) channels: Vec<String>,
    /// Of the rows to convert: see [`table_sha256`].
    pub(crate) metadata_sha256: String,
    /// Which embeddings there are, if any.
    #[serde(default)]
    pub(crate) embeddings: Option<EmbeddingsDigest>,
}

impl Fingerprint {
    pub(crate) fn of(plan: &Plan, settings: Settings) -> Self {
        let geometry = plan.geometry();
        Self {
            format: FORMAT,
            settings,
            shape: geometry.shape().map(|length| length as u64).to_vec(),
            data_type: geometry.data_type.zarr_name().to_owned(),
            channels: plan.channels().iter().map(ToString::to_string).collect(),
            metadata_sha256: hex::encode(table_sha256(plan.table())),
            embeddings: None,
        }
    }

    /// What differs between this and `now`, one line each; none when they are
    /// the same.
    pub(crate) fn differences(&self, now: &Self) -> Vec<String> {
        let document = |fingerprint: &Self| serde_json::to_value(fingerprint).unwrap_or_default();
        let mut lines = Vec::new();
        compare("", &document(self), &document(now), &mut lines);
        lines.sort();
        lines
    }
}

/// Compares two documents field by field.
fn compare(name: &str, then: &Value, now: &Value, lines: &mut Vec<String>) {
    match (then, now) {
        _ if name == "embeddings" && then != now => {
            let change = match (then.is_null(), now.is_null()) {
                (true, _) => "there were none, leave out --embeddings",
                (_, true) => "there were some, give the same file to --embeddings",
                _ => "they are others, give the same file to --embeddings",
            };
            lines.push(format!("the embeddings: {change}"));
        }
        (Value::Object(fields), Value::Object(others)) => {
            for (field, value) in fields {
                let other = others.get(field).unwrap_or(&Value::Null);
                compare(field, value, other, lines);
            }
        }
        _ if then == now => {}
        _ if name == "metadata_sha256" => {
            lines.push("the metadata table has other rows or values".to_owned());
        }
        _ => lines.push(format!("{name} was {then} and is {now}")),
    }
}

/// SHA-256 of a table's columns: names, types and every value, each with its
/// length in front, so that no two tables have the same text.
pub(crate) fn table_sha256(table: &MetadataTable) -> Sha256Sum {
    let mut hasher = Sha256::new();
    hasher.update((table.len() as u64).to_le_bytes());
    for column in table.columns() {
        add_column(&mut hasher, column);
    }
    hasher.finalize().into()
}

fn add_column(hasher: &mut Sha256, column: &Column) {
    let mut add = |kind: u8, bytes: &[u8]| {
        hasher.update([kind]);
        hasher.update((bytes.len() as u64).to_le_bytes());
        hasher.update(bytes);
    };
    add(b'c', column.name.as_bytes());
    match &column.values {
        ColumnValues::Integer(values) => values.iter().for_each(|value| match value {
            Some(value) => add(b'i', &value.to_le_bytes()),
            None => add(b'n', &[]),
        }),
        ColumnValues::Float(values) => values.iter().for_each(|value| match value {
            Some(value) => add(b'f', &value.to_bits().to_le_bytes()),
            None => add(b'n', &[]),
        }),
        ColumnValues::String(values) => values.iter().for_each(|value| match value {
            Some(value) => add(b's', value.as_bytes()),
            None => add(b'n', &[]),
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::codec::Codec;
    use crate::fixture::{plan, settings, shards_of};

    fn table(text: &str) -> MetadataTable {
        MetadataTable::read("metadata.csv", text.as_bytes()).unwrap()
    }

    #[test]
    fn every_value_of_the_table_counts() {
        let text = "experiment,plate,well,site,dose,note\nE-1,1,B02,1,0.5,ab\nE-1,1,B02,2,,c\n";
        let sum = table_sha256(&table(text));
        assert_eq!(table_sha256(&table(text)), sum);
        for (from, to) in [
            ("0.5", "0.25"),
            ("dose", "Dose"),
            ("ab", "a"),
            (",ab\nE-1,1,B02,2,,c", ",a\nE-1,1,B02,2,,bc"),
            (",,c", ",0.5,c"),
            ("B02,2", "B03,2"),
        ] {
            let other = text.replace(from, to);
            assert_ne!(other, text);
            assert_ne!(table_sha256(&table(&other)), sum, "{other}");
        }
    }

    #[test]
    fn what_differs_is_named_with_both_values() {
        let then = Fingerprint::of(&plan(3, 2, shards_of(2)), settings());
        assert_eq!(then.differences(&then), Vec::<String>::new());
        let now = Settings {
            codec: Codec::Zstd,
            exclude: Vec::new(),
            ..settings()
        };
        let now = Fingerprint::of(&plan(4, 2, shards_of(2)), now);
        let lines = then.differences(&now);
        assert_eq!(
            lines,
            [
                r#"codec was "blosc-zstd" and is "zstd""#,
                r#"exclude was ["sirna="] and is []"#,
                "shape was [3,2,4,4] and is [4,2,4,4]",
                "the metadata table has other rows or values",
            ]
        );
    }
}
