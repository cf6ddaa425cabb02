//! The fingerprint of a conversion. An unfinished run is continued, and a complete
//! dataset is left as it is, only if the fingerprints are equal.
//!
//! The version of the program is no part of it: see [`ENCODER_REVISION`].

use rxrx_format::{
    ENCODER_REVISION, EmbeddingsDigest, FORMAT_VERSION, Root, Settings, data_type_name,
    table_sha256,
};
use rxrx_metadata::Plan;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// The properties of a conversion that decide which bytes it writes for given
/// images.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Fingerprint {
    /// The version of the format: [`FORMAT_VERSION`].
    pub(crate) format_version: u32,
    /// The revision of the encoder, [`ENCODER_REVISION`]; `None` in datasets of
    /// format 3.
    pub(crate) encoder_revision: Option<u32>,
    /// The settings of the conversion.
    pub(crate) settings: Settings,
    /// Lengths of the axes of the image array.
    pub(crate) shape: Vec<u64>,
    /// Zarr data type of a pixel.
    pub(crate) data_type: String,
    /// Names of the channels.
    pub(crate) channels: Vec<String>,
    /// SHA-256 of the rows to convert: see [`table_sha256`].
    pub(crate) metadata_sha256: String,
    /// The digest of the embeddings, if there are any.
    #[serde(default)]
    pub(crate) embeddings: Option<EmbeddingsDigest>,
}

impl Fingerprint {
    /// Returns the fingerprint of a conversion of `plan` without embeddings.
    pub(crate) fn of(plan: &Plan, settings: Settings) -> Self {
        let geometry = plan.geometry();
        Self {
            format_version: FORMAT_VERSION,
            encoder_revision: Some(ENCODER_REVISION),
            settings,
            shape: geometry.shape().map(|length| length as u64).to_vec(),
            data_type: data_type_name(geometry.data_type).to_owned(),
            channels: plan.channel_names().to_vec(),
            metadata_sha256: hex::encode(table_sha256(plan.table())),
            embeddings: None,
        }
    }

    /// Returns the fingerprint of the conversion that made a sealed dataset.
    pub(crate) fn of_root(root: &Root) -> Self {
        let attributes = &root.attributes;
        Self {
            format_version: attributes.format_version,
            encoder_revision: attributes.encoder_revision,
            settings: attributes.settings.clone(),
            shape: root.geometry.shape().map(|length| length as u64).to_vec(),
            data_type: data_type_name(root.geometry.data_type).to_owned(),
            channels: root.channels.clone(),
            metadata_sha256: attributes.metadata_sha256.clone(),
            embeddings: attributes.embeddings.clone(),
        }
    }

    /// Returns the differences between this and `now`, one line each; none when they
    /// are equal.
    pub(crate) fn differences(&self, now: &Self) -> Vec<String> {
        if let Some(difference) = format_difference(self.format_version) {
            return vec![difference];
        }
        let documents = (serde_json::to_value(self), serde_json::to_value(now));
        let (Ok(then), Ok(now)) = documents else {
            return vec!["the settings cannot be compared".to_owned()];
        };
        let mut lines = Vec::new();
        compare("", &then, &now, &mut lines);
        lines.sort();
        lines
    }
}

/// Returns why a dataset of format `then` cannot be continued; `None` for the format
/// that this version writes.
pub(crate) fn format_difference(then: u32) -> Option<String> {
    (then != FORMAT_VERSION).then(|| {
        format!(
            "it has format {then}, and this version of rxrx2zarr writes format {FORMAT_VERSION}"
        )
    })
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
            // A setting that has its default is absent.
            let added = others.keys().filter(|field| !fields.contains_key(*field));
            for field in fields.keys().chain(added) {
                let value = |of: &Map<String, Value>| of.get(field).cloned().unwrap_or_default();
                compare(field, &value(fields), &value(others), lines);
            }
        }
        _ if then == now => {}
        _ if name == "metadata_sha256" => {
            lines.push("the metadata table has other rows or values".to_owned());
        }
        _ => lines.push(format!("{name} was {then} and is {now}")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rxrx_format::Codec;
    use rxrx_format::testing::{plan, settings, shards_of};

    #[test]
    fn differences_are_named_with_both_values() {
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

    #[test]
    fn a_setting_that_is_absent_by_default_is_compared_in_both_directions() {
        let plan = plan(3, 2, shards_of(2));
        let of = |settings| Fingerprint::of(&plan, settings);
        let tiled = Settings {
            tile: Some(2),
            ..settings()
        };
        let chosen = Settings {
            only_present: true,
            ..settings()
        };
        let controlled = Settings {
            controls: vec!["sirna=EMPTY".to_owned()],
            ..settings()
        };
        for (other, name) in [
            (tiled, "tile"),
            (chosen, "only_present"),
            (controlled, "controls"),
        ] {
            let (whole, other) = (of(settings()), of(other));
            for (then, now) in [(&whole, &other), (&other, &whole)] {
                let lines = then.differences(now);
                assert!(
                    matches!(lines.as_slice(), [line] if line.starts_with(name)),
                    "{lines:?}"
                );
            }
        }
    }
}
