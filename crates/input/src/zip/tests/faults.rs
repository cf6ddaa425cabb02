//! A local archive that fails, changes or is cut while it is read.

use std::fs::{self, OpenOptions};
use std::ops::Range;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use super::*;
use crate::faults::{Faults, IN_A_ROW};

const EIO: i32 = 5;

/// An archive whose bytes in some ranges cannot be read, so many times.
struct Failing {
    bytes: Vec<u8>,
    bad: Bad,
}

impl ReaderAt for Failing {
    fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
        let end = offset + buffer.len() as u64;
        for (range, times) in &mut *self.bad.lock().unwrap() {
            if *times > 0 && range.start < end && offset < range.end {
                *times -= 1;
                return Err(io::Error::from_raw_os_error(EIO));
            }
        }
        self.bytes.read_at(buffer, offset)
    }
}

/// Ranges that fail, with the number of times.
type Bad = Arc<Mutex<Vec<(Range<u64>, usize)>>>;

/// An archive of `files` stored files, the ranges of their data, and the ranges that
/// fail.
fn failing(files: usize) -> (Archive, Vec<Range<u64>>, Bad) {
    let entries: Vec<Made> = (0..files)
        .map(|number| Made::stored(&path(number), &content(number)))
        .collect();
    let bytes = super::archive(&entries);
    let mut offset = 0;
    let mut data = Vec::new();
    for entry in &entries {
        let start = offset + 30 + entry.name.len() as u64;
        offset = start + entry.data.len() as u64;
        data.push(start..offset);
    }
    let bad = Bad::default();
    let length = bytes.len() as u64;
    let (listed, bytes) = listed("a.zip", bytes, length).unwrap();
    let failing = Failing {
        bytes,
        bad: Arc::clone(&bad),
    };
    let mut content = LocalContent::new(Box::new(failing), None);
    content.faults = Faults::with_pauses(&[Duration::ZERO; 3]);
    let (archive, _) = Archive::of(Content::Local(content), listed);
    (archive, data, bad)
}

#[test]
fn bad_bytes_of_one_file_spoil_no_neighbour() {
    let (archive, data, bad) = failing(6);
    read(&archive, &path(0)).unwrap();
    bad.lock().unwrap().push((data[2].clone(), usize::MAX));
    let paths: Vec<String> = (0..6).map(path).collect();
    let mut wanted: Vec<_> = paths.iter().map(|path| (&**path, Vec::new())).collect();
    let results = archive.read_all(&mut wanted, 1 << 20);
    for (number, (result, (_, bytes))) in results.into_iter().zip(&wanted).enumerate() {
        if number == 2 {
            let error = result.unwrap_err();
            assert!(
                matches!(error, ReadError::Unusable { cause, .. } if cause.as_str() == "unreadable")
            );
        } else {
            result.unwrap();
            assert!(*bytes == content(number), "{number}");
        }
    }
    // An error that passes costs nothing: the first read, and three that repeat it.
    bad.lock().unwrap()[0].1 = 4;
    assert!(read(&archive, &path(2)).unwrap().0 == content(2));
}

#[test]
fn an_archive_that_cannot_be_read_at_all_is_no_set_of_bad_images() {
    let (archive, _, bad) = failing(3);
    read(&archive, &path(0)).unwrap();
    bad.lock().unwrap().push((0..u64::MAX, usize::MAX));
    let error = read(&archive, &path(1)).unwrap_err();
    assert!(matches!(error, ReadError::Unreachable(_)), "{error}");
    assert!(error.to_string().contains("neither can"), "{error}");

    let (archive, data, bad) = failing(IN_A_ROW + 2);
    read(&archive, &path(0)).unwrap();
    let ranges = data[1..].iter().map(|range| (range.clone(), usize::MAX));
    bad.lock().unwrap().extend(ranges);
    for number in 1..IN_A_ROW {
        let error = read(&archive, &path(number)).unwrap_err();
        assert!(matches!(error, ReadError::Unusable { .. }), "{error}");
    }
    let error = read(&archive, &path(IN_A_ROW)).unwrap_err();
    assert!(matches!(error, ReadError::Unreachable(_)), "{error}");
    assert!(error.to_string().contains("16 times in a row"), "{error}");
}

#[test]
fn an_archive_that_is_cut_or_overwritten_is_no_set_of_bad_images() {
    let entries: Vec<Made> = (0..4)
        .map(|number| Made::deflated(&path(number), &content(number)))
        .collect();
    let bytes = archive(&entries);
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("a.zip");
    for overwritten in [false, true] {
        fs::write(&file, &bytes).unwrap();
        let (archive, _) = Archive::open(&file).unwrap();
        read(&archive, &path(0)).unwrap();
        if overwritten {
            // A file system with coarse times must not hide the change.
            let later = fs::metadata(&file).unwrap().modified().unwrap();
            fs::write(&file, vec![0; bytes.len()]).unwrap();
            let open = OpenOptions::new().write(true).open(&file).unwrap();
            open.set_modified(later + Duration::from_secs(2)).unwrap();
        } else {
            let open = OpenOptions::new().write(true).open(&file).unwrap();
            open.set_len(40).unwrap();
        }
        for number in 0..4 {
            let error = read(&archive, &path(number)).unwrap_err();
            assert!(matches!(error, ReadError::Unreachable(_)), "{error}");
            assert!(error.to_string().contains("the archive changed"), "{error}");
        }
    }
}

#[test]
fn a_damaged_entry_of_an_archive_that_stays_is_a_bad_image() {
    let mut damaged = Made::stored(&path(1), &content(1));
    damaged.data[7] ^= 1;
    let bytes = archive(&[Made::stored(&path(0), &content(0)), damaged]);
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("a.zip");
    fs::write(&file, bytes).unwrap();
    let (archive, _) = Archive::open(&file).unwrap();
    let error = read(&archive, &path(1)).unwrap_err();
    assert!(matches!(error, ReadError::Unusable { .. }), "{error}");
}
