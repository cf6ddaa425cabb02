//! Datasets that lie about their size: an answer, in no time and little memory.

use std::fs;

use serde_json::{Value, json};

use super::super::dataset::Dataset;
use super::{Findings, copy, input_with_gaps, repair_sums, shard};

#[test]
fn contradictions_in_the_root_are_findings() {
    let input = input_with_gaps();
    let dataset = copy(&input, "hostile");
    let root = "images.zarr/zarr.json";
    let whole = Dataset::at(&dataset).json(root);
    let images = "/consolidated_metadata/metadata/images";
    let huge = 1_000_000_000_000_000_000_u64;
    let lies: [(String, Value); 9] = [
        (format!("{images}/shape"), json!([huge, 6, 12, 20])),
        (
            format!("{images}/shape"),
            json!([1_000_000_000_000_u64, 6, 12, 20]),
        ),
        (format!("{images}/shape"), json!([5, huge, 12, 20])),
        (format!("{images}/shape"), json!([5, 6, 100_000, 100_000])),
        (format!("{images}/shape"), json!([0, 6, 12, 20])),
        (format!("{images}/data_type"), json!("float64")),
        ("/attributes/settings/chunk_sites".to_owned(), json!(huge)),
        (
            "/attributes/settings/shard_sites".to_owned(),
            json!(100_000_000_000_u64),
        ),
        ("/attributes/settings/codec".to_owned(), json!("zip")),
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
