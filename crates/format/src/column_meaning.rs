//! Descriptions of the columns of the metadata table.

use rxrx_metadata::{Column, ColumnValues};

/// Description of a column of the metadata table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ColumnMeaning {
    /// A few words, as a label of an axis has them
    /// ([CF `long_name`](https://cfconventions.org/cf-conventions/cf-conventions.html#long-name)).
    pub long_name: String,
    /// A sentence.
    pub description: String,
}

impl ColumnMeaning {
    /// Describes a column of the metadata table.
    pub fn of_column(column: &Column) -> Self {
        let meaning = Self::of(&column.name);
        match (column.name.as_str(), &column.values) {
            ("plate", ColumnValues::String(_)) => Self {
                description: "Plate in the experiment, a name".to_owned(),
                ..meaning
            },
            _ => meaning,
        }
    }

    /// Describes a column of RxRx1. Of any other column it states the name only.
    pub fn of(column: &str) -> Self {
        let known = KNOWN.iter().find(|(name, ..)| *name == column);
        match known {
            Some((_, long_name, description)) => Self {
                long_name: (*long_name).to_owned(),
                description: (*description).to_owned(),
            },
            None => Self {
                long_name: column.to_owned(),
                description: format!("Column {column:?} of the metadata table"),
            },
        }
    }
}

/// Name, long name and description of RxRx1's columns, see
/// <https://www.rxrx.ai/rxrx1>.
const KNOWN: [(&str, &str, &str); 11] = [
    (
        "site_id",
        "site id",
        "Name of the site: experiment, plate, well and site; the site coordinate of images.zarr",
    ),
    (
        "well_id",
        "well id",
        "Name of the well: experiment, plate and well",
    ),
    ("cell_type", "cell type", "Cell line of the experiment"),
    ("dataset", "split", "Published split: train or test"),
    (
        "experiment",
        "experiment",
        "Experiment, a batch of plates: cell line and number",
    ),
    ("plate", "plate", "Plate in the experiment, from 1"),
    (
        "well",
        "well",
        "Well on the plate: row letters and column number",
    ),
    ("site", "site number", "Field of view in the well, from 1"),
    (
        "well_type",
        "well type",
        "What the well is for: treatment, positive_control or negative_control",
    ),
    (
        "sirna",
        "siRNA",
        "siRNA that the well was treated with; EMPTY where there was none",
    ),
    (
        "sirna_id",
        "siRNA number",
        "Number of the siRNA, the class to predict",
    ),
];
