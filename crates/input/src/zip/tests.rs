mod faults;
mod hostile;
mod remote;

use std::io::{self, Cursor, Write};

use rawzip::ReaderAt;
use rxrx_metadata::Listing;
use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, ZipWriter};

use super::archive::{Archive, listed};
use super::content::{Content, LocalContent};
use super::error::ArchiveError;
use super::made::{Made, archive};
use crate::read_error::ReadError;
use crate::source::{Source, SourceStamp};

/// Text that deflate makes smaller.
fn content(number: usize) -> Vec<u8> {
    let line = |at| format!("{number} {} {at}\n", number * 7919 + at);
    (0..20 + 300 * (number % 3))
        .flat_map(|at| line(at).into_bytes())
        .collect()
}

fn path(number: usize) -> String {
    format!("images/E-1/Plate{}/B02_s1_w1.png", number + 1)
}

fn open(bytes: Vec<u8>) -> (Archive, Listing) {
    Archive::in_memory("a.zip", bytes).unwrap()
}

fn error(bytes: Vec<u8>) -> String {
    let error = Archive::in_memory("a.zip", bytes).err().unwrap();
    let error: &dyn std::error::Error = &error;
    let cause = error
        .source()
        .map_or(String::new(), |cause| format!(": {cause}"));
    format!("{error}{cause}")
}

fn read(archive: &Archive, path: &str) -> Result<(Vec<u8>, SourceStamp), ReadError> {
    let mut bytes = Vec::new();
    let stamp = archive.read(path, 1 << 20, &mut bytes)?;
    Ok((bytes, stamp))
}

/// Checks that the archive holds the `content` of the first `files` numbers.
#[track_caller]
fn holds(bytes: Vec<u8>, files: usize) {
    let (archive, listing) = open(bytes);
    let mut listed: Vec<&str> = listing.images.iter().map(|image| &*image.path).collect();
    listed.sort_unstable();
    let mut expected: Vec<String> = (0..files).map(path).collect();
    expected.sort_unstable();
    assert_eq!(listed, expected);
    for number in 0..files {
        let (bytes, stamp) = read(&archive, &path(number)).unwrap();
        assert!(bytes == content(number), "{number}");
        assert_eq!(stamp, archive.stamp(&path(number)).unwrap());
        assert_eq!(stamp.bytes, bytes.len() as u64);
        let mut head = Vec::new();
        archive.read(&path(number), 33, &mut head).unwrap();
        assert_eq!(head, bytes[..33]);
    }
    // All at once, in another order, with one that is not there.
    let paths: Vec<String> = (0..files).rev().map(path).chain(["none".into()]).collect();
    let mut wanted: Vec<_> = paths.iter().map(|path| (&**path, vec![9])).collect();
    let stamps = archive.read_all(&mut wanted, 1 << 20);
    assert_eq!(stamps.len(), files + 1);
    for (number, ((_, bytes), stamp)) in (0..files).rev().zip(wanted.iter().zip(&stamps)) {
        assert!(stamp.is_ok() && *bytes == content(number), "{number}");
    }
    let absent = stamps[files].as_ref().unwrap_err();
    assert!(absent.is_vanished(), "{absent}");
}

#[test]
fn entries_that_another_program_packed_are_read() {
    for method in [CompressionMethod::Stored, CompressionMethod::Deflated] {
        for large in [false, true] {
            let options = SimpleFileOptions::default()
                .compression_method(method)
                .large_file(large);
            let mut writer = ZipWriter::new(Cursor::new(Vec::new()));
            writer.add_directory("images/E-1", options).unwrap();
            for number in [3, 1, 2, 0, 5, 4] {
                writer.start_file(path(number), options).unwrap();
                writer.write_all(&content(number)).unwrap();
            }
            holds(writer.finish().unwrap().into_inner(), 6);
        }
    }
}

#[test]
fn data_descriptors_and_extra_fields_are_read() {
    let entry = |number| {
        let made = Made::deflated(&path(number), &content(number));
        match number % 3 {
            0 => made.described(),
            1 => Made {
                local_extra: vec![7; 40 + 600 * (number / 4)],
                ..made
            },
            _ => made,
        }
    };
    let entries: Vec<Made> = (0..9).map(entry).collect();
    let bytes = archive(&entries);
    holds(bytes.clone(), 9);
    // A program that unpacks itself has something before the archive.
    holds([b"#!/bin/sh\n".as_slice(), &bytes].concat(), 9);
}

#[test]
fn neighbours_are_read_by_one_call_and_each_byte_once() {
    use std::sync::{Arc, Mutex};
    struct Counted(Vec<u8>, Arc<Mutex<Vec<(u64, usize)>>>);
    impl ReaderAt for Counted {
        fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
            let read = self.0.read_at(buffer, offset)?;
            self.1.lock().unwrap().push((offset, read));
            Ok(read)
        }
    }
    let entries: Vec<Made> = (0..12)
        .map(|number| Made::stored(&path(number), &content(number)))
        .collect();
    let bytes = archive(&entries);
    let length = bytes.len() as u64;
    let reads = Arc::new(Mutex::new(Vec::new()));
    let counted = Counted(bytes, reads.clone());
    let (listed, counted) = listed("a.zip", counted, length).unwrap();
    let (archive, _) = Archive::of(
        Content::Local(LocalContent::new(Box::new(counted), None)),
        listed,
    );
    reads.lock().unwrap().clear();
    let paths: Vec<String> = (0..12).map(path).collect();
    for half in paths.chunks(6) {
        let mut wanted: Vec<_> = half.iter().map(|path| (&**path, Vec::new())).collect();
        assert!(
            archive
                .read_all(&mut wanted, 1 << 20)
                .iter()
                .all(Result::is_ok)
        );
    }
    let reads = reads.lock().unwrap();
    assert_eq!(reads.len(), 2);
    assert_eq!(
        (reads[0].0, reads[0].0 + reads[0].1 as u64),
        (0, reads[1].0)
    );
}

#[test]
fn tables_are_found_but_not_inside_an_archive_in_the_archive() {
    let entries = [
        "metadata.csv",
        "x/metadata.csv.gz",
        "rxrx1-metadata.zip",
        "a.txt",
    ];
    let entries = entries.map(|name| Made::stored(name, b"x"));
    let (_, listing) = open(archive(&entries));
    assert_eq!(
        listing.metadata_candidates,
        ["metadata.csv", "x/metadata.csv.gz"]
    );
}

#[test]
fn a_changed_entry_has_another_stamp() {
    let stamp = |bytes: &[u8]| {
        let (archive, _) = open(archive(&[Made::stored(&path(0), bytes)]));
        archive.stamp(&path(0)).unwrap()
    };
    assert!(stamp(b"one").may_be(stamp(b"one")));
    assert!(!stamp(b"one").may_be(stamp(b"two")));
}
