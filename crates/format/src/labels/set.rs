//! The label arrays of a dataset.

use rxrx_metadata::{Column, ColumnValues};

use super::array::{Label, LabelError};
use crate::column_meaning::ColumnMeaning;
use crate::root::DatasetAttributes;

/// The label arrays: index coordinates, stains, metadata columns, `present`.
/// `present` says of each plane, in array order, whether it was stored.
pub fn labels(
    columns: &[Column],
    present: Vec<bool>,
    attributes: &DatasetAttributes,
) -> Result<Vec<Label>, LabelError> {
    let channels = &attributes.channels;
    let site_ids = columns.iter().find(|column| column.name == "site_id");
    let site_ids: Vec<String> = match site_ids.map(|column| &column.values) {
        Some(ColumnValues::String(ids)) => ids
            .iter()
            .map(|id| id.unwrap_or_default().to_owned())
            .collect(),
        _ => Vec::new(),
    };
    let sites = site_ids.len();
    let mut labels = vec![
        Label::text("site", "site", site_ids, &ColumnMeaning::of("site_id"))?,
        Label::text(
            "channel",
            "channel",
            channels.iter().map(|c| c.name.clone()).collect(),
            &meaning("channel", "Fluorescence channel, w1 to wN"),
        )?,
        Label::text(
            "stain",
            "channel",
            channels.iter().map(|c| c.stain.clone()).collect(),
            &meaning("stain", "Dye of the channel; empty where it is not known"),
        )?,
        Label::flags(
            "present",
            ["site", "channel"],
            [sites, channels.len()],
            present,
            &meaning(
                "image present",
                "False where the image was missing or corrupt; the pixels are then 0",
            ),
        )?,
    ];
    for column in columns {
        labels.push(Label::column(column)?);
    }
    Ok(labels)
}

fn meaning(long_name: &str, description: &str) -> ColumnMeaning {
    ColumnMeaning {
        long_name: long_name.to_owned(),
        description: description.to_owned(),
    }
}
