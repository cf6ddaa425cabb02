//! `--embeddings`: a vector for each site, in array order, carried through
//! continuing, retrying and verifying.

use std::fs;

use arrow_array::Array;
use arrow_array::cast::AsArray;
use arrow_array::types::Float32Type;

use super::dataset::{Dataset, Table, files_below};
use super::input::Input;
use super::run::{convert, info, verify};

const NUMBERS: usize = 3;

fn number(site: usize, position: usize) -> f32 {
    (site * NUMBERS + position) as f32 / 7.0 - 1.0
}

/// A table of the sites, last one first.
fn table_of(input: &Input, sites: &[usize]) -> String {
    let mut text = "site_id,feature_0,feature_1,feature_2\n".to_owned();
    for &site in sites.iter().rev() {
        let numbers: Vec<String> = (0..NUMBERS).map(|n| number(site, n).to_string()).collect();
        text += &format!("{},{}\n", input.site_id(site), numbers.join(","));
    }
    text
}

#[test]
fn vectors_have_array_order_and_gaps_are_reported() {
    let input = Input::of_sites(5);
    let path = input.beside("embeddings.csv");
    let text = table_of(&input, &[0, 1, 3, 4]) + "NOBODY_1_B02_1,1,2,3\n";
    fs::write(&path, text).unwrap();
    let options = format!("--embeddings {}", path.display());
    let run = convert(&input.root(), &input.output(), &options).exits_with(0);
    for told in [
        "embeddings of no site",
        "NOBODY_1_B02_1",
        "without an embedding",
    ] {
        assert!(run.stderr.contains(told), "{told}: {run:#?}");
    }
    assert!(run.stderr.contains(&input.site_id(2)), "{run:#?}");

    let dataset = Dataset::at(input.output());
    let table = Table::read(&dataset.path("embeddings.parquet"));
    assert_eq!(
        table.texts("site_id"),
        dataset.sites_table().texts("site_id")
    );
    assert_eq!(table.notes["license"], "CC-BY-NC-SA-4.0");
    let column = table.rows.column_by_name("embedding").unwrap();
    let vectors = column.as_fixed_size_list();
    let has_vector = table.rows.column_by_name("has_embedding").unwrap();
    let has_vector = has_vector.as_boolean();
    assert_eq!((vectors.null_count(), has_vector.null_count()), (0, 0));
    assert_eq!(vectors.value_length(), NUMBERS as i32);
    for site in 0..5 {
        assert_eq!(table.integers("site_index")[site], Some(site as i64));
        assert_eq!(has_vector.value(site), site != 2);
        let vector = vectors.value(site);
        let vector = &vector.as_primitive::<Float32Type>().values()[..];
        if site == 2 {
            assert!(vector.iter().all(|number| number.is_nan()), "{vector:?}");
        } else {
            let expected: Vec<f32> = (0..NUMBERS).map(|n| number(site, n)).collect();
            assert_eq!(vector, expected);
        }
    }
    verify(&input.output(), "").exits_with(0);
    let said = info(&input.output(), "--json").exits_with(0).json();
    assert_eq!(said["embeddings"]["length"], NUMBERS);
    let tables = said["tables"].to_string();
    for table in ["metadata", "planes", "channel_stats", "embeddings"] {
        assert!(tables.contains(&format!("{table}.parquet")), "{tables}");
    }
    let croissant = dataset.json("croissant.json").to_string();
    assert!(croissant.contains("embeddings/embedding"), "{croissant}");
}

#[test]
fn other_embeddings_are_another_dataset() {
    let input = Input::of_sites(3);
    let (one, other) = (input.beside("one.csv"), input.beside("other.csv"));
    fs::write(&one, table_of(&input, &[0, 1, 2])).unwrap();
    fs::write(&other, table_of(&input, &[0, 1])).unwrap();
    let with = |path: &std::path::Path| format!("--embeddings {}", path.display());
    convert(&input.root(), &input.output(), &with(&one)).exits_with(0);
    convert(&input.root(), &input.output(), &with(&one)).exits_with(0);
    for options in [with(&other), String::new()] {
        convert(&input.root(), &input.output(), &options)
            .exits_with(1)
            .reports_each(&["the embeddings: ", "give the same file to --embeddings"]);
    }
    fs::write(&other, "site_id,a\nx,y\n").unwrap();
    convert(&input.root(), &input.beside("bad"), &with(&other))
        .exits_with(1)
        .reports_each(&["other.csv line 2, column \"a\": \"y\" is not a finite number"]);
    assert!(!input.beside("bad").exists());
}

#[test]
fn a_retry_keeps_the_embeddings_without_being_given_them() {
    let input = Input::of_sites(4);
    let path = input.beside("embeddings.csv");
    fs::write(&path, table_of(&input, &[0, 2, 3])).unwrap();
    let options = format!("--shard-sites 2 --embeddings {}", path.display());
    convert(&input.root(), &input.beside("whole"), &options).exits_with(0);
    let good = fs::read(input.image(1, 2)).unwrap();
    fs::write(input.image(1, 2), "no PNG").unwrap();
    convert(&input.root(), &input.output(), &options).exits_with(3);
    fs::write(input.image(1, 2), good).unwrap();
    convert(&input.root(), &input.output(), "--retry-bad").exits_with(0);
    assert!(files_below(&input.output()) == files_below(&input.beside("whole")));
    verify(&input.output(), "").exits_with(0);
}
