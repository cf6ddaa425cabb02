//! The attributes of the root group as `zarr.json` holds them.
//!
//! Names are those of [ACDD] where it has one. What is nested is JSON text, because xarray
//! cannot save nested attributes to netCDF. (`ome` has to be nested.) Format 3 has other names and no text;
//! both are read.
//!
//! [ACDD]: https://wiki.esipfed.org/Attribute_Convention_for_Data_Discovery_1-3

use serde_json::{Map, Value, json};

use crate::channel_description::ChannelDescription;
use crate::json::{JsonError, parse_json};
use crate::plane_counts::PlaneCounts;

/// The conventions that names and units follow.
const CONVENTIONS: &str = "CF-1.11, ACDD-1.3";

/// Attributes whose name in `DatasetAttributes` is another one: that name, and the stored one.
const RENAMED: [(&str, &str); 2] = [("name", "title"), ("creator", "creator_name")];

/// Attributes that are stored as JSON text.
const AS_TEXT: [&str; 8] = [
    "channels",
    "columns",
    "embeddings",
    "planes",
    "reader_versions",
    "rows",
    "settings",
    "split",
];

/// The one truth value, which is stored as 1: netCDF has none. It is absent where false.
const AS_NUMBER: &str = "format_draft";

/// Turns attributes in the form of
/// [`DatasetAttributes`](crate::root::DatasetAttributes) into those that are stored.
pub(crate) fn stored_attributes(mut attributes: Map<String, Value>) -> Map<String, Value> {
    for (name, renamed) in RENAMED {
        if let Some(value) = attributes.remove(name) {
            attributes.insert(renamed.to_owned(), value);
        }
    }
    for name in AS_TEXT {
        if let Some(value) = attributes.get_mut(name) {
            *value = Value::String(value.to_string());
        }
    }
    if let Some(value) = attributes.get_mut(AS_NUMBER) {
        *value = json!(1);
    }
    attributes.insert("Conventions".to_owned(), json!(CONVENTIONS));
    attributes
}

/// Turns stored attributes of any format into the form of
/// [`DatasetAttributes`](crate::root::DatasetAttributes).
///
/// # Errors
/// A text is no JSON, or has more values than a dataset needs. The name is that of its
/// attribute.
pub(crate) fn plain_attributes(
    mut attributes: Map<String, Value>,
) -> Result<Map<String, Value>, (&'static str, JsonError)> {
    for (name, renamed) in RENAMED {
        if let Some(value) = attributes.remove(renamed) {
            attributes.insert(name.to_owned(), value);
        }
    }
    for name in AS_TEXT {
        if let Some(value) = attributes.get_mut(name)
            && let Value::String(text) = value
        {
            *value = parse_json(text.as_bytes()).map_err(|error| (name, error))?;
        }
    }
    if let Some(value) = attributes.get_mut(AS_NUMBER)
        && value.is_number()
    {
        *value = json!(*value != json!(0));
    }
    Ok(attributes)
}

/// Says in a sentence what a dataset of such channels and planes holds.
pub(crate) fn summary(channels: &[ChannelDescription], planes: PlaneCounts) -> String {
    let planes = planes.ok + planes.missing + planes.unreadable + planes.corrupt;
    let sites = planes.checked_div(channels.len()).unwrap_or(planes);
    let is_known = |channel: &ChannelDescription| !channel.stain.is_empty();
    let stains: Vec<&str> = channels
        .iter()
        .map(|channel| channel.stain.as_str())
        .collect();
    let stains = match channels.iter().all(is_known) {
        true => format!(" ({})", stains.join(", ")),
        false => String::new(),
    };
    format!(
        "Fluorescence microscopy: {sites} site{} in {} channel{}{stains}, as one Zarr array \
         (site, channel, y, x) with labels of each site",
        plural(sites),
        channels.len(),
        plural(channels.len()),
    )
}

fn plural(number: usize) -> &'static str {
    if number == 1 { "" } else { "s" }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::rxrx1;

    #[test]
    fn attributes_are_read_as_they_were_stored() {
        let plain = json!({
            "name": "RxRx1", "creator": "Recursion", "settings": {"codec": "zstd"}, "format_draft": true,
        });
        let plain = plain.as_object().unwrap();
        let stored = stored_attributes(plain.clone());
        let texts = json!({
            "title": "RxRx1", "creator_name": "Recursion", "settings": r#"{"codec":"zstd"}"#,
            "format_draft": 1, "Conventions": CONVENTIONS,
        });
        assert_eq!(Some(&stored), texts.as_object());
        let mut read = plain_attributes(stored).unwrap();
        assert!(read.remove("Conventions").is_some());
        assert_eq!(read, *plain);
        // Format 3 has neither texts nor other names.
        assert_eq!(plain_attributes(plain.clone()).unwrap(), *plain);
    }

    #[test]
    fn text_that_is_no_json_is_refused() {
        let attributes = Map::from_iter([("settings".to_owned(), json!("{"))]);
        let error = plain_attributes(attributes).unwrap_err();
        assert!(matches!(error, (_, JsonError::Syntax(_))), "{error:?}");
    }

    #[test]
    fn the_summary_counts_sites_and_names_stains_that_are_known() {
        let mut channels = rxrx1().channels;
        channels.truncate(2);
        let planes = PlaneCounts {
            ok: 1,
            missing: 1,
            ..PlaneCounts::default()
        };
        let text = summary(&channels, planes);
        let begin = "Fluorescence microscopy: 1 site in 2 channels (Hoechst, Concanavalin A), as";
        assert!(text.starts_with(begin), "{text}");
        channels[1].stain.clear();
        let text = summary(&channels, planes);
        assert!(text.contains("in 2 channels, as one Zarr array"), "{text}");
    }
}
