//! Damage of other kinds, and datasets that somebody made look right.

use std::fs::{self, File};
use std::path::Path;
use std::sync::Arc;

use arrow_array::RecordBatch;
use parquet::arrow::ArrowWriter;
use parquet::file::metadata::KeyValue;
use parquet::file::properties::WriterProperties;

use super::super::dataset::{Dataset, Table};
use super::super::input::Input;
use super::super::run::convert;
use super::{Findings, copy, input_with_gaps, repair_sums, shard};

#[test]
fn truncated_deleted_zeroed_and_extra_objects_are_distinguished() {
    let input = input_with_gaps();
    let whole = Dataset::at(input.output()).objects();
    let dataset = copy(&input, "damaged");
    let (first, last) = (input.site_id(2), input.site_id(3));

    let path = dataset.join(shard(1));
    let bytes = &whole[&shard(1)];
    fs::write(&path, &bytes[..bytes.len() / 2]).unwrap();
    let found = Findings::of(&dataset, "");
    found.names(&shard(1), "damaged", &first, "");
    assert_eq!(found.objects(), [shard(1)]);
    let report = &found.0["by_object"][&shard(1)]["examples"];
    assert!(report.to_string().contains(&last), "{report}");

    for bytes in [vec![0; bytes.len()], Vec::new()] {
        fs::write(&path, bytes).unwrap();
        let found = Findings::of(&dataset, "");
        found.names(&shard(1), "damaged", &first, "");
        assert_eq!(found.sites_touched(), 2);
    }

    fs::remove_file(&path).unwrap();
    Findings::of(&dataset, "").names(&shard(1), "missing", &first, "");
    // Nor does it help to strike it from the list.
    repair_sums(&dataset);
    Findings::of(&dataset, "").names(&shard(1), "missing", &first, "");
    fs::write(&path, bytes).unwrap();
    repair_sums(&dataset);
    super::verify(&dataset, "").exits_with(0);

    for key in ["metadata.parquet", "README.md", "images.zarr/plate/c/0"] {
        fs::remove_file(dataset.join(key)).unwrap();
        let found = Findings::of(&dataset, "");
        assert_eq!(found.objects(), [key]);
        found.names(key, "missing", "", "");
        fs::write(dataset.join(key), &whole[key]).unwrap();
    }
    fs::remove_file(dataset.join("SHA256SUMS")).unwrap();
    Findings::of(&dataset, "").names("SHA256SUMS", "missing", "", "");
    repair_sums(&dataset);

    for key in [
        "notes.txt",
        "images.zarr/images/c/3/0/0/0",
        "images.zarr/images/c/01/0/0/0",
    ] {
        let path = dataset.join(key);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, b"stranger").unwrap();
        for _ in 0..2 {
            let found = Findings::of(&dataset, "");
            assert_eq!(found.objects(), [key]);
            found.names(key, "extra", "", "");
            repair_sums(&dataset);
        }
        fs::remove_file(path).unwrap();
        repair_sums(&dataset);
    }
}

#[test]
fn exchanged_shards_are_found_though_every_checksum_is_right() {
    let input = input_with_gaps();
    let dataset = copy(&input, "exchanged");
    let (a, b) = (dataset.join(shard(0)), dataset.join(shard(1)));
    let (bytes_a, bytes_b) = (fs::read(&a).unwrap(), fs::read(&b).unwrap());
    fs::write(a, bytes_b).unwrap();
    fs::write(b, bytes_a).unwrap();
    repair_sums(&dataset);
    let found = Findings::of(&dataset, "");
    assert_eq!(found.objects(), [shard(0), shard(1)]);
    for site in 0..4 {
        found.names(&shard(site / 2), "mismatch", &input.site_id(site), "w1");
    }
    assert_eq!(found.sites_touched(), 4);
}

/// Writes the table with two rows exchanged, but for its first columns.
fn exchange_rows(dataset: &Path, name: &str, (a, b): (usize, usize), keep: usize) {
    let path = dataset.join(name);
    let table = Table::read(&path);
    write(&path, &table, |batch, rows| {
        for row in 0..rows.num_rows() {
            let row = match row {
                row if row == a => b,
                row if row == b => a,
                row => row,
            };
            batch.write(&rows.slice(row, 1)).unwrap();
        }
    });
    let exchanged = Table::read(&path);
    let mut columns = exchanged.rows.columns().to_vec();
    columns[..keep].clone_from_slice(&table.rows.columns()[..keep]);
    let rows = RecordBatch::try_new(exchanged.rows.schema(), columns).unwrap();
    write(&path, &exchanged, |batch, _| batch.write(&rows).unwrap());
    repair_sums(dataset);
}

fn write(path: &Path, table: &Table, rows: impl FnOnce(&mut ArrowWriter<File>, &RecordBatch)) {
    let notes = table.notes.iter().filter(|(key, _)| *key != "ARROW:schema");
    let notes = notes.map(|(key, value)| KeyValue::new(key.clone(), value.clone()));
    let properties = WriterProperties::builder().set_key_value_metadata(Some(notes.collect()));
    let schema = Arc::clone(&table.rows.schema());
    let file = File::create(path).unwrap();
    let mut writer = ArrowWriter::try_new(file, schema, Some(properties.build())).unwrap();
    rows(&mut writer, &table.rows);
    writer.close().unwrap();
}

#[test]
fn exchanged_rows_of_a_table_are_found_though_every_checksum_is_right() {
    let input = input_with_gaps();
    let dataset = copy(&input, "sites");
    exchange_rows(&dataset, "metadata.parquet", (0, 4), 1);
    let found = Findings::of(&dataset, "");
    for site in [0, 4] {
        // As the table has it now, which is the other way round.
        found.names(
            "images.zarr/site/c/0",
            "mismatch",
            &input.site_id(4 - site),
            "",
        );
        found.names("metadata.parquet", "mismatch", &input.site_id(site), "");
    }
    found.names("croissant.json", "mismatch", "", "");
    assert_eq!(found.sites_touched(), 2);

    let dataset = copy(&input, "order");
    exchange_rows(&dataset, "metadata.parquet", (0, 4), 0);
    let found = Findings::of(&dataset, "");
    let told = &found.findings("metadata.parquet")[0][3];
    assert!(told.contains("row 0, column site_index"), "{told}");

    // Rows 1 and 8: site 0 w2 and site 1 w3, which is missing.
    let dataset = copy(&input, "planes");
    exchange_rows(&dataset, "planes.parquet", (1, 8), 2);
    let found = Findings::of(&dataset, "");
    found.names(&shard(0), "mismatch", &input.site_id(0), "w2");
    found.names(&shard(0), "mismatch", &input.site_id(1), "w3");
    found.names(
        "images.zarr/present/c/0/0",
        "mismatch",
        &input.site_id(0),
        "w2",
    );
    assert_eq!(found.sites_touched(), 2);
}

#[test]
fn forged_statistics_are_found_though_every_checksum_is_right() {
    let input = input_with_gaps();
    // The rows of w1 and w2 of the whole dataset, but for what they are about.
    let dataset = copy(&input, "stats");
    exchange_rows(&dataset, "channel_stats.parquet", (0, 1), 4);
    let found = Findings::of(&dataset, "");
    found.names("channel_stats.parquet", "mismatch", "", "");
    // The table is another, and Croissant does not know.
    let both = ["channel_stats.parquet", "croissant.json"];
    assert_eq!(found.objects(), both);

    // Another rule gives other rows to train on.
    let dataset = copy(&input, "rules");
    let root = dataset.join("images.zarr/zarr.json");
    let text = fs::read_to_string(&root).unwrap();
    let other = text.replace("dataset=train", "dataset=test");
    assert_ne!(other, text);
    fs::write(&root, other).unwrap();
    repair_sums(&dataset);
    let found = Findings::of(&dataset, "");
    let told = &found.findings("channel_stats.parquet")[0][3];
    assert!(told.contains("scope: Train"), "{told}");

    for column in ["channel", "stain", "window_end"] {
        let dataset = copy(&input, &format!("channels {column}"));
        exchange_cells(&dataset, "channels.parquet", (0, 1), column);
        let found = Findings::of(&dataset, "");
        found.names("channels.parquet", "mismatch", "", "");
        let told = &found.findings("channels.parquet")[0][3];
        assert!(told.contains("the root says"), "{told}");
    }

    for column in ["focus", "sum", "sum_of_squares"] {
        let dataset = copy(&input, column);
        exchange_cells(&dataset, "planes.parquet", (0, 1), column);
        let found = Findings::of(&dataset, "");
        for channel in ["w1", "w2"] {
            found.names(&shard(0), "mismatch", &input.site_id(0), channel);
        }
        let told = &found.findings(&shard(0))[0][3];
        assert!(told.starts_with(&format!("{column} is ")), "{told}");
    }
}

/// Writes the table with two rows of one column exchanged.
fn exchange_cells(dataset: &Path, name: &str, rows: (usize, usize), column: &str) {
    let path = dataset.join(name);
    let table = Table::read(&path);
    exchange_rows(dataset, name, rows, 0);
    let exchanged = Table::read(&path);
    let place = table.rows.schema().index_of(column).unwrap();
    let mut columns = table.rows.columns().to_vec();
    assert_ne!(&columns[place], exchanged.rows.column(place), "{column}");
    columns[place] = exchanged.rows.column(place).clone();
    let rows = RecordBatch::try_new(table.rows.schema(), columns).unwrap();
    write(&path, &table, |batch, _| batch.write(&rows).unwrap());
    repair_sums(dataset);
}

#[test]
fn metadata_that_contradicts_the_root_is_found_though_every_checksum_is_right() {
    let input = input_with_gaps();
    let dataset = copy(&input, "documents");
    let change = |key: &str, from: &str, to: &str| {
        let path = dataset.join(key);
        let text = fs::read_to_string(&path).unwrap();
        assert!(text.contains(from), "no {from} in {text}");
        fs::write(&path, text.replacen(from, to, 1)).unwrap();
        repair_sums(&dataset);
        let found = Findings::of(&dataset, "");
        found.names(key, "mismatch", "", "");
        fs::write(&path, text).unwrap();
        repair_sums(&dataset);
    };
    change("images.zarr/plate/zarr.json", "int32", "int64");
    change("images.zarr/images/zarr.json", "\"end\"", "\"start\"");
    // Attributes of the root that are JSON text.
    let root = "images.zarr/zarr.json";
    change(root, r#"\"missing\":1"#, r#"\"missing\":2"#);
    // The planes give another window than the profile.
    let from_data = r#"\"window_from\":\"data\""#;
    change(root, r#"\"window_from\":\"given\""#, from_data);
    // Attributes that are made from others.
    change(root, "w1 Hoechst", "w1 DAPI");
    change(root, "\"Fluorescence microscopy", "\"Microscopy");
    change(
        "croissant.json",
        "\"contentSize\": \"",
        "\"contentSize\": \"1",
    );
    change("croissant.json", "\"sha256\": \"", "\"sha256\": \"0");
    change("croissant.json", "rxrx.ai/rxrx1", "example.org");
    change("croissant.json", "{", "");
    super::verify(&dataset, "").exits_with(0);
}

#[test]
fn a_licence_that_contradicts_the_root_is_found_though_every_checksum_is_right() {
    let input = Input::of_sites(2);
    let said = r#"{"license": "A licence of its own", "license_text": "Ask first."}"#;
    fs::write(input.root().join("rxrx2zarr.json"), said).unwrap();
    convert(&input.root(), &input.output(), "").exits_with(0);
    super::verify(&input.output(), "").exits_with(0);
    let licence = input.output().join("LICENSE.txt");
    let text = fs::read_to_string(&licence).unwrap();
    assert_eq!(text, "A licence of its own\n\nAsk first.\n");
    fs::write(&licence, "Do as you like.\n").unwrap();
    repair_sums(&input.output());
    Findings::of(&input.output(), "").names("LICENSE.txt", "mismatch", "", "");
}
