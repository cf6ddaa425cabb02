use std::io::Write;

use super::*;
use crate::problem::ProblemKind;

const TABLE: &str = "experiment,plate,well,site\nE-1,1,B02,1\nE-1,1,B02,2\nE-1,1,B03,1\n";

fn read(text: &str) -> Result<(Embeddings, Problems), MetadataError> {
    let table = MetadataTable::read("m.csv", TABLE.as_bytes()).unwrap();
    let mut problems = Problems::default();
    let text = std::io::Cursor::new(text.as_bytes().to_vec());
    Embeddings::unpack("e.csv", text, &table, &mut problems).map(|read| (read, problems))
}

#[test]
fn vectors_are_in_array_order_whatever_the_order_of_the_rows() {
    let text = "f0,site_id,f1\n1.5,E-1_1_B03_1,-2e3\n9,E-9_1_B02_1,9\n0,E-1_1_B02_1, 0.25\n";
    let (read, problems) = read(text).unwrap();
    assert_eq!((read.length(), read.sites()), (2, 3));
    assert_eq!(read.vector(0), Some(&[0.0, 0.25][..]));
    assert_eq!(read.vector(1), None);
    assert_eq!(read.vector(2), Some(&[1.5, -2000.0][..]));
    assert_eq!(read.vector(3), None);
    let found: Vec<_> = problems
        .iter()
        .map(|problem| (problem.kind, problem.count, problem.examples[0].as_str()))
        .collect();
    assert_eq!(
        found,
        [
            (
                ProblemKind::EmbeddingsWithoutSite,
                1,
                "e.csv line 3: E-9_1_B02_1"
            ),
            (ProblemKind::SitesWithoutEmbedding, 1, "E-1_1_B02_2"),
        ]
    );
}

#[test]
fn errors_of_embeddings_name_line_and_column() {
    for (text, told) in [
        ("", "e.csv is empty"),
        ("site_id,a\n", "e.csv has a header but no rows"),
        ("a,b\n1,2\n", "e.csv has no column \"site_id\""),
        ("site_id\nE-1_1_B02_1\n", "e.csv has no column of numbers"),
        (
            "site_id,a\nE-1_1_B02_1,1,2\n",
            "e.csv line 2 has 3 fields (expected 2",
        ),
        (
            "site_id,a\nE-1_1_B02_1,1\nE-1_1_B02_1,1\n",
            "e.csv lines 2 and 3 have the same site_id \"E-1_1_B02_1\"",
        ),
        (
            "site_id,a,b\nE-1_1_B02_1,1,x\n",
            "e.csv line 2, column \"b\": \"x\" is not a finite number",
        ),
        ("site_id,a\nE-1_1_B02_1,\n", "line 2, column \"a\": \"\""),
        (
            "site_id,a\nE-1_1_B02_1,NaN\n",
            "line 2, column \"a\": \"NaN\"",
        ),
        ("site_id,a\nE-1_1_B02_1,-inf\n", "column \"a\": \"-inf\""),
        ("site_id,a\nE-1_1_B02_1,1e39\n", "column \"a\": \"1e39\""),
        ("site_id,a\nnobody,none\n", "column \"a\": \"none\""),
    ] {
        let error = read(text).unwrap_err().to_string();
        assert!(error.contains(told), "{text:?}: {error}");
    }
}

#[test]
fn too_many_numbers_are_refused_before_memory_is_allocated() {
    assert!(Embeddings::absent(usize::MAX, 2).is_none());
    assert!(Embeddings::absent(Embeddings::VALUES_AT_MOST, 2).is_none());
    assert!(Embeddings::absent(3, 2).is_some());
}

#[test]
fn a_zip_may_hold_other_tables() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("dl-embeddings.zip");
    let mut zip = zip::ZipWriter::new(std::fs::File::create(&path).unwrap());
    let options = zip::write::SimpleFileOptions::default();
    for (name, text) in [
        ("x/metadata.csv", TABLE),
        ("x/embeddings.csv", "site_id,a\nE-1_1_B02_1,7\n"),
    ] {
        zip.start_file(name, options).unwrap();
        zip.write_all(text.as_bytes()).unwrap();
    }
    zip.finish().unwrap();
    let table = MetadataTable::read("m.csv", TABLE.as_bytes()).unwrap();
    let read = Embeddings::open(&path, &table, &mut Problems::default()).unwrap();
    assert_eq!(read.vector(0), Some(&[7.0][..]));
    let file = std::fs::File::open(&path).unwrap();
    let unpacked = Embeddings::unpack("e.zip", file, &table, &mut Problems::default());
    assert_eq!(unpacked.unwrap(), read);
}

#[test]
fn every_form_of_parquet_gives_the_same_vectors() {
    let table = "experiment,plate,well,site\nHUVEC-01,1,B02,1\nHUVEC-10,2,C03,1\nHUVEC-10,2,C03,2\n\
                 HUVEC-10,2,C03,3\n";
    let table = MetadataTable::read("m.csv", table.as_bytes()).unwrap();
    for name in ["fixed", "lists", "numbers"] {
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/data/tables");
        let path = Path::new(folder).join(format!("{name}.parquet"));
        let mut problems = Problems::default();
        let read = Embeddings::open(&path, &table, &mut problems).unwrap();
        assert_eq!((read.sites(), read.length()), (4, 3), "{name}");
        assert_eq!(read.vector(0), Some(&[0.1, 0.2, 0.3][..]), "{name}");
        assert_eq!(read.vector(1), Some(&[7.0, 8.0, 9.0][..]), "{name}");
        assert_eq!(read.vector(2), Some(&[1.5, -2.0, 0.25][..]), "{name}");
        assert_eq!(read.vector(3), None, "{name}");
    }
}

#[test]
fn embeddings_by_well_belong_to_the_only_site_of_the_well() {
    let by_well = |table: &str| {
        let table = MetadataTable::read("m.csv", table.as_bytes()).unwrap();
        let text = "well_id,a\nE-1_1_B03,2\nE-1_1_B02,1\nother,3\n";
        let text = std::io::Cursor::new(text.as_bytes().to_vec());
        let mut problems = Problems::default();
        let read = Embeddings::unpack("e.csv", text, &table, &mut problems);
        read.map(|read| [0, 1].map(|site| read.vector(site).map(|vector| vector[0])))
            .map_err(|error| error.to_string())
    };
    let derived = "experiment,plate,well,site\nE-1,1,B02,1\nE-1,1,B03,4\n";
    assert_eq!(by_well(derived), Ok([Some(1.0), Some(2.0)]));
    let named = "experiment,plate,well,site,well_id\nE-1,1,B02,1,other\nE-1,1,B03,4,E-1_1_B02\n";
    assert_eq!(by_well(named), Ok([Some(3.0), Some(1.0)]));
    let several = "experiment,plate,well,site\nE-1,1,B02,1\nE-1,1,B02,2\n";
    let error = by_well(several).unwrap_err();
    assert!(
        error.contains("E-1_1_B02_1 and E-1_1_B02_2 of m.csv"),
        "{error}"
    );
}

#[test]
fn the_embeddings_of_rxrx19a_are_not_too_many() {
    const { assert!(305_520 * 1024 <= Embeddings::VALUES_AT_MOST) };
    assert!(Embeddings::absent(Embeddings::VALUES_AT_MOST / 1024 + 1, 1024).is_none());
}
