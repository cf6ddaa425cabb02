//! Damaged and hostile tables.

use std::io::Cursor;

use rxrx_tables::{Limits, TableFileError};

use super::files::{gzip, written, zip};
use super::*;

pub(super) const HEADER: &str = "experiment,plate,well,site,note\n";

pub(super) const TIGHT: Limits = Limits {
    bytes: 200_000,
    row_bytes: 20_000,
    columns: 20,
    cells: 1_000,
};

fn refused(text: impl Read) -> String {
    let options = TableOptions::default().limits(TIGHT);
    chain(&options.read("m.csv", text).unwrap_err())
}

/// A reader whose rows never end.
struct Endless {
    head: Cursor<Vec<u8>>,
    body: &'static [u8],
    at: usize,
    given: u64,
}

impl Endless {
    fn new(head: &str, body: &'static [u8]) -> Self {
        let head = Cursor::new(head.as_bytes().to_vec());
        Self {
            head,
            body,
            at: 0,
            given: 0,
        }
    }
}

impl Read for Endless {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        let mut count = self.head.read(buffer)?;
        for byte in &mut buffer[count..] {
            *byte = self.body[self.at];
            self.at = (self.at + 1) % self.body.len();
            count += 1;
        }
        self.given += count as u64;
        Ok(count)
    }
}

#[test]
fn a_row_without_end_is_refused_with_its_line() {
    let whole = format!("{HEADER}E,1,B02,1,x\n\nE,1,B03,1,");
    for (body, head, line) in [
        (&b"x"[..], whole.clone(), 4),
        (b"\0", whole.clone(), 4),
        (b",", whole.clone(), 4),
        (b"x\n,", format!("{whole}\""), 4),
        (b"\"\"", format!("{whole}\""), 4),
        (b"a,b", String::new(), 1),
    ] {
        let mut text = Endless::new(&head, body);
        let error = refused(&mut text);
        assert_eq!(
            error,
            format!(
                "m.csv line {line}: the row that begins here is longer than 20000 bytes; \
                 is it a table, and is every quote closed?"
            )
        );
        assert!(text.given < 40_000, "{} bytes were read", text.given);
    }
}

#[test]
fn endless_rows_are_refused_with_a_line() {
    let many = Endless::new(HEADER, b"E,1,B02,1,x\n");
    assert_eq!(
        refused(many),
        "m.csv line 202: the table has more than 1000 cells; leave out columns, or convert the \
         experiments in parts"
    );
    let few_but_long = format!("E,1,B02,1,{}\n", "x".repeat(9_990));
    let few_but_long = Endless::new(HEADER, few_but_long.leak().as_bytes());
    let error = refused(few_but_long);
    assert!(
        error.starts_with("m.csv has more than 200000 bytes of text (line 2"),
        "{error}"
    );
    // Blank lines are not rows; too many of them are refused, too.
    let blank = refused(Endless::new(HEADER, b"\r\n"));
    assert!(blank.contains("longer than 20000 bytes"), "{blank}");
}

#[test]
fn too_many_columns_are_refused() {
    let names = |count: usize| -> String {
        let names: Vec<String> = (0..count).map(|number| format!("c{number}")).collect();
        names.join(",")
    };
    let header = |count| format!("experiment,plate,well,site,{}\n", names(count));
    assert_eq!(
        refused(header(17).as_bytes()),
        "m.csv line 1: the header has 21 columns (expected at most 20); leave some out"
    );
    assert!(refused(header(16).as_bytes()).contains("no rows"));

    // The last of the most columns is there twice. Comparing each name with each
    // other would take too long.
    let header = format!("{},c0\n{}\n", header(9_995).trim_end(), ",".repeat(9_999));
    let error = read(&header).unwrap_err().to_string();
    assert!(error.contains("column 10000"), "{error}");
}

#[test]
fn a_quote_that_is_never_closed_is_an_error() {
    for (text, line) in [
        ("E,1,B02,1,\"x\nE,1,B03,1,y\n", 2),
        ("E,1,B02,1,x\nE,1,B03,1,\"y", 3),
        ("E,1,B02,1,x\n\"E,1,B03,1,y\n", 3),
        ("E,1,B02,1,x\n\"", 3),
        ("E,1,B02,1,x\n\"\n", 3),
        ("E,1,B02,1,\"x\"\"\nE,1,B03,1,\"\"", 2),
    ] {
        for text in [text.to_owned(), text.replace('\n', "\r\n")] {
            assert_eq!(
                error(&format!("{HEADER}{text}")),
                format!(
                    "metadata.csv line {line}: a quote that is opened in this row is never \
                     closed; is the file whole?"
                )
            );
        }
    }
    for (text, note) in [
        ("E,1,B02,1,5\" dish\n", "5\" dish"),
        ("E,1,B02,1,\"a\nb\"", "a\nb"),
        ("E,1,B02,1,\"a\n.\"\r\n", "a\n."),
        ("E,1,B02,1,.", "."),
        ("E,1,B02,1,\"\"\"\"", "\""),
    ] {
        let table = read(&format!("{HEADER}{text}")).unwrap();
        assert_eq!(
            table.column("note").unwrap().values,
            strings(&[Some(note)]),
            "{text:?}"
        );
    }
    // The row that is appended to find open quotes is not part of the table, but an
    // equal row in the text is.
    assert!(error(&format!("{HEADER}E,1,B02,1,x\n.\n")).contains("line 3 has 1 fields"));
    assert!(error(".").contains(r#"its header is ".""#));
}

#[test]
fn the_table_does_not_depend_on_the_size_of_reads() {
    struct ByteByByte<'text>(&'text [u8]);
    impl Read for ByteByByte<'_> {
        fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
            let count = buffer.len().min(1);
            self.0.read(&mut buffer[..count])
        }
    }
    for csv in [
        format!("\u{feff}{SMALL}"),
        SMALL.replace('\n', "\r\n"),
        SMALL.replace('\n', "\r"),
    ] {
        let table = MetadataTable::read("m.csv", ByteByByte(csv.as_bytes())).unwrap();
        assert_eq!(table.columns(), read(SMALL).unwrap().columns());
    }
}

#[test]
fn experiments_named_like_paths_are_plain_names() {
    let long = "x".repeat(5_000);
    for name in [
        "../../etc",
        "/etc/passwd",
        "..\\..\\etc",
        "C:\\Windows",
        "a\0b",
        "HUVEC-01/../../..",
        ".",
        "\u{1b}[2J",
        &*long,
    ] {
        let table = read(&format!("{HEADER}{name},1,B02,1,x\n")).unwrap();
        assert_eq!(table.experiments().collect::<Vec<_>>(), [name]);
        assert_eq!(table.keys()[0].experiment.as_str(), name);
        assert_eq!(ids(&table), [format!("{name}_1_B02_1")]);
    }
    let twice = error(&format!("{HEADER}{long},1,B02,1,x\n{long},1,B02,1,x\n"));
    assert!(twice.len() < 300, "{twice}");
    let site = error(&format!("{HEADER}E,{long},B02,{long},x\n"));
    assert!(site.len() < 300, "{site}");
}

#[test]
fn a_table_that_is_not_a_regular_file_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let error = MetadataTable::open(folder.path()).unwrap_err().to_string();
    assert!(error.ends_with("is no regular file; save the table as one"));
}

#[cfg(unix)]
#[test]
fn a_pipe_is_refused_at_once() {
    let folder = tempfile::tempdir().unwrap();
    let pipe = folder.path().join("metadata.csv");
    let made = std::process::Command::new("mkfifo").arg(&pipe).status();
    assert!(made.unwrap().success());
    let error = MetadataTable::open(&pipe).unwrap_err();
    assert!(
        matches!(error, MetadataError::File(TableFileError::NotAFile { .. })),
        "{error}"
    );
}

#[test]
fn packed_tables_that_unpack_to_too_much_are_refused() {
    let bomb = "x".repeat(3 << 20);
    for (name, content) in [
        ("m.gz", gzip(&bomb)),
        ("m.zip", zip(&[("metadata.csv", &bomb)])),
    ] {
        assert!(content.len() < 1 << 20);
        let file = written(name, &content);
        let error = MetadataTable::open(&file.path).unwrap_err();
        assert!(
            matches!(
                &error,
                MetadataError::File(TableFileError::RowTooLong { line: 1, limit: 1_048_576, name })
                    if name.starts_with(&file.path.display().to_string())
            ),
            "{error}"
        );
    }
}

/// Offset of the first entry of the central directory.
fn central_directory(archive: &[u8]) -> usize {
    archive
        .windows(4)
        .position(|window| window == b"PK\x01\x02")
        .unwrap()
}

#[test]
fn archives_with_wrong_headers_are_refused_or_read_correctly() {
    let sound = zip(&[("metadata.csv", SMALL)]);
    let open = |content: &[u8]| {
        let file = written("m.zip", content);
        MetadataTable::open(&file.path)
            .map(|table| table.len())
            .map_err(|error| chain(&error).replace(&file.path.display().to_string(), "FILE"))
    };
    assert_eq!(open(&sound), Ok(3));

    // Nothing is unpacked to the paths that the names are.
    for name in [
        "../../etc/metadata.csv",
        "/etc/metadata.csv",
        "C:\\metadata.csv",
        "a\u{1b}[2J/metadata.csv",
    ] {
        let error = open(&zip(&[(name, "experiment\n")])).unwrap_err();
        assert!(
            error.contains("metadata.csv has no column") && !error.contains('\u{1b}'),
            "{error}"
        );
    }

    let directory = central_directory(&sound);
    for (what, at, value) in [
        ("encrypted", directory + 8, 1),
        ("an unknown method", directory + 10, 99),
        ("a wrong checksum", directory + 16, 0x55),
        ("a smaller packed size", directory + 20, 9),
        ("a header elsewhere", directory + 42, 7),
    ] {
        let mut wrong = sound.clone();
        wrong[at] = value;
        let error = open(&wrong).unwrap_err();
        assert!(error.contains("FILE"), "{what}: {error}");
    }
    // A wrong unpacked size changes nothing.
    let mut wrong = sound.clone();
    wrong[directory + 24..directory + 28].fill(0xfe);
    match open(&wrong) {
        Ok(rows) => assert_eq!(rows, 3),
        Err(error) => assert!(error.contains("FILE"), "{error}"),
    }
}

#[test]
fn archives_of_many_entries_are_read() {
    let open = |content: &[u8]| {
        let file = written("m.zip", content);
        MetadataTable::open(&file.path)
            .map(|table| table.len())
            .map_err(|error| chain(&error))
    };
    // The end record claims more entries than there are.
    let mut wrong = zip(&[("metadata.csv", SMALL)]);
    let end = wrong.len() - 22;
    wrong[end + 8..end + 12].fill(0xff);
    assert!(open(&wrong).is_err());
    let names: Vec<String> = (0..3_000).map(|number| format!("{number}.txt")).collect();
    let mut entries: Vec<(&str, &str)> = names.iter().map(|name| (name.as_str(), "x")).collect();
    entries.push(("metadata.csv", SMALL));
    assert_eq!(open(&zip(&entries)), Ok(3));
    let names: Vec<String> = (0..3_000).map(|number| format!("{number}.csv")).collect();
    let entries: Vec<(&str, &str)> = names.iter().map(|name| (name.as_str(), "x")).collect();
    let error = open(&zip(&entries)).unwrap_err();
    assert!(
        error.contains("and 2950 more") && error.len() < 2_000,
        "{error}"
    );
}

#[test]
fn infinite_and_malformed_numbers_are_kept_as_text_or_refused() {
    for value in ["NaN", "inf", "-inf", "1e999", "1e3"] {
        let error = error(&format!("{HEADER}E,1,B02,{value},x\n"));
        assert!(
            error.contains("line 2") && error.contains("whole number"),
            "{error}"
        );
        let table = read(&format!("{HEADER}E,{value},B02,1,x\n")).unwrap();
        assert_eq!(table.keys()[0].plate.to_string(), value, "a name");
    }
    let notes = |cells: [&str; 3]| {
        let rows = ["B02", "B03", "B04"].iter().zip(cells);
        let rows: String = rows
            .map(|(well, cell)| format!("E,1,{well},1,{cell}\n"))
            .collect();
        let table = read(&format!("{HEADER}{rows}")).unwrap();
        table.column("note").unwrap().values.clone()
    };
    let ColumnValues::Float(values) = notes(["1", "NaN", ""]) else {
        panic!("a column with a NaN has floats")
    };
    assert!(values[0] == Some(1.0) && values[1].unwrap().is_nan() && values[2].is_none());
    assert_eq!(
        notes(["inf", "-inf", "2"]),
        ColumnValues::Float(vec![
            Some(f64::INFINITY),
            Some(f64::NEG_INFINITY),
            Some(2.0)
        ])
    );
    assert_eq!(
        notes(["NaN", "inf", ""]),
        strings(&[Some("NaN"), Some("inf"), None])
    );
    assert_eq!(
        notes(["1e999", "1", "2"]),
        strings(&[Some("1e999"), Some("1"), Some("2")])
    );
}
