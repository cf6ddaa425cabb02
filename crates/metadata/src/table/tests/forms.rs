//! One table in the forms in which programs save it. `tests/data/tables/make.py` made them.

use std::path::{Path, PathBuf};

use super::*;
use crate::problem::ProblemKind;

fn saved(name: &str) -> PathBuf {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/data/tables");
    Path::new(folder).join(name)
}

/// Checks the table that `make.py` describes.
fn judge(name: &str, table: &MetadataTable) {
    let keys: Vec<String> = table.keys().iter().map(ToString::to_string).collect();
    let expected = [
        "HUVEC-1/Plate1/B02_s1",
        "HUVEC-1/Plate1/AF48_s1",
        "HUVEC-10/Plate2/C03_s1",
        "HUVEC-10/Plate2/C03_s2",
    ];
    assert_eq!(keys, expected, "{name}");
    let values = |column: &str| table.column(column).unwrap().values.clone();
    let integers = |values: [Option<i64>; 4]| ColumnValues::Integer(values.into_iter().collect());
    let sirna = integers([Some(1138), None, Some(7), Some(0)]);
    assert_eq!(values("sirna_id"), sirna, "{name}");
    let plates = integers([Some(1), Some(1), Some(2), Some(2)]);
    assert_eq!(values("plate"), plates, "{name}");
    let doses = vec![Some(0.5), Some(1.0), None, Some(2e-3)];
    assert_eq!(values("dose"), ColumnValues::Float(doses), "{name}");
    let notes = [Some("x, y"), Some("a \"quote\""), None, Some("µ & ß")];
    assert_eq!(values("note"), strings(&notes), "{name}");
    let control = ["True", "False", "False", "True"].map(Some);
    assert_eq!(values("control"), strings(&control), "{name}");
    let days = ["2019-06-01", "2019-06-02", "2019-06-03", "2019-06-04"].map(Some);
    assert_eq!(values("day"), strings(&days), "{name}");
    assert_eq!(
        table.columns().len(),
        10,
        "{name}: site_id and those of the file"
    );
}

#[test]
fn every_form_of_a_table_is_read_alike() {
    for name in [
        "index.csv",
        "semicolon-utf16.csv",
        "tab-bom.tsv",
        "table.ods",
        "none.parquet",
        "snappy.parquet",
        "gzip.parquet",
        "lz4.parquet",
        "zstd.parquet",
    ] {
        judge(name, &MetadataTable::open(&saved(name)).unwrap());
    }
    let sheet = TableOptions::default().sheet(Some("Sites #1"));
    judge("table.xlsx", &sheet.open(&saved("table.xlsx")).unwrap());
}

#[test]
fn a_sheet_is_chosen_by_its_name() {
    let open = |name: &str, sheet| {
        let options = TableOptions::default().sheet(sheet);
        let error = options.open(&saved(name)).unwrap_err().to_string();
        error.replace(&saved("").display().to_string(), "")
    };
    let named = r#"table.xlsx has the sheets "Notes", "Sites #1""#;
    assert_eq!(
        open("table.xlsx", None),
        format!("{named}; choose one with table.xlsx#SHEET")
    );
    let absent = open("table.xlsx", Some("sites #1"));
    assert!(
        absent.starts_with(&format!("{named}, but not \"sites #1\"")),
        "{absent}"
    );
    let notes = open("table.xlsx", Some("Notes"));
    assert!(
        notes.starts_with("table.xlsx#Notes has no column"),
        "{notes}"
    );
    let other = open("table.ods", Some("x"));
    assert!(other.contains("but not \"x\""), "{other}");
    let text = open("index.csv", Some("x"));
    assert_eq!(
        text,
        "index.csv is no spreadsheet, so it has no sheet \"x\""
    );
}

/// The names of the columns, and the number of those left out with a notice.
fn columns(csv: &str) -> (String, usize) {
    let table = read(csv).unwrap();
    let names: Vec<&str> = table.columns().iter().map(|c| c.name.as_str()).collect();
    let left_out = table.notices().get(ProblemKind::UnnamedColumns);
    (names.join(","), left_out.map_or(0, |problem| problem.count))
}

#[test]
fn columns_that_a_program_added_are_left_out() {
    let kept = "site_id,experiment,plate,well,site,a";
    for (csv, left_out) in [
        (",experiment,plate,well,site,a\n0,E,1,B02,1,x\n", 1),
        (
            "Unnamed: 0,experiment,plate,well,site,a\n0,E,1,B02,1,x\n",
            1,
        ),
        (
            "Unnamed: 0.1,Unnamed: 0,experiment,plate,well,site,a\n0,0,E,1,B02,1,x\n",
            2,
        ),
        ("experiment,plate,well,site,a,\nE,1,B02,1,x,\n", 0),
        ("experiment,plate,well,site,a,\nE,1,B02,1,x\n", 0),
        ("experiment,plate,well,site,a\nE,1,B02,1,x,\n", 0),
        ("experiment;plate;well;site;a;\nE;1;B02;1;x; \n", 0),
        ("experiment,plate,well,site,a,Unnamed: 5\nE,1,B02,1,x,\n", 0),
    ] {
        assert_eq!(columns(csv), (kept.to_owned(), left_out), "{csv}");
    }
    // A column without a name that holds something is not left out in silence.
    let error = error("experiment,plate,well,site,\nE,1,B02,1,x\n");
    assert!(
        error.contains("column 5: the name \"\" is empty"),
        "{error}"
    );
    let (named, _) = columns("experiment,plate,well,site,Unnamed: 4\nE,1,B02,1,x\n");
    assert!(named.ends_with("Unnamed: 4"), "{named}");
}

#[test]
fn plates_and_sites_may_be_floats_of_whole_numbers() {
    let table = read("experiment,plate,well,site\nE,2.0,B02,1.0\nE,10.0,B02,1.0\n").unwrap();
    let keys: Vec<String> = table.keys().iter().map(ToString::to_string).collect();
    assert_eq!(keys, ["E/Plate2/B02_s1", "E/Plate10/B02_s1"]);
    for (column, values) in [("plate", [2, 10]), ("site", [1, 1])] {
        let values = ColumnValues::Integer(values.into_iter().map(Some).collect());
        assert_eq!(table.column(column).unwrap().values, values);
    }
    assert_eq!(ids(&table), ["E_2_B02_1", "E_10_B02_1"]);
}
