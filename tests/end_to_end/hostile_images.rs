//! What may lie where an image is expected, all in one run: each is recorded by
//! its cause, and every other plane is right.
#![cfg(unix)]

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::Write;
use std::os::unix::fs::symlink;
use std::os::unix::net::UnixListener;
use std::path::Path;
use std::process::Command;

use flate2::Compression;
use flate2::write::ZlibEncoder;

use super::dataset::Dataset;
use super::input::Input;
use super::run::convert;

/// Plane (site, channel), cause, and what the error says.
type Expected = ((usize, u16), &'static str, &'static str);

const EXPECTED: [Expected; 17] = [
    ((0, 1), "not_a_file", "it is a folder, not a file"),
    ((0, 2), "not_a_file", "it is a pipe, not a file"),
    ((0, 3), "not_a_file", "it is a socket, not a file"),
    ((0, 4), "vanished", "No such file"),
    ((0, 5), "system", "Too many levels of symbolic links"),
    ((0, 6), "too_large", "too large for an image of this array"),
    ((1, 1), "shape", "expected"),
    ((1, 2), "shape", "expected"),
    ((1, 3), "dimensions_limit", "beyond the limit"),
    ((1, 4), "too_much_pixel_data", "header promises"),
    ((1, 5), "adler32", "Adler-32"),
    ((1, 6), "chunk_crc", "CRC-32"),
    ((2, 1), "truncated", "truncated"),
    ((2, 2), "empty", "empty"),
    ((2, 3), "signature", "neither PNG"),
    ((2, 4), "critical_chunk", "unknown critical chunk"),
    ((2, 5), "tiff", "a damaged TIFF"),
];
/// Its bomb goes off in nobody's hands: texts are not read.
const BOMB_IN_A_TEXT: (usize, u16) = (2, 6);

fn chunk(name: &[u8; 4], data: &[u8]) -> Vec<u8> {
    let mut crc = flate2::Crc::new();
    crc.update(name);
    crc.update(data);
    let length = (data.len() as u32).to_be_bytes();
    [&length, name, data, &crc.sum().to_be_bytes()].concat()
}

fn zlib(data: &[u8]) -> Vec<u8> {
    let mut encoder = ZlibEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(data).unwrap();
    encoder.finish().unwrap()
}

/// A greyscale PNG with any header, texts and stream.
fn png(width: u32, height: u32, bits: u8, texts: &[u8], stream: &[u8]) -> Vec<u8> {
    let size = [width.to_be_bytes(), height.to_be_bytes()].concat();
    let header = [&size[..], &[bits, 0, 0, 0, 0]].concat();
    [
        b"\x89PNG\r\n\x1a\n",
        &chunk(b"IHDR", &header)[..],
        texts,
        &chunk(b"IDAT", stream),
        &chunk(b"IEND", &[]),
    ]
    .concat()
}

/// Puts all of [`EXPECTED`] into place.
fn spoil(input: &Input) -> UnixListener {
    let at = |site, channel| input.image(site, channel);
    for channel in 1..=6 {
        fs::remove_file(at(0, channel)).unwrap();
    }
    fs::create_dir_all(at(0, 1).join("deeper")).unwrap();
    assert!(
        Command::new("mkfifo")
            .arg(at(0, 2))
            .status()
            .unwrap()
            .success()
    );
    let socket = UnixListener::bind(at(0, 3)).unwrap();
    symlink("nowhere", at(0, 4)).unwrap();
    symlink(at(0, 5).file_name().unwrap(), at(0, 5)).unwrap();
    File::create(at(0, 6)).unwrap().set_len(1 << 40).unwrap();

    input.write_image(1, 1, 12, 21);
    let deep = image::ImageBuffer::from_pixel(20, 12, image::Luma([9u16]));
    deep.save(at(1, 2)).unwrap();
    let bomb = zlib(&vec![0; 1 << 20]);
    let rows = vec![0; 12 * 21];
    let mut wrong_sum = zlib(&rows);
    *wrong_sum.last_mut().unwrap() ^= 1;
    let sound = || fs::read(at(3, 1)).unwrap();
    let changed = |change: fn(&mut Vec<u8>)| {
        let mut png = sound();
        change(&mut png);
        png
    };
    let compressed_text = [b"Comment\0\0", &bomb[..]].concat();
    let compressed_profile = [b"profile\0\0", &bomb[..]].concat();
    let texts = [
        chunk(b"iCCP", &compressed_profile),
        chunk(b"zTXt", &compressed_text),
    ];
    for ((site, channel), png) in [
        ((1, 3), png(0x7fff_ffff, 0x7fff_ffff, 8, &[], &bomb)),
        ((1, 4), png(20, 12, 8, &[], &bomb)),
        ((1, 5), png(20, 12, 8, &[], &wrong_sum)),
        (
            (1, 6),
            changed(|png| {
                let middle = png.len() / 2;
                png[middle] ^= 1;
            }),
        ),
        ((2, 1), changed(|png| png.truncate(png.len() / 2))),
        ((2, 2), Vec::new()),
        ((2, 3), changed(|png| png[1] = b'J')),
        ((2, 4), png(20, 12, 8, &chunk(b"ABCD", &[]), &zlib(&rows))),
        ((2, 5), b"II*\0\x08\0\0\0".to_vec()),
        (
            BOMB_IN_A_TEXT,
            png(20, 12, 8, &texts.concat(), &zlib(&rows)),
        ),
    ] {
        fs::write(at(site, channel), png).unwrap();
    }
    socket
}

#[test]
fn each_is_recorded_by_its_cause_and_the_run_goes_on() {
    let input = Input::of_sites(10);
    let _socket = spoil(&input);
    let told = convert(&input.root(), &input.output(), "--json")
        .exits_with(3)
        .reports_each(&["too few to be meant so: 2"])
        .json();
    assert_eq!(told["planes"]["corrupt"], EXPECTED.len());
    assert_eq!(told["planes"]["missing"], 0);

    let mut causes: BTreeMap<&str, usize> = BTreeMap::new();
    for (_, cause, _) in EXPECTED {
        *causes.entry(cause).or_default() += 1;
    }
    let refused = told["refused"].as_array().unwrap();
    let counted: BTreeMap<&str, usize> = refused
        .iter()
        .map(|refused| {
            let count = refused["count"].as_u64().unwrap() as usize;
            assert_eq!(refused["examples"].as_array().unwrap().len(), count);
            (refused["cause"].as_str().unwrap(), count)
        })
        .collect();
    assert_eq!(counted, causes);

    let dataset = Dataset::at(input.output());
    let table = dataset.planes_table();
    let (statuses, errors) = (table.texts("status"), table.texts("error"));
    let present = dataset.label::<bool>("present");
    for (position, plane) in dataset.planes().iter().enumerate() {
        let (site, channel) = (position / 6, position as u16 % 6 + 1);
        let expected = EXPECTED.iter().find(|(at, ..)| *at == (site, channel));
        let status = statuses[position].as_deref();
        if let Some((_, _, complaint)) = expected {
            let error = errors[position].as_deref().unwrap();
            assert!(error.contains(complaint), "{error}");
            assert_eq!((status, present[position]), (Some("corrupt"), false));
            assert!(plane.iter().all(|&pixel| pixel == 0));
        } else {
            assert_eq!((status, present[position]), (Some("ok"), true));
            assert_eq!(errors[position], None);
            let is_bomb = (site, channel) == BOMB_IN_A_TEXT;
            if is_bomb {
                assert_eq!(*plane, [0; 240]);
            } else {
                assert_eq!(*plane, input.decoded(site, channel));
            }
        }
    }
}

/// As long as the first reader waits for a pipe, nothing else is read.
#[test]
fn pipes_in_the_input_do_not_block() {
    let input = Input::of_sites(1);
    let pipe = |path: &Path| {
        let _ = fs::remove_file(path);
        assert!(Command::new("mkfifo").arg(path).status().unwrap().success());
    };
    pipe(&input.root().join("rxrx2zarr.json"));
    convert(&input.root(), &input.output(), "")
        .exits_with(1)
        .reports_each(&["rxrx2zarr.json", "it is a pipe"]);
    let description = input.root().join("rxrx2zarr.json");
    fs::remove_file(&description).unwrap();
    File::create(&description)
        .unwrap()
        .set_len(1 << 40)
        .unwrap();
    convert(&input.root(), &input.output(), "")
        .exits_with(1)
        .reports_each(&["rxrx2zarr.json", "longer than 1048576 bytes"]);
    fs::remove_file(&description).unwrap();

    pipe(&input.table_path());
    convert(&input.root(), &input.output(), "")
        .exits_with(1)
        .reports_each(&["metadata.csv", "it is a pipe, not a file"]);
    pipe(&input.beside("pipe"));
    convert(&input.beside("pipe"), &input.output(), "")
        .exits_with(1)
        .reports_each(&["pipe is not a folder"]);
    assert!(!input.output().exists());
}
