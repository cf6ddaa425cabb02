//! Archives that are damaged, or whose headers are wrong.

use super::*;

/// A correct entry beside the wrong ones.
fn good() -> Made {
    Made::stored(&path(1), &content(1))
}

/// The error and the cause of the first of two entries; the second must be readable.
#[track_caller]
fn first(entry: Made) -> (String, &'static str) {
    let (archive, listing) = open(archive(&[entry, good()]));
    assert_eq!(listing.images.len(), 2);
    assert!(read(&archive, &path(1)).unwrap().0 == content(1));
    let error = read(&archive, &path(0)).unwrap_err();
    let ReadError::Unusable { cause, .. } = &error else {
        panic!("{error}");
    };
    (error.to_string(), cause.as_str())
}

fn stored() -> Made {
    Made::stored(&path(0), &content(0))
}

fn deflated() -> Made {
    Made::deflated(&path(0), &content(0))
}

/// Checks that each entry is a bad image with its text and its cause.
#[track_caller]
fn are_bad(cases: impl IntoIterator<Item = (Made, &'static str, &'static str)>) {
    for (entry, text, counted) in cases {
        let (error, cause) = first(entry);
        assert!(error.contains(text), "{text}: {error}");
        assert_eq!(cause, counted, "{error}");
    }
}

#[test]
fn an_entry_with_damaged_data_is_a_bad_image_with_its_cause() {
    let mut flipped = stored();
    flipped.data[5] ^= 1;
    let mut damaged = deflated();
    damaged.data[0] = 0xff;
    are_bad([
        (flipped, "its CRC-32 is", "archive_checksum"),
        (damaged, "its deflate data are damaged", "archive_data"),
    ]);
}

#[test]
fn an_entry_with_wrong_sizes_is_a_bad_image_with_its_cause() {
    let size = content(0).len() as u32;
    let unpacks_to = |unpacked, made| Made { unpacked, ..made };
    are_bad([
        (
            unpacks_to(size - 1, deflated()),
            "it unpacks to more than",
            "archive_data",
        ),
        (
            unpacks_to(size + 1, deflated()),
            "and not to",
            "archive_data",
        ),
        (
            unpacks_to(size + 1, stored()),
            "sizes in the archive cannot be",
            "archive_entry",
        ),
        // A bomb: a few bytes that claim to be gigabytes.
        (
            unpacks_to(u32::MAX - 2, deflated()),
            "sizes in the archive cannot be",
            "archive_entry",
        ),
        (
            unpacks_to(u32::MAX, deflated()),
            "4 GiB or more",
            "too_large",
        ),
    ]);
}

#[test]
fn an_entry_of_a_wrong_kind_is_a_bad_image_with_its_cause() {
    let mut encrypted = stored();
    encrypted.flags = 1;
    let mut bzip2 = stored();
    bzip2.method = 12;
    let mut renamed = stored();
    renamed.local_name = path(7).into();
    let mut misplaced = stored();
    misplaced.offset = Some(u32::MAX / 2);
    let mut link = stored();
    link.mode = 0o120_777;
    let mut folder = stored();
    folder.name = format!("{}/", path(0)).into();
    are_bad([
        (encrypted, "it is encrypted", "encrypted"),
        (bzip2, "12 (BZIP2); make the archive with", "packing_method"),
        (renamed, "its name in the local header", "archive_entry"),
        (misplaced, "there is no entry where", "archive_entry"),
        (link, "it is a symbolic link", "not_a_file"),
        (folder, "it is a folder", "not_a_file"),
    ]);
}

#[test]
fn a_local_header_that_contradicts_the_directory_is_an_error() {
    let entries = [Made::stored(&path(0), &content(0)), good()];
    let whole = archive(&entries);
    let offsets = [
        (0, "there is no entry"),
        (6, "encrypted"),
        (8, "method"),
        (14, "CRC-32"),
        (18, "packed size"),
        (22, "unpacked size"),
        (26, "name"),
        (30, "name"),
        (29, "overlap"), // an extra field of so many bytes more
    ];
    for (at, said) in offsets {
        let mut bytes = whole.clone();
        bytes[at] ^= 1;
        let (archive, _) = open(bytes);
        let error = read(&archive, &path(0)).unwrap_err().to_string();
        assert!(error.contains(said), "byte {at}: {error}");
        assert!(read(&archive, &path(1)).is_ok());
    }
}

#[test]
fn entries_that_overlap_are_all_refused() {
    // One entry has all the others in its data, as bombs do.
    let inner = [path(1), path(2)].map(|name| Made::stored(&name, &content(0)));
    let mut quoted = archive(&inner);
    quoted.truncate(
        quoted
            .windows(4)
            .position(|four| four == b"PK\x01\x02")
            .unwrap(),
    );
    let outer = Made::stored(&path(0), &quoted);
    let start = 30 + outer.name.len() as u32;
    let second = start + inner[0].data.len() as u32 + start;
    let at = |made: &Made, offset| Made {
        offset: Some(offset),
        local_name: Vec::new(),
        data: Vec::new(),
        ..made.clone()
    };
    let (all, listing) = open(archive(&[
        outer,
        at(&inner[0], start),
        at(&inner[1], second),
        Made::stored(&path(3), &content(3)),
    ]));
    assert_eq!(listing.images.len(), 4);
    for number in 0..3 {
        let error = read(&all, &path(number)).unwrap_err().to_string();
        assert!(error.contains("overlap"), "{number}: {error}");
    }
    // Two names for one entry.
    let twin = Made {
        offset: Some(0),
        ..Made::stored(&path(1), &content(0))
    };
    let (twins, _) = open(archive(&[Made::stored(&path(0), &content(0)), twin]));
    for number in 0..2 {
        assert!(read(&twins, &path(number)).is_err());
    }
}

#[test]
fn unsafe_and_unreadable_names_are_listed_and_not_used() {
    let image = "E/Plate1/B02_s1_w1.png";
    let named = |name: &[u8]| Made {
        name: name.to_vec(),
        local_name: name.to_vec(),
        ..good()
    };
    let entries = [
        named(b"../E/Plate1/B02_s1_w1.png"),
        named(b"/E/Plate1/B02_s1_w1.png"),
        named(b"a/../../E/Plate1/B02_s1_w1.png"),
        named(b"C:/E/Plate1/B02_s1_w1.png"),
        named(b"..\\E\\Plate1\\B02_s1_w1.png"),
        named(b"E/Plate1/B02_s1_w1.png\0.txt"),
        named(b"\xff/Plate1/B02_s1_w1.png"),
        named(b""),
        named(b"E\\Plate1\\B02_s1_w2.png"),
        named(image.as_bytes()),
    ];
    let (archive, listing) = open(archive(&entries));
    let images: Vec<&str> = listing.images.iter().map(|image| &*image.path).collect();
    // The separator of Windows is accepted.
    assert_eq!(images, [image, "E/Plate1/B02_s1_w2.png"]);
    for image in images {
        assert!(read(&archive, image).unwrap().0 == content(1));
    }
    assert_eq!(
        (listing.unsafe_names.len(), listing.unreadable_names.len()),
        (5, 3)
    );
}

#[test]
fn two_entries_of_one_name_are_listed_twice() {
    let (_, listing) = open(archive(&[good(), good()]));
    assert_eq!(listing.images.len(), 2);
}

#[test]
fn an_archive_cut_anywhere_is_an_error_that_names_it() {
    let whole = archive(&[Made::stored(&path(0), b"0123456789"), good()]);
    for length in 0..whole.len() {
        let error = error(whole[..length].to_vec());
        assert!(error.contains("a.zip"), "{error}");
        let said = if length < 4 {
            "neither a folder nor a zip"
        } else {
            "get it again"
        };
        assert!(error.contains(said), "{length}: {error}");
    }
}

#[test]
fn a_wrong_end_record_is_an_error() {
    let whole = archive(&[Made::stored(&path(0), b"0123456789"), good()]);
    let end = whole.len() - 22;
    let with = |at: usize, value: &[u8]| {
        let mut bytes = whole.clone();
        bytes[end + at..][..value.len()].copy_from_slice(value);
        error(bytes)
    };
    for (at, value, said) in [
        (4, &[1, 0, 1, 0][..], "of several files"),
        (10, &[3, 0], "says that it has 3 entries, and has 2"),
        (10, &[0xff, 0xff], "says that it has 65535 entries"),
        (16, &[9, 0, 0, 0, 0][..4], "is damaged"),
        (16, &[0xff, 0xff, 0xff, 0x7f], "is damaged"),
    ] {
        // The reader corrects a wrong offset if the size is right.
        let value_size = if at == 16 { Some(()) } else { None };
        let text = match value_size {
            Some(()) => {
                let mut bytes = whole.clone();
                bytes[end + 12..end + 16].copy_from_slice(&[1, 0, 0, 0]);
                bytes[end + at..][..4].copy_from_slice(value);
                error(bytes)
            }
            None => with(at, value),
        };
        assert!(text.contains(said), "{at}: {text}");
    }
}

#[test]
fn a_wrong_zip64_record_is_an_error_and_takes_no_memory() {
    let options = SimpleFileOptions::default().compression_method(CompressionMethod::Stored);
    let mut writer = ZipWriter::new(Cursor::new(Vec::new()));
    for number in 0..70_000 {
        writer.start_file(format!("{number}"), options).unwrap();
    }
    let whole = writer.finish().unwrap().into_inner();
    assert_eq!(open(whole.clone()).0.directory.len(), 70_000);
    let record = whole
        .windows(4)
        .rposition(|four| four == b"PK\x06\x06")
        .unwrap();
    let with = |at: usize, value: u64| {
        let mut bytes = whole.clone();
        bytes[record + at..][..8].copy_from_slice(&value.to_le_bytes());
        bytes
    };
    for (at, value) in [(24, 1_000_000_000_000), (48, u64::MAX), (48, 5)] {
        let text = error(with(at, value));
        assert!(text.contains("get it again"), "{at}: {text}");
    }
    // The size of the directory is known without it.
    assert_eq!(open(with(40, u64::MAX)).0.directory.len(), 70_000);
}

#[test]
fn any_bytes_give_whole_files_or_errors() {
    let whole = archive(&[
        Made::stored(&path(0), &content(0)),
        Made::deflated(&path(1), &content(1)).described(),
        Made::deflated("metadata.csv", b"experiment,plate,well,site\n"),
    ]);
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    let mut random = move |below: usize| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state as usize % below
    };
    let (mut good, mut bad) = (0, 0);
    for _ in 0..3_000 {
        let mut bytes = whole.clone();
        for _ in 0..=random(3) {
            let at = random(bytes.len());
            bytes[at] = [0, 1, 0xff, 0x80, b'P'][random(5)];
        }
        let Ok((archive, listing)) = Archive::in_memory("a.zip", bytes) else {
            bad += 1;
            continue;
        };
        for image in &listing.images {
            match read(&archive, &image.path) {
                Ok((bytes, _)) => {
                    good += 1;
                    assert!(bytes == content(0) || bytes == content(1));
                }
                Err(_) => bad += 1,
            }
        }
    }
    assert!(good > 300 && bad > 300, "{good} good, {bad} bad");
}
