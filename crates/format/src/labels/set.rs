//! The label arrays of a dataset.

use rxrx_metadata::{Column, ColumnValues};

use super::array::{Label, LabelError, blank_attribute};
use crate::array_name::zarr_name;
use crate::column_meaning::meaning;
use crate::root::DatasetAttributes;

/// Returns the names of the label arrays of a table with those columns.
pub fn label_names(columns: &[Column]) -> Vec<String> {
    let fixed = ["site", "channel", "stain", "present"].map(str::to_owned);
    let columns = columns.iter().map(|column| zarr_name(&column.name));
    fixed.into_iter().chain(columns).collect()
}

/// Builds the label arrays: index coordinates, stains, metadata columns, `present`.
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
    let channels = &attributes.description.channels;
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
    let mut labels = vec![
        Label::text("site", "site", site_ids, &meanings.of("site_id"))?,
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
                "False where the image was missing, unreadable or corrupt; the pixels are then 0",
            ),
        )?,
    ];
    let blank = blank_attribute(attributes.format_version);
    for column in columns {
        labels.push(Label::column(column, &meanings.of_column(column), blank)?);
    }
    Ok(labels)
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
        assert_eq!(built.len(), 4 + columns.len());
        assert_eq!(built[0].metadata["shape"][0], 3);

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
