//! The memory of the program with a small `--memory` and large planes.
#![cfg(target_os = "linux")]

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use image::codecs::png::{CompressionType, FilterType, PngEncoder};
use image::{ExtendedColorType, ImageEncoder};

use super::dataset::{Dataset, files_below};
use super::input::{Input, Spec};
use super::run::{PROGRAM, Run, convert, plan, verify};

const MIB: u64 = 1 << 20;

/// An input of square planes that cannot be compressed.
fn noise(sites: usize, channels: u16, side: u32) -> Input {
    let input = Input::new(Spec {
        sites,
        channels: (1..=channels).collect(),
        height: 8,
        width: 8,
        ..Spec::default()
    });
    let mut state = 1_u64;
    let mut pixels: Vec<u8> = (0..side * side)
        .map(|_| {
            // A linear congruential generator (Knuth's MMIX); its high bits are noise.
            state = state
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1_442_695_040_888_963_407);
            (state >> 56) as u8
        })
        .collect();
    for site in 0..sites {
        for channel in 1..=channels {
            // What repeats is too far away for a compressor.
            pixels.rotate_left(7);
            let file = fs::File::create(input.image(site, channel)).unwrap();
            let (stored, plain) = (CompressionType::Uncompressed, FilterType::NoFilter);
            PngEncoder::new_with_quality(file, stored, plain)
                .write_image(&pixels, side, side, ExtendedColorType::L8)
                .unwrap();
        }
    }
    input
}

/// Runs the program and returns the largest resident set that it had, in bytes.
///
/// `wait4` is no substitute: it reports at least the memory of the parent process.
fn peak_of(arguments: &[&str]) -> (Run, u64) {
    let mut command = Command::new(PROGRAM);
    command.args(arguments);
    let pipes = command.stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = pipes.spawn().unwrap();
    let status = format!("/proc/{}/status", child.id());
    let mut peak = 0;
    while child.try_wait().unwrap().is_none() {
        let text = fs::read_to_string(&status).unwrap_or_default();
        let line = text.lines().find_map(|line| line.strip_prefix("VmHWM:"));
        let number = line.and_then(|line| line.trim().strip_suffix(" kB"));
        // Before `exec` the process is a copy of this one.
        if text.starts_with("Name:\trxrx2zarr") {
            peak = number.map_or(peak, |number| number.trim().parse().unwrap());
        }
        std::thread::sleep(Duration::from_millis(2));
    }
    (Run::from(child.wait_with_output().unwrap()), peak * 1024)
}

fn text(path: &Path) -> &str {
    path.to_str().unwrap()
}

#[test]
fn a_small_memory_bounds_the_resident_set() {
    // A chunk has 4 MiB, and the shard 32.
    let input = noise(8, 4, 1024);
    let (root, output) = (input.root(), input.output());
    let options = ["--jobs", "4", "--codec", "blosc-lz4", "--memory", "32M"];
    let arguments = [&["convert", text(&root), text(&output)], &options[..]].concat();
    let (run, peak) = peak_of(&arguments);
    run.exits_with(0);
    // The program file, the table and the stacks come on top.
    assert!(peak < (32 + 44) * MIB, "convert: {} MiB", peak / MIB);

    // The shard does not fit, and is verified chunk by chunk.
    let arguments = ["verify", text(&output), "--memory", "24M", "--jobs", "4"];
    let (run, peak) = peak_of(&arguments);
    run.exits_with(0);
    assert!(peak < (24 + 44) * MIB, "verify: {} MiB", peak / MIB);
    let arguments = [
        "verify",
        text(&output),
        "--memory",
        "28M",
        "--source",
        text(&root),
    ];
    let (run, peak) = peak_of(&arguments);
    run.exits_with(0);
    assert!(
        peak < (28 + 60) * MIB,
        "verify --source: {} MiB",
        peak / MIB
    );
}

/// Planes as large as those of RxRx3: each is a chunk. `scripts/bench large` has 128 sites.
#[test]
fn large_planes_of_16_bits_need_no_more_memory_with_more_jobs() {
    const SIDE: u32 = 2048;
    let input = Input::new(Spec {
        sites: 4,
        channels: vec![1, 2, 3, 4, 5, 6],
        height: 8,
        width: 8,
        ..Spec::default()
    });
    let mut state = 1_u32;
    let samples = (0..SIDE * SIDE).flat_map(|at| {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        // Noise of 11 bits on a gradient. PNG stores the high byte first.
        (3000 + at % 500 + (state >> 21)).to_be_bytes()[2..].to_vec()
    });
    let pixels: Vec<u8> = samples.collect();
    let made = input.beside("made.png");
    let (stored, plain) = (CompressionType::Uncompressed, FilterType::NoFilter);
    let file = fs::File::create(&made).unwrap();
    PngEncoder::new_with_quality(file, stored, plain)
        .write_image(&swapped(&pixels), SIDE, SIDE, ExtendedColorType::L16)
        .unwrap();
    for (site, channel) in (0..4).flat_map(|site| (1..=6).map(move |channel| (site, channel))) {
        fs::remove_file(input.image(site, channel)).unwrap();
        fs::hard_link(&made, input.image(site, channel)).unwrap();
    }
    let (root, output) = (input.root(), input.output());
    let limits = ["--jobs", "16", "--memory", "128M"];
    let (run, peak) = peak_of(&[&["convert", text(&root), text(&output)], &limits[..]].concat());
    run.exits_with(0);
    assert!(peak < (128 + 44) * MIB, "convert: {} MiB", peak / MIB);
    let array = Dataset::at(&output).json("images.zarr/images/zarr.json");
    let shard = &array["chunk_grid"]["configuration"]["chunk_shape"];
    assert_eq!(*shard, serde_json::json!([16, 6, SIDE, SIDE]));
    let (run, peak) = peak_of(&[&["verify", text(&output)], &limits[..]].concat());
    run.exits_with(0);
    assert!(peak < (128 + 44) * MIB, "verify: {} MiB", peak / MIB);
}

/// Exchanges the bytes of each sample: `image` takes them in the order of the machine.
fn swapped(samples: &[u8]) -> Vec<u8> {
    let pairs = samples.chunks(2);
    pairs.flat_map(|pair| [pair[1], pair[0]]).collect()
}

#[test]
fn damage_is_found_in_shards_that_do_not_fit_into_memory() {
    let input = noise(4, 2, 512);
    let output = input.output();
    convert(&input.root(), &output, "--codec zstd").exits_with(0);
    let small = input.beside("small");
    convert(&input.root(), &small, "--codec zstd --memory 16M").exits_with(0);
    assert!(files_below(&output) == files_below(&small), "other bytes");
    let key = "images.zarr/images/c/0/0/0/0";
    let shard = Dataset::at(output.clone()).path(key);
    let whole = fs::read(&shard).unwrap();
    // One worker, and no shard fits beside it.
    let needed = verify(&output, "--memory 1K --json").exits_with(2);
    let needed = needed.json()["error"]["message"]
        .as_str()
        .unwrap()
        .to_owned();
    let (_, least) = needed.split_once("give at least --memory ").unwrap();
    let (least, _) = least.split_once(',').unwrap();
    let options = format!("--memory {least} --json");
    assert!(whole.len() > 1 << 20, "{}", whole.len());
    for position in [
        10,
        whole.len() / 2,
        whole.len() - 4 * 16 - 10,
        whole.len() - 3,
    ] {
        let mut damaged = whole.clone();
        damaged[position] ^= 0x10;
        fs::write(&shard, &damaged).unwrap();
        let strip = |run: Run| {
            let mut told = run.exits_with(1).json();
            told.as_object_mut().unwrap().remove("seconds");
            told
        };
        let in_pieces = strip(verify(&output, &options));
        let at_once = strip(verify(&output, "--json"));
        assert_eq!(in_pieces, at_once, "at {position}");
    }
    fs::write(&shard, &whole[..whole.len() / 2]).unwrap();
    verify(&output, &options).exits_with(1);
    fs::write(&shard, &whole).unwrap();
    verify(&output, &options).exits_with(0);
}

#[test]
fn what_cannot_fit_is_refused_at_the_start() {
    let input = Input::of_sites(3);
    let run = convert(&input.root(), &input.output(), "--memory 100K --json").exits_with(2);
    let run = run.reports_each(&[
        "need at least",
        "--memory allows 100.0 KiB",
        "give at least",
    ]);
    assert_eq!(run.json()["error"]["kind"], "usage");
    assert!(!input.output().exists() && !input.beside("out.rxrx2zarr").exists());
    for wrong in ["0", "x", "1.5G"] {
        let options = format!("--memory {wrong}");
        convert(&input.root(), &input.output(), &options).exits_with(2);
    }
    let told = plan(&input.root(), "--memory 300M --json")
        .exits_with(0)
        .json();
    assert_eq!(told["memory"]["limit_bytes"], 300 << 20);
    assert!(
        told["memory"]["table_bytes"].as_u64().unwrap() > 0,
        "{told}"
    );
    let text = plan(&input.root(), "--memory 300M").exits_with(0).stdout;
    assert!(
        text.contains("at most 300.00 MiB for pixels and buffers"),
        "{text}"
    );
}

/// Returns a PNG with a text of so many bytes after its header.
fn with_text(png: &[u8], bytes: usize) -> Vec<u8> {
    let content = [b"tEXt".as_slice(), b"Comment\0", &vec![b'x'; bytes]].concat();
    // CRC-32 of PNG, bit by bit: <https://www.w3.org/TR/png-3/#D-CRCAppendix>
    let crc = content.iter().fold(u32::MAX, |crc, byte| {
        (0..8).fold(crc ^ u32::from(*byte), |crc, _| {
            (crc >> 1) ^ (0xedb8_8320 * (crc & 1))
        })
    });
    let length = u32::try_from(content.len() - 4).unwrap();
    let (signature_and_header, rest) = png.split_at(33);
    [
        signature_and_header,
        &length.to_be_bytes(),
        &content,
        &(!crc).to_be_bytes(),
        rest,
    ]
    .concat()
}

#[test]
fn image_files_that_are_larger_than_others_are_read_alone() {
    let input = Input::of_sites(6);
    let image = input.image(3, 2);
    let small = fs::read(&image).unwrap();
    fs::write(&image, with_text(&small, 400_000)).unwrap();
    // This one is larger than any image of the array can be.
    let huge = input.image(5, 1);
    let good = fs::read(&huge).unwrap();
    fs::write(&huge, with_text(&good, 20 << 20)).unwrap();
    let output = input.output();
    let told = convert(&input.root(), &output, "--json --jobs 2").exits_with(3);
    let told = told.json();
    assert_eq!(told["planes"]["corrupt"], 1, "{told}");
    assert_eq!(told["refused"][0]["cause"], "too_large", "{told}");
    verify(&output, &format!("--source {}", text(&input.root()))).exits_with(0);
    let sizes = Dataset::at(output.clone())
        .planes_table()
        .integers("source_bytes");
    let large = i64::try_from(fs::metadata(&image).unwrap().len()).unwrap();
    assert_eq!(sizes.iter().filter(|size| **size == Some(large)).count(), 1);
    fs::write(&huge, good).unwrap();
    convert(&input.root(), &output, "--retry-bad").exits_with(0);
    Dataset::at(output).has_pixels_of(&input);
}
