use std::io::Cursor;
use std::sync::Arc;

use arrow_array::{ArrayRef, Int64Array, StringArray};
use parquet::arrow::ArrowWriter;

use super::*;

fn written(columns: Vec<(&str, ArrayRef)>) -> Vec<u8> {
    let rows = RecordBatch::try_from_iter(columns).unwrap();
    let mut writer = ArrowWriter::try_new(Vec::new(), rows.schema(), None).unwrap();
    writer.write(&rows).unwrap();
    writer.into_inner().unwrap()
}

fn texts(rows: usize) -> ArrayRef {
    Arc::new(StringArray::from_iter_values(
        (0..rows).map(|row| format!("text {row}")),
    ))
}

fn error(file: Vec<u8>, limits: Limits) -> String {
    read_table("t.parquet", Cursor::new(file), limits)
        .unwrap_err()
        .to_string()
}

#[test]
fn limits_hold() {
    let file = written(vec![("a", texts(100)), ("b", texts(100))]);
    let table = read_table("t.parquet", Cursor::new(file.clone()), Limits::TABLE).unwrap();
    assert_eq!((table.len(), table.columns.len()), (100, 2));
    assert_eq!((table.line(0), table.line(99)), (1, 100));
    assert_eq!(table.column("b").unwrap().cell(99), "text 99");
    let limits = Limits::TABLE;
    let cells = error(
        file.clone(),
        Limits {
            cells: 199,
            ..limits
        },
    );
    assert!(cells.contains("more than 199 cells"), "{cells}");
    let columns = error(
        file.clone(),
        Limits {
            columns: 1,
            ..limits
        },
    );
    assert!(columns.contains("2 columns"), "{columns}");
    let bytes = error(
        file,
        Limits {
            bytes: 1000,
            ..limits
        },
    );
    assert!(bytes.contains("more than 1000 bytes"), "{bytes}");
}

#[test]
fn damaged_files_are_refused_and_never_panic() {
    let file = written(vec![
        ("a", texts(50)),
        ("b", Arc::new(Int64Array::from(vec![7; 50]))),
    ]);
    for cut in 0..file.len() {
        let shorter = file.get(..cut).unwrap().to_vec();
        let text = error(shorter, Limits::TABLE);
        assert!(text.contains("t.parquet"), "{text}");
    }
    for at in 0..file.len() {
        let mut other = file.clone();
        other[at] ^= 0x5a;
        // A change may go unnoticed, since a page need not have a checksum.
        let _ = read_table("t.parquet", Cursor::new(other), Limits::TABLE);
    }
}

#[test]
fn a_column_of_lists_is_refused_by_name() {
    let lists =
        arrow_array::ListArray::from_iter_primitive::<arrow_array::types::Float32Type, _, _>(vec![
            Some(vec![Some(1.0)]),
        ]);
    let text = error(written(vec![("a", Arc::new(lists))]), Limits::TABLE);
    assert!(
        text.contains("t.parquet: column \"a\" is of type List"),
        "{text}"
    );
}
