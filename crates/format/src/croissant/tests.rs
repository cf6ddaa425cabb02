use rxrx_metadata::{ColumnValues, Integers, Layout};

use super::*;
use crate::column_meaning::ColumnMeanings;
use crate::description::Description;
use crate::plane_counts::PlaneCounts;
use crate::testing::{plan, rxrx1, settings};

fn document(description: Description, columns: &[Column]) -> Value {
    let plan = plan(3, 2, Layout::default());
    let attributes = DatasetAttributes::new(description, &plan, settings(), PlaneCounts::default());
    let files = [SITES, PLANES, PLATES, CHANNELS, CHANNEL_STATS].map(|key| StoredFile {
        key,
        bytes: 7,
        sha256: [0xab; 32],
    });
    croissant(columns, plan.geometry(), &attributes, &files)
}

fn column(name: &str) -> Column {
    Column {
        name: name.to_owned(),
        values: ColumnValues::Integer(Integers::default()),
    }
}

#[test]
fn every_column_is_a_field_with_an_id_of_its_own() {
    // The second would be the first, if ids were no more than portable names.
    let columns = [column("dose (µM)"), column("site index")];
    let attributes = rxrx1();
    let channels = attributes.channels.clone();
    let document = document(attributes, &columns);
    let sets = document["recordSet"].as_array().unwrap();
    let schemas = [
        sites_schema(&columns, &ColumnMeanings::default()),
        planes_schema(false),
        plates_schema(plates_are_names(&columns), &channels[..2]),
        channels_schema(),
        channel_stats_schema(false),
    ];
    let mut ids = BTreeSet::new();
    for (set, schema) in sets.iter().zip(&schemas) {
        let fields = set["field"].as_array().unwrap();
        assert_eq!(fields.len(), schema.fields().len());
        for (field, column) in fields.iter().zip(schema.fields()) {
            assert_eq!(field["source"]["extract"]["column"], **column.name());
            assert_eq!(field["description"], column.metadata()["description"]);
            assert!(ids.insert(field["@id"].as_str().unwrap()), "{field}");
        }
    }
    assert!(ids.contains("sites/dose___M_"), "{ids:?}");
}

#[test]
fn what_is_not_known_is_not_said() {
    let known = document(rxrx1(), &[]);
    assert_eq!(known["url"], "https://www.rxrx.ai/rxrx1");
    assert_eq!(known["creator"]["name"], "Recursion Pharmaceuticals");
    let spdx = "https://spdx.org/licenses/CC-BY-NC-SA-4.0.html";
    assert_eq!(known["license"], spdx);
    let unknown = Description {
        license: Some("ask Ann".to_owned()),
        ..Description::unknown()
    };
    assert_eq!(document(unknown, &[])["license"], "ask Ann");
    let unknown = document(Description::unknown(), &[]);
    for name in ["license", "citeAs", "url", "creator"] {
        assert!(unknown.get(name).is_none(), "{name}");
    }
}
