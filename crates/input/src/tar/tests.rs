use std::fs;
use std::io::{self, Read};
use std::time::Duration;

use tar::{Builder, EntryType, Header};

use super::error::TarError;
use super::source::TarSource;
use crate::read_error::ReadError;
use crate::source::Source;

mod planned;
mod remote;

/// Adds a member with that name, type and content.
fn add(tar: &mut Builder<Vec<u8>>, name: &str, kind: EntryType, content: &[u8]) {
    let mut header = Header::new_gnu();
    header.set_entry_type(kind);
    header.set_size(content.len() as u64);
    header.set_mode(0o644);
    if kind == EntryType::Symlink || kind == EntryType::Link {
        header.set_link_name("B02_s1_w1.png").unwrap();
    }
    tar.append_data(&mut header, name, content).unwrap();
}

/// A tar of files.
fn tar_of(files: &[(&str, &[u8])]) -> Vec<u8> {
    let mut tar = Builder::new(Vec::new());
    for (name, content) in files {
        add(&mut tar, name, EntryType::Regular, content);
    }
    tar.into_inner().unwrap()
}

fn read(source: &dyn Source, path: &str) -> Result<Vec<u8>, ReadError> {
    let mut bytes = vec![7];
    source.read(path, 1 << 20, &mut bytes)?;
    Ok(bytes)
}

/// The paths of all images that a tar named `name` lists.
fn listed(name: &str, bytes: Vec<u8>) -> Vec<String> {
    let (_, listing) = TarSource::in_memory(name, bytes).unwrap();
    let images = listing.images.into_iter();
    images.map(|image| image.path.into()).collect()
}

#[test]
fn bare_names_are_completed_by_the_name_of_the_tar_and_whole_paths_are_not() {
    let plate = tar_of(&[
        ("AA02_s1_w3.png", b"one"),
        ("./B02_s1_w1.png", b""),
        ("notes.txt", b"text"),
    ]);
    let (source, listing) =
        TarSource::in_memory("/data/gene-081/Plate9.tar", plate.clone()).unwrap();
    let images: Vec<&str> = listing.images.iter().map(|image| &*image.path).collect();
    assert_eq!(
        images,
        [
            "gene-081/Plate9/AA02_s1_w3.png",
            "gene-081/Plate9/B02_s1_w1.png"
        ]
    );
    assert_eq!(read(&source, images[0]).unwrap(), b"one");
    assert_eq!(read(&source, images[1]).unwrap(), b"");
    assert_eq!(source.stamp(images[0]).unwrap().bytes, 3);
    for absent in [
        "AA02_s1_w3.png.",
        "gene-081/Plate9/",
        "gene-081/Plate8/AA02_s1_w3.png",
        "",
    ] {
        let error = read(&source, absent).unwrap_err();
        assert!(error.is_vanished(), "{absent}: {error}");
    }

    let tree = tar_of(&[
        ("rxrx1/HUVEC-01/Plate1/B02_s1_w1.png", b"1"),
        ("rxrx1/metadata.csv", b"experiment"),
    ]);
    let (source, listing) = TarSource::in_memory("data/rxrx1.tar", tree).unwrap();
    assert_eq!(
        &*listing.images[0].path,
        "rxrx1/HUVEC-01/Plate1/B02_s1_w1.png"
    );
    assert_eq!(listing.metadata_candidates, ["rxrx1/metadata.csv"]);
    assert_eq!(read(&source, "rxrx1/metadata.csv").unwrap(), b"experiment");
}

#[test]
fn several_members_are_read_at_once_and_only_as_far_as_asked() {
    let contents: Vec<Vec<u8>> = (0..20_u8)
        .map(|at| vec![at; 600 * usize::from(at)])
        .collect();
    let names: Vec<String> = (0..20)
        .map(|at| format!("B{:02}_s1_w1.png", at + 1))
        .collect();
    let files: Vec<(&str, &[u8])> = names
        .iter()
        .zip(&contents)
        .map(|(name, content)| (name.as_str(), content.as_slice()))
        .collect();
    let (source, _) = TarSource::in_memory("E/Plate1.tar", tar_of(&files)).unwrap();
    let paths: Vec<String> = names
        .iter()
        .rev()
        .map(|name| format!("E/Plate1/{name}"))
        .collect();
    for at_most in [0, 1, 1000, 1 << 20] {
        let mut wanted: Vec<_> = paths
            .iter()
            .map(|path| (path.as_str(), vec![9; 5]))
            .collect();
        let stamps = source.read_all(&mut wanted, at_most);
        for ((stamp, (_, bytes)), content) in stamps.iter().zip(&wanted).zip(contents.iter().rev())
        {
            assert_eq!(stamp.as_ref().unwrap().bytes, content.len() as u64);
            assert_eq!(*bytes, content[..content.len().min(at_most)]);
        }
    }
}

#[test]
fn long_names_of_gnu_and_pax_are_read() {
    let long = format!("{}/HUVEC-1/Plate1/B02_s1_w1.png", "folder/".repeat(40));
    let mut tar = Builder::new(Vec::new());
    add(&mut tar, &long, EntryType::Regular, b"gnu");
    let name = "é".repeat(60) + "/HUVEC-1/Plate1/B02_s1_w2.png";
    tar.append_pax_extensions([("path", name.as_bytes()), ("comment", b"x")])
        .unwrap();
    add(&mut tar, "short.png", EntryType::Regular, b"pax");
    let target = "t/".repeat(120);
    let mut link = Header::new_gnu();
    link.set_entry_type(EntryType::Symlink);
    link.set_size(0);
    tar.append_link(&mut link, "HUVEC-1/Plate1/B02_s1_w3.png", &target)
        .unwrap();
    let (source, listing) = TarSource::in_memory("a.tar", tar.into_inner().unwrap()).unwrap();
    assert_eq!(listing.images.len(), 3);
    assert_eq!(read(&source, &long).unwrap(), b"gnu");
    assert_eq!(read(&source, &name).unwrap(), b"pax");
    let error = read(&source, "HUVEC-1/Plate1/B02_s1_w3.png").unwrap_err();
    assert!(error.to_string().contains("link in the tar"), "{error}");
}

#[test]
fn a_pax_size_decides() {
    // Members of 8 GiB and more have it; any member may.
    let mut tar = Builder::new(Vec::new());
    tar.append_pax_extensions([("size", &b"5"[..])]).unwrap();
    add(&mut tar, "B02_s1_w1.png", EntryType::Regular, b"12345");
    add(&mut tar, "B02_s1_w2.png", EntryType::Regular, b"next");
    let mut bytes = tar.into_inner().unwrap();
    // The header itself says 0.
    let at = 1024;
    bytes[at + 124..at + 135].copy_from_slice(b"00000000000");
    let sum: u32 = (0..512)
        .map(|byte| {
            if (148..156).contains(&byte) {
                32
            } else {
                u32::from(bytes[at + byte])
            }
        })
        .sum();
    bytes[at + 148..at + 156].copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
    let (source, _) = TarSource::in_memory("E/Plate1.tar", bytes).unwrap();
    assert_eq!(read(&source, "E/Plate1/B02_s1_w1.png").unwrap(), b"12345");
    assert_eq!(read(&source, "E/Plate1/B02_s1_w2.png").unwrap(), b"next");
}

#[test]
fn links_sparse_files_and_names_that_lead_out_are_refused_by_name() {
    let mut tar = Builder::new(Vec::new());
    add(&mut tar, "B02_s1_w1.png", EntryType::Regular, b"good");
    add(&mut tar, "B02_s1_w2.png", EntryType::Symlink, b"");
    add(&mut tar, "B02_s1_w3.png", EntryType::Link, b"");
    add(&mut tar, "B02_s1_w4.png", EntryType::Fifo, b"");
    add(&mut tar, "B02_s1_w5.png/", EntryType::Directory, b"");
    tar.append_pax_extensions([
        ("GNU.sparse.major", &b"1"[..]),
        ("GNU.sparse.name", b"B02_s1_w6.png"),
        ("GNU.sparse.realsize", b"5"),
    ])
    .unwrap();
    add(
        &mut tar,
        "GNUSparseFile.0/B02_s1_w6.png",
        EntryType::Regular,
        b"0\n",
    );
    for name in ["/E/Plate1/B03_s1_w1.png", "../Plate1/B03_s1_w1.png"] {
        let mut header = Header::new_gnu();
        header.as_old_mut().name[..name.len()].copy_from_slice(name.as_bytes());
        header.set_size(0);
        header.set_cksum();
        tar.append(&header, &[][..]).unwrap();
    }
    let (source, listing) =
        TarSource::in_memory("E/Plate1.tar", tar.into_inner().unwrap()).unwrap();
    assert_eq!(listing.images.len(), 6);
    assert_eq!(
        listing.unsafe_names,
        [
            "E/Plate1/../Plate1/B03_s1_w1.png",
            "E/Plate1//E/Plate1/B03_s1_w1.png"
        ]
    );
    assert_eq!(read(&source, "E/Plate1/B02_s1_w1.png").unwrap(), b"good");
    for (channel, said, cause) in [
        (2, "link in the tar", "not_a_file"),
        (3, "link in the tar", "not_a_file"),
        (4, "neither a file nor a folder", "not_a_file"),
        (5, "it is a folder", "not_a_file"),
        (6, "sparse file in the tar", "packing_method"),
    ] {
        let error = read(&source, &format!("E/Plate1/B02_s1_w{channel}.png")).unwrap_err();
        assert!(error.to_string().contains(said), "{error}");
        assert!(
            matches!(error, ReadError::Unusable { cause: found, .. } if found.as_str() == cause)
        );
    }
}

#[test]
fn a_sparse_member_of_gnu_is_refused_and_the_next_one_is_read() {
    let mut header = Header::new_gnu();
    header.set_entry_type(EntryType::GNUSparse);
    header.as_old_mut().name[..13].copy_from_slice(b"B02_s1_w1.png");
    header.set_size(512);
    let gnu = header.as_gnu_mut().unwrap();
    gnu.sparse[0].offset.copy_from_slice(b"00000010000\0");
    gnu.sparse[0].numbytes.copy_from_slice(b"00000001000\0");
    gnu.realsize.copy_from_slice(b"00000011000\0");
    header.set_cksum();
    let mut tar = Builder::new(Vec::new());
    tar.append(&header, &[1; 512][..]).unwrap();
    add(&mut tar, "B02_s1_w2.png", EntryType::Regular, b"next");
    let (source, _) = TarSource::in_memory("E/Plate1.tar", tar.into_inner().unwrap()).unwrap();
    let error = read(&source, "E/Plate1/B02_s1_w1.png").unwrap_err();
    assert!(error.to_string().contains("sparse"), "{error}");
    assert_eq!(read(&source, "E/Plate1/B02_s1_w2.png").unwrap(), b"next");
}

fn error_of(bytes: Vec<u8>) -> TarError {
    match TarSource::in_memory("E/Plate1.tar", bytes) {
        Ok((_, listing)) => panic!("{} images", listing.images.len()),
        Err(error) => error,
    }
}

#[test]
fn a_tar_that_is_cut_off_anywhere_is_refused() {
    let bytes = tar_of(&[("B02_s1_w1.png", &[1; 900]), ("B02_s1_w2.png", &[2; 512])]);
    // Two headers, four blocks of data; the two blocks at the end are zeros.
    let end = 512 * 5;
    assert_eq!(bytes.len(), end + 1024);
    assert_eq!(listed("E/Plate1.tar", bytes[..end + 512].to_vec()).len(), 2);
    for length in (1..end + 512)
        .step_by(37)
        .chain([512, 1024, end, end + 511])
    {
        let error = error_of(bytes[..length].to_vec());
        let text = error.to_string();
        assert!(
            text.contains("cut off") || text.contains("damaged"),
            "{length}: {text}"
        );
    }
    let damaged = error_of([&bytes[..1536], &[b'x'; 1024], &bytes[1536..]].concat());
    assert!(
        damaged.to_string().contains("damaged behind byte 1536"),
        "{damaged}"
    );
}

#[test]
fn data_behind_the_end_are_not_left_out_without_a_word() {
    let one = tar_of(&[("B02_s1_w1.png", b"1")]);
    let two = tar_of(&[("B02_s1_w2.png", b"2")]);
    let error = error_of([one.clone(), two].concat());
    assert!(
        error.to_string().contains("several tars in one file"),
        "{error}"
    );
    let filled = [one, vec![0; 20 * 512]].concat();
    assert_eq!(listed("E/Plate1.tar", filled).len(), 1);
}

#[test]
fn a_header_cannot_take_much_memory() {
    let mut header = Header::new_gnu();
    header.set_entry_type(EntryType::GNULongName);
    header.as_old_mut().name[..13].copy_from_slice(b"././@LongLink");
    header.set_size(4 << 20);
    header.set_cksum();
    let mut tar = Builder::new(Vec::new());
    tar.append(&header, io::repeat(b'a').take(4 << 20)).unwrap();
    add(&mut tar, "B02_s1_w1.png", EntryType::Regular, b"1");
    let error = error_of(tar.into_inner().unwrap());
    assert!(error.to_string().contains("more than 1 MiB"), "{error}");
}

/// A tar on a disk, with two images.
fn on_disk() -> (tempfile::TempDir, std::path::PathBuf, TarSource) {
    let folder = tempfile::tempdir().unwrap();
    let plate = folder.path().join("E/Plate1.tar");
    fs::create_dir_all(plate.parent().unwrap()).unwrap();
    fs::write(
        &plate,
        tar_of(&[("B02_s1_w1.png", &[1; 900]), ("B02_s1_w2.png", &[2; 900])]),
    )
    .unwrap();
    let (source, _) = TarSource::open(&plate).unwrap();
    (folder, plate, source)
}

#[test]
fn a_tar_that_changes_while_it_is_read_ends_the_run() {
    const FIRST: &str = "E/Plate1/B02_s1_w1.png";
    for change in ["cut", "overwritten", "replaced", "removed"] {
        let (_folder, plate, source) = on_disk();
        assert_eq!(read(&source, FIRST).unwrap(), [1; 900]);
        let bytes = fs::read(&plate).unwrap();
        let later = fs::metadata(&plate).unwrap().modified().unwrap() + Duration::from_secs(2);
        match change {
            "cut" => fs::write(&plate, &bytes[..1000]).unwrap(),
            "removed" => fs::remove_file(&plate).unwrap(),
            _ => {
                if change == "replaced" {
                    fs::remove_file(&plate).unwrap();
                }
                fs::write(&plate, vec![0; bytes.len()]).unwrap();
                let open = fs::OpenOptions::new().write(true).open(&plate).unwrap();
                // A file system with coarse times must not hide the change.
                open.set_modified(later).unwrap();
            }
        }
        for path in [FIRST, "E/Plate1/B02_s1_w2.png"] {
            let error = read(&source, path).unwrap_err();
            assert!(
                matches!(error, ReadError::Unreachable(_)),
                "{change}: {error}"
            );
        }
    }
}

#[test]
fn the_images_are_not_read_to_find_the_headers() {
    let large = vec![1; 300_000];
    let names: Vec<String> = (1..30).map(|at| format!("B{at:02}_s1_w1.png")).collect();
    let files: Vec<(&str, &[u8])> = names
        .iter()
        .map(|name| (name.as_str(), large.as_slice()))
        .collect();
    let read = super::headers::bytes_read(tar_of(&files));
    assert!(read <= 30 * 4096, "{read} bytes");
    let small: Vec<(&str, &[u8])> = names
        .iter()
        .map(|name| (name.as_str(), &large[..700]))
        .collect();
    let tar = tar_of(&small);
    assert!(super::headers::bytes_read(tar.clone()) <= tar.len());
}
