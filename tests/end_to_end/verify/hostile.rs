//! Datasets that lie about their size: an answer, in no time and little memory.

use std::fs;
use std::path::Path;
use std::process::Command;
use std::sync::Arc;

use arrow_array::types::Int32Type;
use arrow_array::{ArrayRef, DictionaryArray, Int32Array, RecordBatch, StringArray};
use parquet::arrow::ArrowWriter;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use parquet::basic::{Compression, ZstdLevel};
use parquet::file::properties::WriterProperties;
use serde_json::{Value, json};

use super::super::dataset::Dataset;
use super::super::run::{PROGRAM, Run};
use super::{Findings, copy, input_with_gaps, repair_sums, shard};

#[test]
fn contradictions_in_the_root_are_findings() {
    let input = input_with_gaps();
    let dataset = copy(&input, "hostile");
    let root = "images.zarr/zarr.json";
    let whole = Dataset::at(&dataset).json(root);
    let images = "/consolidated_metadata/metadata/images";
    let huge = 1_000_000_000_000_000_000_u64;
    let setting = |name: &str, lie: Value| {
        let mut settings = Dataset::at(&dataset).attributes()["settings"].take();
        settings[name] = lie;
        (
            "/attributes/settings".to_owned(),
            json!(settings.to_string()),
        )
    };
    let lies: [(String, Value); 10] = [
        (format!("{images}/shape"), json!([huge, 6, 12, 20])),
        (
            format!("{images}/shape"),
            json!([1_000_000_000_000_u64, 6, 12, 20]),
        ),
        (format!("{images}/shape"), json!([5, huge, 12, 20])),
        (format!("{images}/shape"), json!([5, 6, 100_000, 100_000])),
        (format!("{images}/shape"), json!([0, 6, 12, 20])),
        (format!("{images}/data_type"), json!("float64")),
        setting("chunk_sites", json!(huge)),
        setting("shard_sites", json!(100_000_000_000_u64)),
        setting("codec", json!("zip")),
        ("/attributes/settings".to_owned(), json!("{")),
    ];
    for (pointer, lie) in lies {
        let mut document = whole.clone();
        *document.pointer_mut(&pointer).unwrap() = lie.clone();
        fs::write(dataset.join(root), document.to_string()).unwrap();
        repair_sums(&dataset);
        let found = Findings::of(&dataset, "");
        assert!(!found.objects().is_empty(), "{pointer} {lie}");
    }
    for text in ["", "[]", "{\"attributes\": 7}"] {
        fs::write(dataset.join(root), text).unwrap();
        repair_sums(&dataset);
        Findings::of(&dataset, "").names(root, "damaged", "", "");
    }
}

#[test]
fn random_bytes_are_found_though_every_checksum_is_right() {
    let input = input_with_gaps();
    let whole = Dataset::at(input.output()).objects();
    let dataset = copy(&input, "rubbish");
    for key in [
        "metadata.parquet",
        "planes.parquet",
        "images.zarr/site/c/0",
        &shard(2),
    ] {
        let bytes = &whole[key];
        let middle = bytes.len() / 2;
        let mut damaged = bytes.clone();
        damaged[middle..middle + 20].fill(0x55);
        for damaged in [
            damaged,
            bytes[..middle].to_vec(),
            Vec::new(),
            vec![0xFF; 4096],
        ] {
            fs::write(dataset.join(key), damaged).unwrap();
            repair_sums(&dataset);
            let run = super::verify(&dataset, "--json").exits_with(1).json();
            assert!(run["by_object"][key].is_object(), "{run:#}");
        }
        fs::write(dataset.join(key), bytes).unwrap();
    }
    // A file that claims a terabyte takes neither disk nor memory.
    let file = fs::File::options()
        .write(true)
        .open(dataset.join(shard(2)))
        .unwrap();
    file.set_len(1 << 40).unwrap();
    Findings::of(&dataset, "").names(&shard(2), "damaged", "", "");
    let run = super::verify(&dataset, "").exits_with(1);
    assert!(run.stdout.contains("were not read"), "{run:#?}");
}

/// Adds `columns` columns of text to a table. In each of them all rows have the same value
/// of `bytes` bytes, which is stored once.
fn add_bombs(table: &Path, columns: usize, bytes: usize) {
    let file = fs::File::open(table).unwrap();
    let builder = ParquetRecordBatchReaderBuilder::try_new(file).unwrap();
    let rows = builder.build().unwrap().next().unwrap().unwrap();
    let keys = Int32Array::from(vec![0; rows.num_rows()]);
    let value: ArrayRef = Arc::new(StringArray::from(vec!["A".repeat(bytes)]));
    let bomb = DictionaryArray::<Int32Type>::try_new(keys, value).unwrap();
    let bomb: ArrayRef = Arc::new(bomb);
    let names = rows.schema();
    let names = names.fields().iter().map(|field| field.name().clone());
    let all = names.zip(rows.columns().to_vec());
    let all = all.chain((0..columns).map(|number| (format!("bomb{number}"), bomb.clone())));
    let rows = RecordBatch::try_from_iter(all).unwrap();
    let properties = WriterProperties::builder()
        .set_compression(Compression::ZSTD(ZstdLevel::default()))
        .set_dictionary_page_size_limit(usize::MAX)
        .build();
    let mut writer = ArrowWriter::try_new(Vec::new(), rows.schema(), Some(properties)).unwrap();
    writer.write(&rows).unwrap();
    fs::write(table, writer.into_inner().unwrap()).unwrap();
}

#[cfg(target_os = "linux")]
#[test]
fn tables_that_unpack_to_gigabytes_take_little_memory() {
    let input = input_with_gaps();
    let dataset = copy(&input, "bomb");
    let table = dataset.join("metadata.parquet");
    add_bombs(&table, 2, 40_000_000);
    assert!(fs::metadata(&table).unwrap().len() < 100_000);
    repair_sums(&dataset);
    let run = |arguments: &[&Path]| {
        let script = r#"ulimit -v 1000000; exec "$0" "$@""#;
        let command = &mut Command::new("bash");
        Run::of(command.args(["-c", script, PROGRAM]).args(arguments))
    };
    let verified = run(&["verify".as_ref(), &dataset]).exits_with(1);
    let found = [verified.stdout.as_str(), verified.stderr.as_str()].concat();
    let said = ["metadata.parquet: its", "decode to more"];
    assert!(
        said.iter().all(|text| found.contains(text)),
        "{verified:#?}"
    );
    let retry: [&Path; 4] = [
        "convert".as_ref(),
        &input.root(),
        &dataset,
        "--retry-bad".as_ref(),
    ];
    run(&retry).exits_with(1).reports_each(&said);
}

#[test]
fn a_root_of_very_many_values_is_refused() {
    let input = input_with_gaps();
    let dataset = copy(&input, "values");
    let root = "images.zarr/zarr.json";
    fs::write(
        dataset.join(root),
        format!("[{}[]]", "[],".repeat(5_000_000)),
    )
    .unwrap();
    repair_sums(&dataset);
    Findings::of(&dataset, "").names(root, "damaged", "", "");
}
