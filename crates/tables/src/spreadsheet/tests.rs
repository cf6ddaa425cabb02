use std::io::{Cursor, Write};

use zip::ZipWriter;
use zip::write::SimpleFileOptions;

use super::*;

/// An archive of files.
fn archive(files: &[(&str, &str)]) -> Cursor<Vec<u8>> {
    let mut archive = ZipWriter::new(Cursor::new(Vec::new()));
    for (name, text) in files {
        archive
            .start_file(*name, SimpleFileOptions::default())
            .unwrap();
        archive.write_all(text.as_bytes()).unwrap();
    }
    let mut file = archive.finish().unwrap();
    file.set_position(0);
    file
}

fn ods(rows: &str) -> Cursor<Vec<u8>> {
    let content = format!(
        "<office:document-content><office:body><office:spreadsheet><table:table table:name=\"A\">\
         {rows}</table:table></office:spreadsheet></office:body></office:document-content>"
    );
    archive(&[("mimetype", ""), ("content.xml", &content)])
}

fn rows(file: Cursor<Vec<u8>>, limits: Limits) -> Result<Vec<Vec<String>>, String> {
    let table = read_table("t.ods", file, Kind::Ods, None, limits);
    let table = table.map_err(|error| error.to_string())?;
    let names = table
        .columns
        .iter()
        .map(|column| column.name.clone())
        .collect();
    let row = |row| {
        let cells = table
            .columns
            .iter()
            .map(|column| column.cells.cell(row).to_owned());
        cells.collect()
    };
    Ok(std::iter::once(names)
        .chain((0..table.len()).map(row))
        .collect())
}

const CELL: &str = "<table:table-cell><text:p>x</text:p></table:table-cell>";

#[test]
fn repeated_cells_and_rows_are_written_out() {
    let header = "<table:table-row><table:table-cell office:value-type=\"string\"><text:p>a</text:p>\
                  </table:table-cell><table:table-cell><text:p>b</text:p></table:table-cell>\
                  <table:table-cell table:number-columns-repeated=\"16382\"/></table:table-row>";
    let row = "<table:table-row table:number-rows-repeated=\"2\"><table:table-cell \
               table:number-columns-repeated=\"2\"><office:annotation><text:p>no</text:p>\
               </office:annotation><text:p>x &amp; <text:span>y</text:span></text:p><text:p>z</text:p>\
               </table:table-cell></table:table-row>";
    let blank = "<table:table-row table:number-rows-repeated=\"1048000\"><table:table-cell \
                 table:number-columns-repeated=\"16384\"/></table:table-row>";
    let found = rows(ods(&[header, row, blank].concat()), Limits::TABLE).unwrap();
    let cells = ["x & y\nz", "x & y\nz"];
    assert_eq!(found, [vec!["a", "b"], cells.to_vec(), cells.to_vec()]);
}

#[test]
fn a_sheet_of_endless_repeats_is_refused() {
    let row = format!(
        "<table:table-row table:number-rows-repeated=\"4000000000\">{}</table:table-row>",
        CELL.replace(
            "<table:table-cell>",
            "<table:table-cell table:number-columns-repeated=\"4000000000\">"
        )
    );
    let error = rows(
        ods(&row),
        Limits {
            cells: 100_000,
            ..Limits::TABLE
        },
    )
    .unwrap_err();
    assert!(error.contains("more than 100000 cells"), "{error}");
}

#[test]
fn damaged_spreadsheets_are_refused() {
    let whole = ods(&format!("<table:table-row>{CELL}</table:table-row>")).into_inner();
    for cut in 0..whole.len() {
        let file = Cursor::new(whole.get(..cut).unwrap().to_vec());
        assert!(rows(file, Limits::TABLE).is_err(), "{cut}");
    }
    let open = archive(&[
        ("mimetype", ""),
        ("content.xml", "<table:table><table:table-row>"),
    ]);
    let error = rows(open, Limits::TABLE).unwrap_err();
    assert!(error.contains("ends in the middle of a sheet"), "{error}");
    for name in ["xl/workbook.xml", "xl/worksheets/sheet1.xml"] {
        let file = archive(&[("[Content_Types].xml", "<"), (name, "<worksheet><")]);
        let error = read_table("t.xlsx", file, Kind::Xlsx, None, Limits::TABLE).unwrap_err();
        assert!(error.to_string().contains("t.xlsx"), "{error}");
    }
}
