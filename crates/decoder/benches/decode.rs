//! Compares our decoder with its parts and with other decoders, in one run:
//!
//! ```text
//! cargo bench -p rxrx-decoder --bench decode [-- FOLDER]
//! ```
//!
//! Reads the PNGs below FOLDER, or the real sample (see `tests/real_sample`), into memory.
//! The contenders decode each file in turn, and the fastest of several times counts, so
//! that other work on the machine slows down all of them or none.
#![allow(clippy::indexing_slicing, reason = "a benchmark may stop")]
#![allow(
    clippy::print_stdout,
    clippy::unwrap_used,
    reason = "a program for developers"
)]

#[path = "../tests/real_sample/mod.rs"]
mod real_sample;

use std::fs;
use std::hint::black_box;
use std::io::Cursor;
use std::path::Path;
use std::time::{Duration, Instant};

use libdeflater::Decompressor;
use rxrx_decoder::{Decoder, Limits, PlaneShape, SummaryScratch, read_shape, summarise};
use zune_png::PngDecoder;
use zune_png::zune_core::bytestream::ZCursor;
use zune_png::zune_core::options::DecoderOptions;

const ROUNDS: usize = 25;
const MAX_FILES: usize = 120;
const CONTENDERS: usize = 6;

fn main() {
    let mut arguments = std::env::args()
        .skip(1)
        .filter(|word| !word.starts_with("--"));
    let mut paths = match arguments.next() {
        Some(folder) => real_sample::pngs_below(Path::new(&folder)),
        None => real_sample::files("decode"),
    };
    paths.truncate(MAX_FILES);
    if paths.is_empty() {
        return;
    }
    let images: Vec<Image> = paths.iter().map(|path| Image::read(path)).collect();

    let mut bench = Bench::new(images[0].shape);
    let contenders: [(&str, Contender); CONTENDERS] = [
        ("inflate only (libdeflate)", Bench::inflate),
        ("decode (ours)", Bench::decode),
        ("decode (png crate)", Bench::decode_with_png_crate),
        ("decode (zune-png)", Bench::decode_with_zune_png),
        ("statistics and hash", Bench::summarise),
        ("hash", Bench::hash),
    ];
    let mut fastest = vec![[Duration::MAX; CONTENDERS]; images.len()];
    for _ in 0..ROUNDS {
        for (image, fastest) in images.iter().zip(&mut fastest) {
            for ((_, contender), fastest) in contenders.iter().zip(fastest) {
                let started = Instant::now();
                contender(&mut bench, image);
                *fastest = started.elapsed().min(*fastest);
            }
        }
    }
    let total = |index: usize| -> f64 { fastest.iter().map(|f| f[index].as_secs_f64()).sum() };
    let decode = total(1);
    println!("{} files, {}", images.len(), images[0].shape);
    for (index, (name, _)) in contenders.iter().enumerate() {
        let seconds = total(index) / images.len() as f64;
        let megapixels = images[0].shape.pixels() as f64 / 1e6 / seconds;
        let ratio = total(index) / decode;
        println!(
            "{name:<26} {:>7.0} µs {megapixels:>7.0} MB pixels/s {ratio:>5.2} of our decode",
            seconds * 1e6
        );
    }
}

struct Image {
    png: Vec<u8>,
    /// The zlib stream: the data of all `IDAT` chunks.
    stream: Vec<u8>,
    plane: Vec<u8>,
    shape: PlaneShape,
}

impl Image {
    fn read(path: &Path) -> Self {
        let png = fs::read(path).unwrap();
        let limits = Limits::default();
        let shape = read_shape(&png, &limits).unwrap();
        let mut plane = vec![0; shape.byte_len()];
        Decoder::new(limits)
            .decode(&png, shape, &mut plane)
            .unwrap();
        let mut stream = Vec::new();
        let mut rest = &png[8..];
        while let Some((length, body)) = rest.split_first_chunk() {
            let length = u32::from_be_bytes(*length) as usize;
            if body.starts_with(b"IDAT") {
                stream.extend_from_slice(&body[4..4 + length]);
            }
            rest = &body[4 + length + 4..];
        }
        Self {
            png,
            stream,
            plane,
            shape,
        }
    }
}

type Contender = fn(&mut Bench, &Image);

struct Bench {
    decoder: Decoder,
    decompressor: Decompressor,
    scratch: SummaryScratch,
    inflated: Vec<u8>,
    plane: Vec<u8>,
}

impl Bench {
    fn new(shape: PlaneShape) -> Self {
        Self {
            decoder: Decoder::new(Limits::default()),
            decompressor: Decompressor::new(),
            scratch: SummaryScratch::new(),
            inflated: vec![0; shape.byte_len() + shape.height as usize],
            plane: vec![0; shape.byte_len()],
        }
    }

    fn inflate(&mut self, image: &Image) {
        let inflated = &mut self.inflated;
        let length = self.decompressor.zlib_decompress(&image.stream, inflated);
        black_box(length.unwrap());
    }

    fn decode(&mut self, image: &Image) {
        let summary = self
            .decoder
            .decode(&image.png, image.shape, &mut self.plane);
        black_box(summary.unwrap());
    }

    fn decode_with_png_crate(&mut self, image: &Image) {
        let mut options = png::DecodeOptions::default();
        options.set_ignore_adler32(false);
        options.set_ignore_crc(false);
        let input = Cursor::new(image.png.as_slice());
        let decoder = png::Decoder::new_with_options(input, options);
        let mut reader = decoder.read_info().unwrap();
        reader.next_frame(&mut self.plane).unwrap();
        reader.finish().unwrap();
    }

    fn decode_with_zune_png(&mut self, image: &Image) {
        let options = DecoderOptions::default()
            .png_set_confirm_crc(true)
            .inflate_set_confirm_adler(true);
        let input = ZCursor::new(image.png.as_slice());
        let mut decoder = PngDecoder::new_with_options(input, options);
        decoder.decode_into(&mut self.plane).unwrap();
    }

    fn summarise(&mut self, image: &Image) {
        black_box(summarise(&image.plane, image.shape, &mut self.scratch));
    }

    fn hash(&mut self, image: &Image) {
        black_box(twox_hash::XxHash3_128::oneshot(&image.plane));
    }
}
