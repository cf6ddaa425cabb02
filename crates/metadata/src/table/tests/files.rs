//! Tables in files, compressed or not, and in archives.

use std::io::{Cursor, Write};
use std::path::PathBuf;

use flate2::Compression;
use flate2::write::GzEncoder;
use zip::ZipWriter;
use zip::write::SimpleFileOptions;

use super::*;

pub(super) fn gzip(content: &str) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(content.as_bytes()).unwrap();
    encoder.finish().unwrap()
}

pub(super) fn zip(entries: &[(&str, &str)]) -> Vec<u8> {
    let mut archive = ZipWriter::new(Cursor::new(Vec::new()));
    for (name, content) in entries {
        archive
            .start_file(*name, SimpleFileOptions::default())
            .unwrap();
        archive.write_all(content.as_bytes()).unwrap();
    }
    archive.finish().unwrap().into_inner()
}

pub(super) struct Written {
    _folder: tempfile::TempDir,
    pub(super) path: PathBuf,
}

pub(super) fn written(name: &str, content: &[u8]) -> Written {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join(name);
    std::fs::write(&path, content).unwrap();
    Written {
        _folder: folder,
        path,
    }
}

#[test]
fn the_content_of_a_file_decides_how_it_is_read() {
    let two_members = [gzip(&SMALL[..40]), gzip(&SMALL[40..])].concat();
    let resource_fork = zip(&[
        ("rxrx1/metadata.csv", SMALL),
        ("__MACOSX/rxrx1/._metadata.csv", "x"),
    ]);
    for (name, content) in [
        ("metadata.csv", SMALL.as_bytes().to_vec()),
        ("metadata.csv.gz", gzip(SMALL)),
        ("misnamed.csv", gzip(SMALL)),
        ("misnamed.gz", SMALL.as_bytes().to_vec()),
        ("two.csv.gz", two_members),
        (
            "rxrx1-metadata.zip",
            zip(&[("rxrx1/table.csv", SMALL), ("rxrx1/README.md", "x")]),
        ),
        (
            "several.zip",
            zip(&[("a.csv", "x"), ("b/metadata.csv", SMALL), ("z.csv", "x")]),
        ),
        ("misnamed.csv", zip(&[("table.CSV", SMALL)])),
        ("mac.zip", resource_fork),
    ] {
        let file = written(name, &content);
        let table = MetadataTable::open(&file.path).unwrap();
        assert_eq!(ids(&table), ["c", "b", "a"], "{name}");
    }
}

#[test]
fn errors_name_the_file_inside_the_archive() {
    let file = written(
        "m.zip",
        &zip(&[(
            "rxrx1/metadata.csv",
            "experiment,plate,well,site\nE,1,Z99,1\n",
        )]),
    );
    let error = MetadataTable::open(&file.path).unwrap_err().to_string();
    assert!(
        error.starts_with(&format!(
            "{}:rxrx1/metadata.csv line 2, ",
            file.path.display()
        )),
        "{error}"
    );
}

#[test]
fn files_that_hold_no_table_are_refused() {
    let open = |file: &Written| {
        let error = chain(&MetadataTable::open(&file.path).unwrap_err());
        error.replace(&file.path.display().to_string(), "FILE")
    };
    let must = "FILE must hold one .csv file, or one named metadata.csv; it holds";
    let cases = [
        (zip(&[]), format!("{must} none")),
        (zip(&[("readme.txt", "")]), format!("{must} none")),
        (
            zip(&[("a.csv", ""), ("b.csv", "")]),
            format!(r#"{must} "a.csv", "b.csv""#),
        ),
        (
            zip(&[("b/metadata.csv", ""), ("a/metadata.csv", "")]),
            format!(r#"{must} "a/metadata.csv", "b/metadata.csv""#),
        ),
    ];
    for (content, expected) in cases {
        assert_eq!(open(&written("m.zip", &content)), expected);
    }
    let cut = |content: Vec<u8>| content[..content.len() - 12].to_vec();
    assert!(open(&written("m.gz", &cut(gzip(SMALL)))).starts_with("cannot read FILE: "));
    assert!(
        open(&written("m.zip", &cut(zip(&[("a.csv", SMALL)]))))
            .starts_with("cannot read FILE as a zip archive: ")
    );

    let file = written("m.csv", b"");
    std::fs::remove_file(&file.path).unwrap();
    assert!(
        open(&file).starts_with("cannot read FILE: No such file"),
        "{}",
        open(&file)
    );
}
