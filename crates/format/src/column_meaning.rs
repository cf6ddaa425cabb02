//! Descriptions of the columns of the metadata table.

use std::collections::BTreeMap;

use rxrx_metadata::{Column, ColumnText, ColumnValues, Profile};
use serde::{Deserialize, Serialize};

use crate::array_name::column_name;

/// Description of a column of the metadata table.
pub type ColumnMeaning = ColumnText;

/// Descriptions of columns by their names in `metadata.parquet`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct ColumnMeanings(BTreeMap<String, ColumnMeaning>);

impl ColumnMeanings {
    /// The descriptions of a profile.
    pub fn of_profile(profile: &Profile) -> Self {
        let described = profile.columns.iter();
        let stored =
            |(name, text): (&String, &ColumnMeaning)| (column_name(name).to_owned(), text.clone());
        Self(described.map(stored).collect())
    }

    /// Whether no column is described.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Iterates over the names and descriptions, ordered by name.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &ColumnMeaning)> {
        self.0
            .iter()
            .map(|(name, meaning)| (name.as_str(), meaning))
    }

    /// Keeps the descriptions of those columns.
    pub(crate) fn only_of(&self, columns: &[Column]) -> Self {
        let described = columns.iter().filter_map(|column| {
            let name = column_name(&column.name);
            Some((name.to_owned(), self.0.get(name)?.clone()))
        });
        Self(described.collect())
    }

    /// Returns the names of the columns that `other` describes otherwise.
    pub(crate) fn differing<'a>(&'a self, other: &'a Self) -> Vec<&'a str> {
        let names = self
            .0
            .keys()
            .chain(other.0.keys().filter(|name| !self.0.contains_key(*name)));
        let differs = names.filter(|name| self.0.get(*name) != other.0.get(*name));
        differs.map(String::as_str).collect()
    }

    /// Describes a column of the metadata table. A plate may be a name.
    pub fn of_column(&self, column: &Column) -> ColumnMeaning {
        let described = self.of(&column.name);
        match (column.name.as_str(), &column.values) {
            ("plate", ColumnValues::String(_)) if !self.0.contains_key("plate") => ColumnMeaning {
                description: "Plate in the experiment, a name".to_owned(),
                ..described
            },
            _ => described,
        }
    }

    /// Describes a column: as the profile does, or else as the program uses it. Of any other
    /// column it states the name only.
    pub fn of(&self, column: &str) -> ColumnMeaning {
        if let Some(meaning) = self.0.get(column_name(column)) {
            return meaning.clone();
        }
        match USED.iter().find(|(name, ..)| *name == column) {
            Some((_, long_name, description)) => meaning(long_name, description),
            None => meaning(column, &format!("Column {column:?} of the metadata table")),
        }
    }
}

/// Makes a description without a unit and without terms of ontologies.
pub(crate) fn meaning(long_name: &str, description: &str) -> ColumnMeaning {
    ColumnMeaning {
        long_name: long_name.to_owned(),
        description: description.to_owned(),
        units: None,
        ids: BTreeMap::new(),
    }
}

/// Name, long name and description of the columns that every table has.
const USED: [(&str, &str, &str); 5] = [
    (
        "site_id",
        "site id",
        "Name of the site: experiment, plate, well and site; the site coordinate of images.zarr",
    ),
    ("experiment", "experiment", "Experiment, a batch of plates"),
    ("plate", "plate", "Plate in the experiment, from 1"),
    (
        "well",
        "well",
        "Well on the plate: row letters and column number",
    ),
    ("site", "site number", "Field of view in the well, from 1"),
];
