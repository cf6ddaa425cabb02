mod bounds;
mod files;
mod forms;
mod hostile;
mod plates;

use std::error::Error;
use std::io::Read;

use super::column_names::ColumnNameRule;
use super::error::MetadataError;
use super::metadata_table::MetadataTable;
use super::options::TableOptions;
use crate::column::ColumnValues;
use crate::real_data::real_data;
use crate::site::SiteKey;
use crate::well::Well;

const SMALL: &str = "\
site_id,experiment,plate,well,site,dose,sirna_id,note
a,HUVEC-10,1,B02,1,0.5,7,x
b,HUVEC-02,2,C01,1,1,,
c,HUVEC-02,2,B10,2,,1138,\"y, \"\"z\"\"\"
";

fn read(csv: &str) -> Result<MetadataTable, MetadataError> {
    MetadataTable::read("metadata.csv", csv.as_bytes())
}

/// The error and its sources, as the program prints them.
fn error(csv: &str) -> String {
    chain(&read(csv).unwrap_err())
}

fn chain(error: &dyn Error) -> String {
    match error.source() {
        Some(source) => format!("{error}: {}", chain(source)),
        None => error.to_string(),
    }
}

fn ids(table: &MetadataTable) -> Vec<&str> {
    table.site_ids().collect()
}

fn strings(values: &[Option<&str>]) -> ColumnValues {
    ColumnValues::String(values.iter().copied().collect())
}

#[test]
fn rows_are_in_array_order_and_columns_typed() {
    let table = read(SMALL).unwrap();
    assert_eq!(
        (table.len(), table.is_empty(), table.name()),
        (3, false, "metadata.csv")
    );
    assert_eq!(ids(&table), ["c", "b", "a"]);
    assert_eq!(
        table.experiments().collect::<Vec<_>>(),
        ["HUVEC-02", "HUVEC-02", "HUVEC-10"]
    );
    let keys: Vec<String> = table.keys().iter().map(SiteKey::to_string).collect();
    assert_eq!(
        keys,
        [
            "HUVEC-2/Plate2/B10_s2",
            "HUVEC-2/Plate2/C01_s1",
            "HUVEC-10/Plate1/B02_s1"
        ]
    );
    assert_eq!(table.row(&table.keys()[1]), Some(1));

    let names: Vec<&str> = table
        .columns()
        .iter()
        .map(|column| column.name.as_str())
        .collect();
    assert_eq!(names.join(","), SMALL.lines().next().unwrap());
    let values = |name| &table.column(name).unwrap().values;
    assert_eq!(
        *values("plate"),
        ColumnValues::Integer([Some(2), Some(2), Some(1)].into_iter().collect())
    );
    assert_eq!(
        *values("dose"),
        ColumnValues::Float(vec![None, Some(1.0), Some(0.5)])
    );
    assert_eq!(
        *values("sirna_id"),
        ColumnValues::Integer([Some(1138), None, Some(7)].into_iter().collect())
    );
    assert_eq!(
        *values("note"),
        strings(&[Some("y, \"z\""), None, Some("x")])
    );
    assert!(table.column("absent").is_none());
}

#[test]
fn names_that_look_like_numbers_stay_text() {
    let table = read("site_id,experiment,plate,well,site\n2,20,1,B02,1\n1,3,1,B02,1\n").unwrap();
    assert_eq!(
        table.column("site_id").unwrap().values,
        strings(&[Some("2"), Some("1")])
    );
    assert_eq!(
        table.column("experiment").unwrap().values,
        strings(&[Some("20"), Some("3")])
    );
}

#[test]
fn an_absent_site_id_is_derived() {
    let table = read("well,site,plate,experiment\nb2,1,1,E\n").unwrap_err();
    assert!(matches!(table, MetadataError::Value { column: "well", .. }));
    let table = read("well,site,plate,experiment\nB2,1,3,HUVEC-01\nAA02,2,1,HUVEC-01\n").unwrap();
    assert_eq!(table.columns()[0].name, "site_id");
    assert_eq!(ids(&table), ["HUVEC-01_1_AA02_2", "HUVEC-01_3_B02_1"]);
    assert_eq!(
        table.column("well").unwrap().values,
        strings(&[Some("AA02"), Some("B2")])
    );
}

#[test]
fn padding_does_not_change_the_order() {
    let table = |names: [&str; 3]| {
        let rows = names.map(|name| format!("{name},1,B02,1\n")).concat();
        read(&format!("experiment,plate,well,site\n{rows}")).unwrap()
    };
    let padded = table(["HUVEC-10", "HUVEC-02", "HUVEC-01"]);
    assert_eq!(
        padded.keys(),
        table(["HUVEC-10", "HUVEC-2", "HUVEC-1"]).keys()
    );
}

#[test]
fn a_byte_order_mark_and_any_line_end_are_accepted() {
    let plain = read(SMALL).unwrap();
    for csv in [
        format!("\u{feff}{SMALL}"),
        SMALL.replace('\n', "\r\n"),
        SMALL.replace('\n', "\r"),
        SMALL.trim_end().to_owned(),
        SMALL.replace('\n', "\n\n"),
        format!(
            "\u{feff}{}",
            SMALL
                .replace("site_id", "\"site_id\"")
                .replace('\n', "\r\n")
        ),
    ] {
        let table = read(&csv).unwrap();
        assert_eq!(
            (table.columns(), table.keys()),
            (plain.columns(), plain.keys()),
            "{csv:?}"
        );
    }
}

#[test]
fn bad_values_are_named_with_their_line() {
    let header = "experiment,plate,well,site\n";
    for (row, expected) in [
        (
            "E,1,Z99,1",
            r#"column "well": "Z99" is not a well (expected A01 to AF48)"#,
        ),
        (
            "E,1,b02,1",
            r#"column "well": "b02" is not a well (expected A01 to AF48)"#,
        ),
        (
            "E, ,B02,1",
            r#"column "plate": " " is not a plate (expected a number or a name)"#,
        ),
        (
            "E,1,B02,",
            r#"column "site": "" is not a site number (expected a whole number from 1)"#,
        ),
        (
            "E,1,B02,01",
            r#"column "site": "01" is not a site number (expected a whole number from 1)"#,
        ),
        (
            "E,1,B02,4294967296",
            r#"column "site": "4294967296" is not a site number (expected a whole number from 1)"#,
        ),
        (
            " ,1,B02,1",
            r#"column "experiment": " " is not an experiment (expected a name)"#,
        ),
    ] {
        let csv = format!("{header}E,1,B03,1\n{row}\nE,1,B04,1\n");
        assert_eq!(error(&csv), format!("metadata.csv line 3, {expected}"));
    }
}

#[test]
fn lines_are_counted_through_quotes_blank_lines_and_any_line_end() {
    let csv =
        "experiment,plate,well,site,note\nE,1,B02,1,\"two\nlines\"\n\nE,1,B03,1,x\n\nE,1,Z99,1,x\n";
    for (csv, line) in [
        (csv.to_owned(), 7),
        (csv.replace('\n', "\r\n"), 7),
        (csv.replace('\n', "\r"), 7),
        (format!("\u{feff}{csv}"), 7),
        (format!("\n\n{csv}"), 9),
    ] {
        assert!(
            error(&csv).starts_with(&format!("metadata.csv line {line}, ")),
            "{csv:?}: {}",
            error(&csv)
        );
    }
}

#[test]
fn ragged_rows_are_refused() {
    assert_eq!(
        error("experiment,plate,well,site\nE,1,B02,1\nE,1,B03\n"),
        "metadata.csv line 3 has 3 fields (expected 4, as the header has)"
    );
    assert_eq!(
        error("experiment,plate,well,site\r\nE,1,B02,1,x\r\n"),
        "metadata.csv line 2 has 5 fields (expected 4, as the header has)"
    );
}

#[test]
fn two_rows_for_one_site_are_refused() {
    assert_eq!(
        error("experiment,plate,well,site\nHUVEC-01,1,B02,1\nX,1,B02,1\nHUVEC-1,1,B2,1\n"),
        "metadata.csv lines 2 and 4 are both HUVEC-1/Plate1/B02_s1 (expected one line for each site)"
    );
}

#[test]
fn site_ids_are_distinct_and_not_blank() {
    let header = "site_id,experiment,plate,well,site\n";
    assert_eq!(
        error(&format!("{header}a,E,1,B03,1\nb,E,1,B04,1\na,E,1,B02,1\n")),
        r#"metadata.csv lines 2 and 4 have the same site_id "a""#
    );
    assert_eq!(
        error(&format!("{header}a,E,1,B03,1\n,E,1,B02,1\n")),
        r#"metadata.csv line 3, column "site_id": "" is not a site id (expected a name)"#
    );
}

#[test]
fn missing_columns_are_listed_with_those_found() {
    assert_eq!(
        error("experiment,Plate,site\nE,1,1\n"),
        r#"metadata.csv has no column "plate", "well"; its header is "experiment", "Plate", "site""#
    );
}

#[test]
fn empty_long_and_repeated_column_names_are_refused() {
    let long = "x".repeat(201);
    for (column, reason) in [
        ("", "is empty"),
        (" ", "is empty"),
        (&*long, "is longer than 200 bytes"),
        ("well", "is there twice"),
    ] {
        let shown = column.replace(&long, &format!("{}…", "x".repeat(100)));
        assert_eq!(
            error(&format!(
                "experiment,plate,well,site,{column}\nE,1,B02,1,x\n"
            )),
            format!(
                "metadata.csv line 1, column 5: the name {shown:?} {reason}; rename the column"
            )
        );
    }
    // Without a rule, names may differ by case alone.
    read("experiment,plate,well,site,Well\nE,1,B02,1,x\n").unwrap();
}

#[test]
fn a_rule_refuses_column_names() {
    let rule = ColumnNameRule {
        refusal: |column| (column == "secret").then(|| "is reserved".to_owned()),
        key: str::to_ascii_lowercase,
        collision: |column, earlier| format!("is {earlier:?} again as {column:?}"),
    };
    let options = TableOptions::default().column_names(rule);
    for (columns, reason) in [
        ("site,secret", r#"column 5: the name "secret" is reserved"#),
        (
            "site,WELL",
            r#"column 5: the name "WELL" is "well" again as "WELL""#,
        ),
        // The derived column has a name, too.
        (
            "site,Site_ID",
            r#"column 5: the name "Site_ID" is "site_id" again as "Site_ID""#,
        ),
    ] {
        let csv = format!("experiment,plate,well,{columns}\nE,1,B02,1,x\n");
        let error = options.read("m.csv", csv.as_bytes()).unwrap_err();
        assert_eq!(
            error.to_string(),
            format!("m.csv line 1, {reason}; rename the column")
        );
    }
}

#[test]
fn text_without_rows_and_text_that_is_not_utf_8_are_refused() {
    for csv in ["", "\u{feff}", "\n\r\n"] {
        assert_eq!(
            error(csv),
            "metadata.csv is empty (expected a header and one line for each site)"
        );
    }
    assert_eq!(
        error("experiment,plate,well,site\n\n"),
        "metadata.csv has a header but no rows (expected one line for each site)"
    );
    let latin1 = b"experiment,plate,well,site\r\nE,1,B02,1\r\n\xfcber,1,B03,1\r\n";
    let error = MetadataTable::read("metadata.csv", latin1.as_slice()).unwrap_err();
    assert_eq!(
        error.to_string(),
        "metadata.csv line 3 is not UTF-8 text; save the table as UTF-8"
    );
}

#[test]
fn a_failing_reader_is_reported_with_its_cause() {
    struct Broken;
    impl Read for Broken {
        fn read(&mut self, _: &mut [u8]) -> std::io::Result<usize> {
            Err(std::io::Error::other("the disk failed"))
        }
    }
    let error = MetadataTable::read("metadata.csv", Broken).unwrap_err();
    assert_eq!(chain(&error), "cannot read metadata.csv: the disk failed");
}

#[test]
fn rows_can_be_dropped() {
    let mut table = read(SMALL).unwrap();
    table.retain_rows(&[0, 2]);
    assert_eq!((table.len(), table.keys().len()), (2, 2));
    assert_eq!(ids(&table), ["c", "a"]);
    assert!(
        table
            .columns()
            .iter()
            .all(|column| column.values.len() == 2)
    );
}

#[test]
fn any_bytes_give_a_table_or_an_error_that_names_the_file() {
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    let mut random = move |below: usize| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state as usize % below
    };
    let (mut tables, mut errors) = (0, 0);
    for _ in 0..5_000 {
        let mut bytes = SMALL.as_bytes().to_vec();
        for _ in 0..=random(3) {
            let at = random(bytes.len());
            let odd = b"\"\r\n,\0\xff\xef 09AB_-w".as_slice();
            bytes[at] = odd[random(odd.len())];
        }
        bytes.truncate(bytes.len() - random(2) * random(60));
        match MetadataTable::read("m.csv", bytes.as_slice()) {
            Ok(table) => tables += usize::from(table.keys().is_sorted_by(|a, b| a < b)),
            Err(error) => errors += usize::from(error.to_string().starts_with("m.csv ")),
        }
    }
    assert_eq!(tables + errors, 5_000);
    assert!(
        tables > 100 && errors > 100,
        "{tables} tables, {errors} errors"
    );
}

/// Reads the published table if it is beside the working copy.
#[test]
fn the_published_table_is_read() {
    let Some(path) = real_data("../rxrx1-metadata-125510.csv.gz") else {
        return;
    };
    let table = MetadataTable::open(&path).unwrap();
    assert_eq!(table.len(), 125_510);
    let experiments: std::collections::BTreeSet<&str> = table.experiments().collect();
    assert_eq!(experiments.len(), 51);
    assert!(table.keys().is_sorted_by(|a, b| a < b));
    let first: Well = "B02".parse().unwrap();
    assert_eq!(
        (table.keys()[0].to_string().as_str(), table.keys()[0].well),
        ("HEPG2-1/Plate1/B02_s1", first)
    );
    for name in ["plate", "site", "sirna_id"] {
        assert!(
            matches!(table.column(name).unwrap().values, ColumnValues::Integer(_)),
            "{name}"
        );
    }
}
