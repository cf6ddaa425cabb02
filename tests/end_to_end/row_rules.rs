//! Negative controls and the rows to train on, and types that the choice of rows keeps.

use std::fs;

use serde_json::{Value, json};

use super::dataset::{Dataset, Table};
use super::input::Input;
use super::run::{convert, plan, verify};

/// Scope, plate and number of planes of the rows of w1.
fn scopes(dataset: &Dataset) -> Vec<(String, Option<i64>, i64)> {
    let table = Table::read(&dataset.path("channel_stats.parquet"));
    let rows = table.texts("scope").into_iter().flatten();
    let counts = table.integers("planes").into_iter().flatten();
    let rows = rows.zip(table.integers("plate")).zip(counts);
    let channels = table.texts("channel").into_iter().flatten();
    let of_w1 = rows
        .zip(channels)
        .filter(|(_, channel)| channel == "w1")
        .map(|(((scope, plate), planes), _)| (scope, plate, planes));
    of_w1.collect()
}

fn rows(dataset: &Dataset) -> Value {
    dataset.attributes()["rows"].clone()
}

/// Twelve sites on three plates; those of the first experiment are to train on.
#[test]
fn statistics_of_controls_and_of_training_rows_follow_the_profile() {
    let input = Input::of_sites(12);
    let table = fs::read_to_string(input.table_path()).unwrap();
    // The first site, w1 of which is missing, and the fifth.
    let mut table: Vec<String> = table.lines().map(str::to_owned).collect();
    for row in [12, 8] {
        table[row] = table[row].replace("treatment", "negative_control");
    }
    fs::write(input.table_path(), table.join("\n") + "\n").unwrap();
    fs::remove_file(input.image(0, 1)).unwrap();
    convert(&input.root(), &input.output(), "--allow-missing").exits_with(3);
    let dataset = Dataset::at(input.output());
    let expected = [
        ("dataset", None, 11),
        ("experiment", None, 7),
        ("experiment", None, 4),
        ("plate", Some(1), 3),
        ("plate", Some(2), 4),
        ("plate", Some(1), 4),
        ("plate_controls", Some(1), 0),
        ("plate_controls", Some(2), 1),
        ("plate_controls", Some(1), 0),
        ("train", None, 7),
    ]
    .map(|(scope, plate, planes)| (scope.to_owned(), plate, planes));
    assert_eq!(scopes(&dataset), expected);
    assert_eq!(
        rows(&dataset),
        json!({"train": ["dataset=train"], "negative_controls": ["well_type=negative_control"]})
    );
    let stats = Table::read(&dataset.path("channel_stats.parquet"));
    let planes = stats.integers("planes");
    for column in ["mean", "std"] {
        let is_null = stats
            .floats(column)
            .into_iter()
            .map(|value| value.is_none());
        let is_empty = planes.iter().map(|planes| *planes == Some(0));
        assert!(is_null.eq(is_empty), "{column}");
    }
    verify(&input.output(), "").exits_with(0);
}

#[test]
fn the_user_may_tell_the_controls() {
    let input = Input::of_sites(6);
    let options = "--controls sirna_id=1 --controls sirna_id=5 --controls site=2";
    convert(&input.root(), &input.output(), options).exits_with(0);
    let dataset = Dataset::at(input.output());
    // Site 1 of plate 1, and site 5 of plate 2.
    let controls: Vec<_> = scopes(&dataset)
        .into_iter()
        .filter(|(scope, ..)| scope == "plate_controls")
        .map(|(_, plate, planes)| (plate, planes))
        .collect();
    assert_eq!(controls, [(Some(1), 1), (Some(2), 1)]);
    let clauses = json!(["sirna_id=1", "sirna_id=5", "site=2"]);
    assert_eq!(rows(&dataset)["negative_controls"], clauses);
    let attributes = dataset.attributes();
    assert_eq!(attributes["settings"]["controls"], clauses);
    verify(
        &input.output(),
        &format!("--source {}", input.root().display()),
    )
    .exits_with(0);

    // The same command finds nothing to do, another one names the difference.
    convert(&input.root(), &input.output(), options).exits_with(0);
    convert(&input.root(), &input.output(), "--controls site=2")
        .exits_with(1)
        .reports_each(&["controls was", "site=2"]);
    convert(
        &input.root(),
        &input.output(),
        "--retry-bad --controls site=2",
    )
    .exits_with(2);
    // A clause that fits nothing is a mistake.
    let run = plan(&input.root(), "--controls well_type=DMSO");
    run.exits_with(2)
        .reports_each(&["\"well_type=DMSO\" fits no row", "\"treatment\""]);
    plan(&input.root(), "--controls control=1")
        .exits_with(2)
        .reports_each(&["the table has no column \"control\""]);
}

#[test]
fn without_a_profile_no_row_is_a_control_or_to_train_on() {
    let input = Input::of_sites(2);
    convert(&input.root(), &input.output(), "--profile none").exits_with(0);
    let dataset = Dataset::at(input.output());
    assert!(rows(&dataset).is_null());
    let scopes: Vec<String> = scopes(&dataset).into_iter().map(|row| row.0).collect();
    assert_eq!(scopes, ["dataset", "experiment", "plate"]);
    verify(&input.output(), "").exits_with(0);
}

/// The type of a column is that of the whole table.
#[test]
fn types_do_not_depend_on_the_rows_that_are_chosen() {
    let input = Input::of_sites(4);
    let table = fs::read_to_string(input.table_path()).unwrap();
    let wide = table.replace(",s1,1,", ",s1,3000000000,");
    assert_ne!(wide, table);
    for (table, data_type) in [(table.clone(), "int32"), (wide, "int64")] {
        fs::write(input.table_path(), table).unwrap();
        // Numbers only, blanks only, and all rows.
        for options in ["--include site_id=*_2", "--include sirna_id=", ""] {
            convert(
                &input.root(),
                &input.output(),
                &format!("--overwrite {options}"),
            )
            .exits_with(0);
            let dataset = Dataset::at(input.output());
            let array = dataset.json("images.zarr/sirna_id/zarr.json");
            assert_eq!(array["data_type"], data_type, "{options}");
            let column = dataset.sites_table().rows;
            let column = column
                .column_by_name("sirna_id")
                .unwrap()
                .data_type()
                .clone();
            assert_eq!(column.to_string().to_lowercase(), data_type, "{options}");
            verify(&input.output(), "").exits_with(0);
        }
    }
    // Without the row of the large number, the source gives another type.
    let options = "--overwrite --include sirna_id=";
    convert(&input.root(), &input.output(), options).exits_with(0);
    fs::write(input.table_path(), table).unwrap();
    let source = format!("--source {}", input.root().display());
    let run = verify(&input.output(), &source).exits_with(1);
    let told = "sirna_id has whole numbers of 64 bits, the source gives 32";
    assert!(run.stdout.contains(told), "{run:#?}");
}
