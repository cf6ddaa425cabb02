use std::io::Cursor;

use super::*;
use crate::column::ColumnValues;
use crate::names::NameOptions;

fn listing(paths: &[&str]) -> Listing {
    Listing::from_paths(paths.iter().map(|&path| path.into()))
}

fn builder(tables: &[&str]) -> MetadataBuilder {
    let mut builder = MetadataBuilder::new(TableOptions::default());
    for (number, table) in tables.iter().enumerate() {
        let name = format!("{number}.csv");
        builder.add(&name, Cursor::new(table.to_string())).unwrap();
    }
    builder
}

/// The rows as text: keys and the cells of a column.
fn rows(table: &MetadataTable, column: &str) -> Vec<String> {
    let keys = table.keys().iter().map(ToString::to_string);
    let cells: Vec<String> = match &table.column(column).unwrap().values {
        ColumnValues::String(values) => values
            .iter()
            .map(|cell| cell.unwrap_or("-").to_owned())
            .collect(),
        ColumnValues::Integer(values) => values.iter().map(|cell| format!("{cell:?}")).collect(),
        ColumnValues::Float(values) => values.iter().map(|cell| format!("{cell:?}")).collect(),
    };
    keys.zip(cells)
        .map(|(key, cell)| format!("{key} {cell}"))
        .collect()
}

fn notice(table: &MetadataTable, kind: ProblemKind) -> (usize, Vec<String>) {
    let found = table.notices().get(kind);
    found.map_or((0, Vec::new()), |problem| {
        (problem.count, problem.examples.clone())
    })
}

#[test]
fn several_tables_are_put_together() {
    let builder = builder(&[
        "experiment,plate,well,site,dose\nE,P2,B02,1,0.5\n",
        "site;well;plate;experiment;note\n1;B02;P1;E;x\n",
    ]);
    let table = builder.finish(&Listing::default()).unwrap();
    assert_eq!(
        rows(&table, "note"),
        ["E/PlateP1/B02_s1 x", "E/PlateP2/B02_s1 -"]
    );
    assert_eq!(
        rows(&table, "dose"),
        ["E/PlateP1/B02_s1 None", "E/PlateP2/B02_s1 Some(0.5)"]
    );
    // An error names the file that the row is from.
    let wrong = self::builder(&[
        "experiment,plate,well,site\nE,1,B02,1\n",
        "experiment,plate,well,site\nE,1,b,1\n",
    ]);
    let error = wrong.finish(&Listing::default()).unwrap_err().to_string();
    assert!(
        error.starts_with("1.csv line 2, column \"well\""),
        "{error}"
    );
}

#[test]
fn a_table_of_wells_gets_a_row_for_each_site_that_has_an_image() {
    let listing = listing(&[
        "HUVEC-01/Plate1/B02_s1_w1.png",
        "HUVEC-01/Plate1/B02_s3_w1.png",
        "HUVEC-01/Plate2/B02_s2_w1.png",
    ]);
    let table = "experiment,plate,well,dose\nHUVEC-1,1,B2,7\nHUVEC-1,2.0,B02,8\nHUVEC-1,2,B03,9\n";
    let table = builder(&[table]).finish(&listing).unwrap();
    assert_eq!(
        rows(&table, "dose"),
        [
            "HUVEC-1/Plate1/B02_s1 Some(7)",
            "HUVEC-1/Plate1/B02_s3 Some(7)",
            "HUVEC-1/Plate2/B02_s2 Some(8)",
            "HUVEC-1/Plate2/B03_s1 Some(9)",
        ]
    );
}

#[test]
fn rows_come_from_the_names_of_images() {
    let options = NameOptions {
        pattern: Some("{plate}_{well}_f{site}_{channel}".to_owned()),
        ..NameOptions::default()
    };
    let paths = [
        "BR2_A1_f2_1.png",
        "BR2_A1_f2_2.png",
        "BR2_A1_f1_1.png",
        "BR1_H12_f1_1.png",
    ];
    let listing = listing(&paths).named(&options, "screen-07").unwrap();
    let mut builder = MetadataBuilder::new(TableOptions::default());
    builder.add_images(&listing);
    let table = builder.finish(&listing).unwrap();
    assert_eq!(
        rows(&table, "well"),
        [
            "screen-7/PlateBR1/H12_s1 H12",
            "screen-7/PlateBR2/A01_s1 A01",
            "screen-7/PlateBR2/A01_s2 A01",
        ]
    );
}

#[test]
fn the_pattern_gives_what_the_table_does_not_have() {
    let options = NameOptions {
        pattern: Some("{well}_{channel}".to_owned()),
        experiment: Some("mine".to_owned()),
        ..NameOptions::default()
    };
    let listing = listing(&["A1_1.png"]).named(&options, "folder").unwrap();
    let table = builder(&["well,dose\nA01,3\n"]).finish(&listing).unwrap();
    assert_eq!(rows(&table, "dose"), ["mine/Plate1/A01_s1 Some(3)"]);
    assert_eq!(table.row(&listing.images[0].plane.key), Some(0));
}

#[test]
fn the_columns_of_cellprofiler_are_taken() {
    let table =
        "Metadata_Plate,Metadata_Well,Metadata_Site,EXPERIMENT,Metadata_broad\nBR1,A01,3,E,x\n";
    let table = builder(&[table]).finish(&Listing::default()).unwrap();
    assert_eq!(rows(&table, "Metadata_broad"), ["E/PlateBR1/A01_s3 x"]);
    let (count, examples) = notice(&table, ProblemKind::RenamedColumns);
    assert_eq!(count, 4);
    assert!(
        examples.contains(&"\"Metadata_Plate\" is taken as plate".to_owned()),
        "{examples:?}"
    );
}

#[test]
fn the_tables_of_kaggle_become_the_published_columns() {
    let listing = listing(&[
        "train/HEPG2-01/Plate1/B02_s1_w1.png",
        "train/HEPG2-01/Plate1/B02_s2_w1.png",
    ]);
    let mut builder = MetadataBuilder::new(TableOptions::default());
    for (name, table) in [
        (
            "x/train.csv",
            "id_code,experiment,plate,well,sirna\nHEPG2-01_1_B02,HEPG2-01,1,B02,sirna_852\n",
        ),
        (
            "x/test.csv",
            "id_code,experiment,plate,well\nU2OS-04_1_C03,U2OS-04,1,C03\n",
        ),
        (
            "x/test_controls.csv",
            "id_code,experiment,plate,well,sirna,well_type\nU2OS-04_1_D04,U2OS-04,1,D04,UNTREATED,negative_control\n",
        ),
    ] {
        builder.add_kaggle(name, Cursor::new(table)).unwrap();
    }
    let table = builder.finish(&listing).unwrap();
    let column = |name: &str| -> Vec<String> {
        rows(&table, name)
            .iter()
            .map(|row| row.rsplit(' ').next().unwrap().to_owned())
            .collect()
    };
    assert_eq!(
        table.site_ids().collect::<Vec<_>>(),
        [
            "HEPG2-01_1_B02_1",
            "HEPG2-01_1_B02_2",
            "U2OS-04_1_C03_1",
            "U2OS-04_1_D04_1"
        ]
    );
    assert_eq!(column("dataset"), ["train", "train", "test", "test"]);
    assert_eq!(
        column("well_type"),
        ["treatment", "treatment", "treatment", "negative_control"]
    );
    assert_eq!(column("cell_type"), ["HEPG2", "HEPG2", "U2OS", "U2OS"]);
    assert_eq!(
        column("sirna"),
        ["sirna_852", "sirna_852", "-", "UNTREATED"]
    );
}

#[test]
fn a_table_is_joined_by_columns() {
    let mut builder = builder(&["experiment,plate,well,site\nE,1,B02,1\nE,1,B03,1\nE,2,B02,1\n"]);
    let on = ["plate", "well"].map(str::to_owned);
    let other = "well,plate,dose\nB2,1.0,5\nB02,02,6\nB04,1,7\n";
    builder
        .join("o.csv", Cursor::new(other), None, &on)
        .unwrap();
    let table = builder.clone().finish(&Listing::default()).unwrap();
    assert_eq!(
        rows(&table, "dose"),
        [
            "E/Plate1/B02_s1 Some(5)",
            "E/Plate1/B03_s1 None",
            "E/Plate2/B02_s1 Some(6)"
        ]
    );
    assert_eq!(
        notice(&table, ProblemKind::RowsNotJoined),
        (1, vec!["1 B03".to_owned()])
    );
    assert_eq!(
        notice(&table, ProblemKind::JoinedRowsUnused),
        (1, vec!["1 B04".to_owned()])
    );
    for (other, told) in [
        (
            "well,plate,dose\nB02,1,5\n",
            "o.csv has the column \"dose\"",
        ),
        (
            "well,plate,x\nB02,1,5\nB2,01,5\n",
            "o.csv lines 2 and 3 are both 1, B02",
        ),
        ("well,x\nB02,5\n", "o.csv has no column \"plate\""),
    ] {
        let error = builder
            .join("o.csv", Cursor::new(other), None, &on)
            .unwrap_err()
            .to_string();
        assert!(error.contains(told), "{error}");
    }
}

/// The table of four wells after a plate map.
fn mapped(map: String) -> Result<MetadataTable, MetadataError> {
    let mut builder =
        builder(&["experiment,plate,well,site\nE,1,A1,1\nE,1,H12,1\nE,2,A01,1\nE,2,B07,1\n"]);
    builder.platemap("map.csv", Cursor::new(map))?;
    builder.finish(&Listing::default())
}

/// A grid whose wells are numbered row by row, with those of `blank` left out.
fn grid(rows: usize, columns: usize, title: Option<&str>, blank: &[usize]) -> String {
    let mut text = String::new();
    if let Some(title) = title {
        let numbers: Vec<String> = (1..=columns).map(|column| column.to_string()).collect();
        text += &format!("{title},{}\n", numbers.join(","));
    }
    for row in 0..rows {
        let cells = (0..columns).map(|column| row * columns + column);
        let cells = cells.map(|well| {
            if blank.contains(&well) {
                String::new()
            } else {
                format!("t{well}")
            }
        });
        let cells: Vec<String> = cells.collect();
        let letter = match row {
            0..26 => char::from(b'A' + row as u8).to_string(),
            _ => format!("A{}", char::from(b'A' + row as u8 - 26)),
        };
        let label = if title.is_some() {
            format!("{letter},")
        } else {
            String::new()
        };
        text += &format!("{label}{}\n", cells.join(","));
    }
    text
}

#[test]
fn a_plate_map_of_each_form_gives_the_same_column() {
    let long = "Well,treatment\nA1,t0\nH12,t95\nB7,t18\n".to_owned();
    let rowwise = "plate,well,treatment\n1,A01,t0\n1,H12,t95\n2,A01,t0\n2,B07,t18\n".to_owned();
    for (map, column) in [
        (long, "treatment"),
        (rowwise, "treatment"),
        (grid(8, 12, Some("treatment"), &[]), "treatment"),
        (grid(8, 12, Some(""), &[]), "platemap"),
        (grid(8, 12, None, &[]), "platemap"),
    ] {
        let table = mapped(map.clone()).unwrap();
        let expected = ["1/A01_s1 t0", "1/H12_s1 t95", "2/A01_s1 t0", "2/B07_s1 t18"];
        let expected = expected.map(|row| format!("E/Plate{row}"));
        assert_eq!(rows(&table, column), expected, "{map}");
    }
    let large = mapped(grid(32, 48, Some(""), &[])).unwrap();
    assert_eq!(
        rows(&large, "platemap")[1],
        format!("E/Plate1/H12_s1 t{}", 7 * 48 + 11)
    );
    let middle = mapped(grid(16, 24, Some("dose"), &[])).unwrap();
    assert_eq!(
        rows(&middle, "dose")[3],
        format!("E/Plate2/B07_s1 t{}", 24 + 6)
    );
}

#[test]
fn wells_without_a_match_are_counted_on_both_sides() {
    let table = mapped(grid(8, 12, Some("x"), &[18])).unwrap();
    let (absent, examples) = notice(&table, ProblemKind::WellsNotInPlatemap);
    assert_eq!((absent, examples), (1, vec!["B07".to_owned()]));
    let (unused, examples) = notice(&table, ProblemKind::PlatemapWellsUnused);
    assert_eq!((unused, examples[0].as_str()), (93, "A02"));
    for (map, told) in [
        ("a,b\n1,2\n", "map.csv is no plate map"),
        (
            "well,x\nA01,1\nZ99,2\n",
            "map.csv line 3, column \"well\": \"Z99\" is not a well",
        ),
        (
            "well,x\nA01,1\nA1,2\n",
            "map.csv lines 2 and 3 are both A01",
        ),
        ("well,site\nA01,1\n", "map.csv has the column \"site\""),
    ] {
        let error = mapped(map.to_owned()).unwrap_err().to_string();
        assert!(error.contains(told), "{error}");
    }
}
