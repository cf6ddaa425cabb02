use std::collections::BTreeMap;
use std::sync::Mutex;

use rxrx_decoder::{BitDepth, Decoder, PlaneShape};
use rxrx_metadata::{Listing, NameOptions};

use super::*;
use crate::testing::{Images, png};

/// Files of a source that counts what is read.
struct Counted(Images, &'static Mutex<Vec<String>>);

impl Source for Counted {
    fn read(
        &self,
        path: &str,
        at_most: usize,
        bytes: &mut Vec<u8>,
    ) -> Result<SourceStamp, ReadError> {
        self.1.lock().unwrap().push(path.to_owned());
        self.0.read(path, at_most, bytes)?;
        self.stamp(path)
    }

    fn stamp(&self, path: &str) -> Result<SourceStamp, ReadError> {
        let stamp = self.0.stamp(path)?;
        Ok(SourceStamp {
            version: Some(stamp.bytes + path.len() as u64),
            ..stamp
        })
    }
}

/// The source of planes of `files` by a pattern, the paths of the planes, and the files that
/// are read.
#[allow(clippy::type_complexity, reason = "a test's helper")]
fn source(
    files: &[(&str, Vec<u8>)],
    options: &NameOptions,
) -> (Box<dyn Source>, Vec<String>, &'static Mutex<Vec<String>>) {
    let paths = files.iter().map(|(path, _)| (*path).into());
    let listing = Listing::from_paths(paths).named(options, "x").unwrap();
    let paths = listing.images.iter().map(|image| image.path.to_string());
    let paths = paths.collect();
    let files = files
        .iter()
        .map(|(path, file)| ((*path).to_owned(), file.clone()));
    let read: &'static Mutex<Vec<String>> = Box::leak(Box::default());
    let images = Counted(Images(files.collect::<BTreeMap<_, _>>()), read);
    (
        assembled(Box::new(images), Arc::new(listing.parts)),
        paths,
        read,
    )
}

fn options(pattern: &str, channels: &[&str], z: Option<&str>) -> NameOptions {
    NameOptions {
        pattern: Some(pattern.to_owned()),
        channels: channels.iter().map(|name| (*name).to_owned()).collect(),
        z: z.map(|z| z.parse().unwrap()),
        ..NameOptions::default()
    }
}

/// The plane at `path`, of `height` x `width` pixels of 8 bits.
fn plane(source: &dyn Source, path: &str, height: u32, width: u32) -> Vec<u8> {
    let shape = PlaneShape {
        height,
        width,
        depth: BitDepth::Eight,
    };
    let mut bytes = b"what was here before".to_vec();
    let at_most = source.largest_file(shape.byte_len());
    source.read(path, at_most, &mut bytes).unwrap();
    let mut pixels = vec![0; shape.byte_len()];
    let mut decoder = Decoder::new(Limits::default());
    decoder.decode(&bytes, shape, &mut pixels).unwrap();
    pixels
}

fn pages() -> Vec<u8> {
    include_bytes!("../../../decoder/tests/images/pages-8.tif").to_vec()
}

#[test]
fn the_plane_of_a_stack_is_the_largest_of_its_files() {
    let file = |grey| png(2, 3, grey);
    let files = [
        ("A1_z1_1.png", file(5)),
        ("A1_z2_1.png", file(9)),
        ("A1_z3_1.png", file(7)),
        ("A2_z1_1.png", file(1)),
    ];
    let options = options("{well}_z{z}_{channel}.png", &[], Some("max"));
    let (source, paths, _) = source(&files, &options);
    assert_eq!(paths, ["A1_z1_1.png", "A2_z1_1.png"]);
    assert_eq!(source.files_a_plane(), 3);
    assert_eq!(plane(source.as_ref(), &paths[0], 2, 3), [9; 6]);
    assert_eq!(plane(source.as_ref(), &paths[1], 2, 3), [1; 6]);

    // The stamp is that of all files.
    let mut bytes = Vec::new();
    let stamp = source.read(&paths[0], 1 << 20, &mut bytes).unwrap();
    let total: usize = files[..3].iter().map(|(_, file)| file.len()).sum();
    assert_eq!(stamp.bytes, total as u64);
    assert_eq!(source.stamp(&paths[0]).unwrap(), stamp);
    assert!(stamp.version.is_some());
}

#[test]
fn all_pages_of_a_file_come_from_one_read() {
    let files = [("A1.tif", pages()), ("A2.tif", pages())];
    let names = options("{well}.tif", &["DAPI", "ER", "AGP"], None);
    let (source, paths, read) = source(&files, &names);
    assert_eq!(paths.len(), 6);
    let mut planes: Vec<(&str, Vec<u8>)> = paths
        .iter()
        .map(|path| (path.as_str(), Vec::new()))
        .collect();
    let stamps = source.read_all(&mut planes, source.largest_file(45 * 70));
    assert_eq!(*read.lock().unwrap(), ["A1.tif", "A2.tif"]);
    for ((path, _), stamp) in planes.iter().zip(stamps) {
        let stamp = stamp.unwrap();
        assert_eq!(stamp.bytes, (pages().len() as u64).div_ceil(3));
        assert_eq!(source.stamp(path).unwrap(), stamp);
    }
    for path in &paths {
        plane(source.as_ref(), path, 45, 70);
    }
    assert_eq!(read.lock().unwrap().len(), 2, "the files are kept");
    let first = plane(source.as_ref(), "A1.tif#page=1", 45, 70);
    let second = plane(source.as_ref(), "A2.tif#page=2", 45, 70);
    let half: Vec<u8> = first.iter().map(|sample| sample / 2).collect();
    assert!(second == half);
}

#[test]
fn the_header_of_a_page_is_read_from_its_file() {
    let files = [("A1.tif", pages())];
    let (source, paths, _) = source(&files, &options("{well}.tif", &["a", "b", "c"], None));
    let mut heads: Vec<(&str, Vec<u8>)> = paths
        .iter()
        .map(|path| (path.as_str(), Vec::new()))
        .collect();
    for stamp in source.read_heads(&mut heads, 8) {
        assert_eq!(stamp.unwrap().bytes, (pages().len() as u64).div_ceil(3));
    }
    assert!(heads.iter().all(|(_, head)| *head == pages()[..8]));
}

#[test]
fn an_error_names_the_file_of_a_plane() {
    let stack = [("A1_z1_1.png", png(2, 3, 1)), ("A1_z2_1.png", png(2, 3, 1))];
    let names = options("{well}_z{z}_{channel}.png", &[], Some("max"));
    let listing = Listing::from_paths(stack.iter().map(|(path, _)| (*path).into()));
    let parts = listing.named(&names, "x").unwrap().parts;
    let mut images = Images::default();
    images.0.insert("A1_z1_1.png".to_owned(), png(2, 3, 1));
    let source = assembled(Box::new(images), Arc::new(parts));
    let error = source
        .read("A1_z1_1.png", 1 << 20, &mut Vec::new())
        .unwrap_err();
    assert!(
        error.is_vanished() && error.to_string().starts_with("A1_z2_1.png: "),
        "{error}"
    );
    assert!(source.stamp("A1_z1_1.png").unwrap_err().is_vanished());

    let names = options("{well}.tif", &["a", "b"], None);
    let (source, paths, _) = self::source(&[("A1.tif", pages())], &names);
    let error = source
        .read(&paths[0], 1 << 20, &mut Vec::new())
        .unwrap_err();
    assert_eq!(
        error.to_string(),
        "A1.tif: a TIFF of more than 2 pages, where the channels are 2"
    );
    assert!(matches!(
        error,
        ReadError::Unusable {
            cause: Cause::Page,
            ..
        }
    ));
}

#[test]
fn a_plane_of_too_many_bytes_is_told_from_a_whole_one() {
    let stack = [
        ("A1_z1_1.png", png(40, 40, 1)),
        ("A1_z2_1.png", png(40, 40, 1)),
    ];
    let names = options("{well}_z{z}_{channel}.png", &[], Some("max"));
    let (stacks, stack_paths, _) = source(&stack, &names);
    let (paged, page_paths, _) = source(
        &[("A1.tif", pages())],
        &options("{well}.tif", &["a", "b", "c"], None),
    );
    for (source, path) in [(&stacks, &stack_paths[0]), (&paged, &page_paths[0])] {
        let mut whole = Vec::new();
        source.read(path, 1 << 20, &mut whole).unwrap();
        for at_most in [1, 40, whole.len() - 1] {
            let mut bytes = Vec::new();
            source.read(path, at_most, &mut bytes).unwrap();
            assert_eq!(bytes.len(), at_most);
        }
        let mut again = Vec::new();
        source.read(path, 2 * whole.len(), &mut again).unwrap();
        assert!(again == whole);
    }
}
