//! The label arrays of a dataset.

use rxrx_metadata::{Column, ColumnValues};

use super::array::{Label, LabelError, described};
use super::layout::LabelLayout;
use crate::array_name::{CHANNEL_LABELS, zarr_name};
use crate::channel_description::ChannelDescription;
use crate::column_meaning::meaning;
use crate::root::DatasetAttributes;

/// A text of each channel: name of the array, value, long name and description.
type ChannelText = (
    &'static str,
    fn(&ChannelDescription) -> String,
    &'static str,
    &'static str,
);

/// The texts of channels. The first two are in format 3, too.
const CHANNEL_TEXTS: [ChannelText; 5] = [
    (
        "channel",
        |channel| channel.name.clone(),
        "channel",
        "Fluorescence channel, w1 to wN",
    ),
    (
        "stain",
        |channel| channel.stain.clone(),
        "stain",
        "Dye of the channel; empty where it is not known",
    ),
    (
        "structure",
        |channel| channel.structure.clone(),
        "structure",
        "Structure that the dye shows; empty where it is not known",
    ),
    (
        "structure_id",
        |channel| channel.structure_ids.join(" "),
        "structure id",
        "Terms of the Gene Ontology for the structure, with blanks between them; empty where \
         they are not known",
    ),
    (
        "color",
        |channel| channel.color.clone(),
        "display colour",
        "Colour in which the channel is shown, RRGGBB in hexadecimal digits",
    ),
];

/// A number of each channel.
type ChannelNumber = (
    &'static str,
    fn(&ChannelDescription) -> u32,
    &'static str,
    &'static str,
);

/// The numbers of channels.
const CHANNEL_NUMBERS: [ChannelNumber; 2] = [
    (
        "window_start",
        |channel| channel.window.start,
        "display window, start",
        "Intensity that is shown black",
    ),
    (
        "window_end",
        |channel| channel.window.end,
        "display window, end",
        "Intensity that is shown at full brightness",
    ),
];

/// Returns the names of the label arrays of a table with those columns.
pub fn label_names(columns: &[Column]) -> Vec<String> {
    let fixed = ["site", "present"].into_iter().chain(CHANNEL_LABELS);
    let columns = columns.iter().map(|column| zarr_name(&column.name));
    fixed.map(str::to_owned).chain(columns).collect()
}

/// Builds the label arrays: index coordinates, texts and numbers of the channels, metadata
/// columns, `present`, as the format of the attributes has them.
/// The value `present` states for each plane, in array order, whether it was stored.
///
/// # Errors
/// [`LabelError`], a defect: there is no text column `site_id`, or `present` does not
/// have one value for each plane.
pub fn labels(
    columns: &[Column],
    present: Vec<bool>,
    attributes: &DatasetAttributes,
) -> Result<Vec<Label>, LabelError> {
    let (layout, blank) = match attributes.is_format_3() {
        true => (LabelLayout::Chunk, "_FillValue"),
        false => (LabelLayout::Shard, "blank_value"),
    };
    let channels = attributes.description.channels.len();
    let meanings = &attributes.description.columns;
    let site_ids = columns.iter().find(|column| column.name == "site_id");
    let Some(ColumnValues::String(site_ids)) = site_ids.map(|column| &column.values) else {
        return Err(LabelError {
            name: "site".to_owned(),
            reason: "the table has no text column site_id".to_owned(),
        });
    };
    // Arrays of text have no null: a blank is the empty string.
    let site_ids = site_ids.iter().map(|id| id.unwrap_or("").to_owned());
    let site_ids: Vec<String> = site_ids.collect();
    let sites = site_ids.len();
    let mut labels = channel_labels(attributes)?;
    labels.push(Label::text(
        "site",
        "site",
        site_ids,
        &meanings.of("site_id"),
        layout,
    )?);
    labels.push(Label::flags(
        "present",
        ["site", "channel"],
        [sites, channels],
        present,
        &meaning(
            "image present",
            "False where the image was missing, unreadable or corrupt; the pixels are then 0",
        ),
        layout,
    )?);
    for column in columns {
        let meaning = meanings.of_column(column);
        labels.push(Label::column(column, &meaning, blank, layout)?);
    }
    Ok(labels)
}

/// Builds the arrays along `channel`.
fn channel_labels(attributes: &DatasetAttributes) -> Result<Vec<Label>, LabelError> {
    let channels = attributes.description.channels.iter();
    let (texts, numbers) = match attributes.is_format_3() {
        true => (2, 0),
        false => (CHANNEL_TEXTS.len(), CHANNEL_NUMBERS.len()),
    };
    let texts = CHANNEL_TEXTS.iter().take(texts);
    let texts = texts.map(|(name, value, long_name, description)| {
        let values = channels.clone().map(value).collect();
        let meaning = meaning(long_name, description);
        Label::text(name, "channel", values, &meaning, LabelLayout::Chunk)
    });
    let numbers = CHANNEL_NUMBERS.iter().take(numbers);
    let numbers = numbers.map(|(name, value, long_name, description)| {
        let values = channels.clone().map(|channel| i64::from(value(channel)));
        let attributes = described(&meaning(long_name, description));
        Label::numbers(
            name,
            "channel",
            values.collect(),
            attributes,
            LabelLayout::Chunk,
        )
    });
    texts.chain(numbers).collect()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use rxrx_metadata::Layout;

    use super::*;
    use crate::description::Description;
    use crate::plane_counts::PlaneCounts;
    use crate::testing::{plan, settings};

    #[test]
    fn labels_need_the_id_and_the_planes_of_every_site() {
        let plan = plan(3, 2, Layout::default());
        let attributes = DatasetAttributes::new(
            Description::unknown(),
            &plan,
            settings(),
            PlaneCounts::default(),
        );
        let columns = plan.table().columns();
        let built = labels(columns, vec![true; 6], &attributes).unwrap();
        let built_names: BTreeSet<&str> = built.iter().map(|label| label.name.as_str()).collect();
        let names = label_names(columns);
        assert_eq!(
            names.iter().map(String::as_str).collect::<BTreeSet<_>>(),
            built_names
        );
        assert_eq!(built.len(), 9 + columns.len());
        let site = built.iter().find(|label| label.name == "site").unwrap();
        assert_eq!(site.metadata["shape"][0], 3);

        let without_id: Vec<Column> = columns
            .iter()
            .filter(|column| column.name != "site_id")
            .cloned()
            .collect();
        let error = labels(&without_id, vec![true; 6], &attributes).unwrap_err();
        assert!(
            error.to_string().contains("no text column site_id"),
            "{error}"
        );
        let error = labels(columns, vec![true; 5], &attributes).unwrap_err();
        assert_eq!(error.name, "present");
    }
}
