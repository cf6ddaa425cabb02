//! Measures size and speed of codecs that could encode a chunk, on a tree of PNGs:
//!
//! ```text
//! cargo bench -p rxrx-format --bench codecs -- FOLDER
//! ```
//!
//! FOLDER is an absolute path. It holds real images, or those that
//! `rxrx2zarr sample FOLDER` made; `scripts/codecs` takes care of that. A chunk is a
//! site: six planes, one of each channel. The contenders take turns chunk by chunk in
//! one thread. Each chunk counts with its fastest time, so that other load on the
//! machine affects all contenders alike, and mostly none. Checksums are left out.
#![allow(clippy::indexing_slicing, reason = "a benchmark may stop")]
#![allow(
    clippy::print_stdout,
    clippy::unwrap_used,
    reason = "a program for developers"
)]

use std::collections::BTreeMap;
use std::fs;
use std::hint::black_box;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use c_blosc::{CBlosc, Shuffle};
use rxrx_decoder::{BitDepth, Decoder, Limits, PlaneShape, read_shape};
use rxrx_format::{ChunkEncoder, Codec, EncoderScratch};
use rxrx_metadata::{ArrayGeometry, DataType, Layout};
use zstd::bulk::{Compressor, Decompressor};
use zstd::zstd_safe::{CParameter, ParamSwitch, Strategy, compress_bound};

const ROUNDS: usize = 5;
const MOST_CHUNKS: usize = 20;

fn main() {
    // Cargo adds the argument `--bench`.
    let mut arguments = std::env::args().skip(1);
    let folder = arguments.find(|argument| !argument.starts_with("--"));
    let Some(folder) = folder.map(PathBuf::from) else {
        println!("usage: codecs FOLDER");
        return;
    };
    let chunks = read_chunks(&folder);
    let Some(first) = chunks.first() else {
        println!("no PNGs named …_wN.png under {}", folder.display());
        return;
    };
    let mut contenders = ours(first);
    contenders.append(&mut others(first.shape.byte_len()));
    let mut fastest = vec![vec![[Duration::MAX; 2]; contenders.len()]; chunks.len()];
    let mut sizes = vec![0; contenders.len()];
    let mut decoded = Vec::new();
    for round in 0..ROUNDS {
        for (chunk, fastest) in chunks.iter().zip(&mut fastest) {
            for ((contender, fastest), size) in contenders.iter_mut().zip(fastest).zip(&mut sizes) {
                contender.method.prepare(chunk);
                let started = Instant::now();
                let stored = contender.method.encode(chunk);
                fastest[0] = started.elapsed().min(fastest[0]);
                let started = Instant::now();
                contender
                    .method
                    .decode(black_box(&stored), chunk, &mut decoded);
                fastest[1] = started.elapsed().min(fastest[1]);
                if round == 0 {
                    assert!(
                        decoded == chunk.pixels,
                        "{} is not lossless",
                        contender.name
                    );
                    *size += stored.len();
                }
            }
        }
    }
    let png: usize = chunks
        .iter()
        .flat_map(|chunk| &chunk.pngs)
        .map(Vec::len)
        .sum();
    let megabytes = chunks.iter().map(|chunk| chunk.pixels.len()).sum::<usize>() as f64 / 1e6;
    println!(
        "| {} sites of {} | size / PNG | encode MB/s | decode MB/s |",
        chunks.len(),
        first.shape
    );
    println!("|---|---:|---:|---:|");
    for (index, (contender, size)) in contenders.iter().zip(sizes).enumerate() {
        let rate = |way: usize| {
            let seconds: f64 = fastest.iter().map(|f| f[index][way].as_secs_f64()).sum();
            megabytes / seconds
        };
        let (name, size) = (&contender.name, size as f64 / png as f64);
        println!("| {name} | {size:.3} | {:.0} | {:.0} |", rate(0), rate(1));
    }
}

struct Chunk {
    pngs: Vec<Vec<u8>>,
    pixels: Vec<u8>,
    shape: PlaneShape,
}

/// Makes sites of the files of each channel in turn.
fn read_chunks(folder: &Path) -> Vec<Chunk> {
    let mut channels = BTreeMap::<String, Vec<PathBuf>>::new();
    find_pngs(folder, &mut channels);
    channels.values_mut().for_each(|paths| paths.sort());
    let most = channels.values().map(Vec::len).max().unwrap_or_default();
    (0..most.min(MOST_CHUNKS))
        .map(|index| {
            let paths = channels.values().map(|paths| &paths[index % paths.len()]);
            read_chunk(
                &paths
                    .map(|path| fs::read(path).unwrap())
                    .collect::<Vec<_>>(),
            )
        })
        .collect()
}

fn find_pngs(folder: &Path, channels: &mut BTreeMap<String, Vec<PathBuf>>) {
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        let path = entry.path();
        let stem = path.file_stem().unwrap_or_default().to_string_lossy();
        if path.is_dir() {
            find_pngs(&path, channels);
        } else if let Some((_, channel)) = stem.rsplit_once("_w") {
            channels.entry(channel.to_owned()).or_default().push(path);
        }
    }
}

fn read_chunk(pngs: &[Vec<u8>]) -> Chunk {
    let limits = Limits::default();
    let shape = read_shape(&pngs[0], &limits).unwrap();
    let mut pixels = vec![0; pngs.len() * shape.byte_len()];
    let mut decoder = Decoder::new(limits);
    for (png, plane) in pngs.iter().zip(pixels.chunks_exact_mut(shape.byte_len())) {
        decoder.decode(png, shape, plane).unwrap();
    }
    Chunk {
        pngs: pngs.to_vec(),
        pixels,
        shape,
    }
}

struct Contender {
    name: String,
    method: Box<dyn Method>,
}

trait Method {
    /// Prepares what is not part of encoding.
    fn prepare(&mut self, _chunk: &Chunk) {}

    fn encode(&mut self, chunk: &Chunk) -> Vec<u8>;
    fn decode(&mut self, stored: &[u8], chunk: &Chunk, pixels: &mut Vec<u8>);
}

/// The codecs of rxrx2zarr.
fn ours(chunk: &Chunk) -> Vec<Contender> {
    let PlaneShape {
        height,
        width,
        depth,
    } = chunk.shape;
    let layout = Layout {
        chunk_sites: 1,
        chunk_channels: None,
        shard_sites: Some(1),
        ..Layout::default()
    };
    let channels = chunk.pngs.len();
    let data_type = match depth {
        BitDepth::Eight => DataType::UInt8,
        BitDepth::Sixteen => DataType::UInt16,
    };
    let (height, width) = (height as usize, width as usize);
    let geometry = ArrayGeometry::new(1, channels, height, width, data_type, layout).unwrap();
    let contender = |codec: Codec| {
        let decoder: Box<dyn Method> = match codec {
            Codec::BloscZstd => Box::new(Blosc::new("zstd", 1, Shuffle::BitShuffle, 0)),
            Codec::BloscLz4 => Box::new(Blosc::new("lz4", 5, Shuffle::BitShuffle, 0)),
            Codec::Zstd => Box::new(Zstd::new(false, &[])),
            Codec::DeltaZstd => Box::new(Zstd::new(true, &[])),
        };
        Contender {
            name: format!("rxrx2zarr {codec}"),
            method: Box::new(Ours {
                encoder: ChunkEncoder::new(codec, &geometry).unwrap(),
                scratch: EncoderScratch::default(),
                stored: Vec::new(),
                decoder,
            }),
        }
    };
    Codec::ALL.map(contender).into()
}

fn others(plane: usize) -> Vec<Contender> {
    use CParameter::{
        CompressionLevel, HashLog, LiteralCompressionMode, MaxBlockSize, MinMatch, Strategy as Use,
        TargetLength, UseBlockSplitter, WindowLog,
    };
    let literals = LiteralCompressionMode(ParamSwitch::Enable);
    let mut all = vec![Contender {
        name: "the PNGs as they are, our decoder".to_owned(),
        method: Box::new(Pngs(Decoder::new(Limits::default()))),
    }];
    for (compressor, level, shuffle, block) in [
        ("zstd", 1, Shuffle::BitShuffle, plane),
        ("zstd", 1, Shuffle::BitShuffle, 64 << 10),
        ("zstd", 1, Shuffle::BitShuffle, 128 << 10),
        ("zstd", 1, Shuffle::BitShuffle, 6 * plane),
        ("zstd", 2, Shuffle::BitShuffle, plane),
        ("zstd", 3, Shuffle::BitShuffle, plane),
        ("zstd", 5, Shuffle::BitShuffle, plane),
        // Shuffling single bytes is no shuffling, and splitting neither.
        ("zstd", 1, Shuffle::NoShuffle, plane),
        ("lz4", 5, Shuffle::BitShuffle, plane),
        ("lz4", 1, Shuffle::BitShuffle, plane),
        ("lz4", 9, Shuffle::BitShuffle, plane),
        ("lz4", 5, Shuffle::BitShuffle, 64 << 10),
        ("lz4", 5, Shuffle::NoShuffle, plane),
        ("lz4hc", 1, Shuffle::BitShuffle, plane),
        ("lz4hc", 5, Shuffle::BitShuffle, plane),
    ] {
        all.push(Contender {
            name: format!(
                "blosc {compressor} {level}, {shuffle:?}, {} KiB",
                block >> 10
            ),
            method: Box::new(Blosc::new(compressor, level, shuffle, block)),
        });
    }
    for (delta, parameters) in [
        (false, vec![CompressionLevel(1)]),
        (false, vec![CompressionLevel(2)]),
        (false, vec![CompressionLevel(3)]),
        (false, vec![CompressionLevel(5)]),
        (false, vec![CompressionLevel(-1)]),
        (false, vec![CompressionLevel(-1), literals]),
        (false, vec![CompressionLevel(1), MinMatch(5), HashLog(13)]),
        (false, vec![CompressionLevel(1), WindowLog(17)]),
        (false, vec![CompressionLevel(1), Use(Strategy::ZSTD_dfast)]),
        (
            false,
            vec![CompressionLevel(1), TargetLength(1024), literals],
        ),
        (true, vec![CompressionLevel(1)]),
        (true, vec![CompressionLevel(3)]),
        (true, vec![CompressionLevel(-1)]),
        (true, vec![CompressionLevel(-1), literals]),
        (true, vec![CompressionLevel(1), MinMatch(7)]),
        (true, vec![CompressionLevel(1), MinMatch(7), HashLog(10)]),
        (
            true,
            vec![
                CompressionLevel(1),
                MinMatch(7),
                UseBlockSplitter(ParamSwitch::Enable),
            ],
        ),
        (
            true,
            vec![CompressionLevel(1), MinMatch(7), TargetLength(64), literals],
        ),
        (
            true,
            vec![
                CompressionLevel(1),
                MinMatch(7),
                TargetLength(1024),
                literals,
            ],
        ),
        (
            true,
            vec![
                CompressionLevel(1),
                MinMatch(7),
                TargetLength(1024),
                literals,
                MaxBlockSize(32 << 10),
            ],
        ),
    ] {
        all.push(Contender {
            name: zstd_name(delta, &parameters),
            method: Box::new(Zstd::new(delta, &parameters)),
        });
    }
    all
}

fn zstd_name(delta: bool, parameters: &[CParameter]) -> String {
    let words: Vec<String> = parameters.iter().map(|one| format!("{one:?}")).collect();
    let prefix = if delta { "delta, zstd" } else { "zstd" };
    format!("{prefix} {}", words.join(" "))
}

struct Ours {
    encoder: ChunkEncoder,
    scratch: EncoderScratch,
    stored: Vec<u8>,
    decoder: Box<dyn Method>,
}

impl Method for Ours {
    fn prepare(&mut self, chunk: &Chunk) {
        // The worst case; what is written is handed out and allocated anew.
        self.stored = Vec::with_capacity(2 * chunk.pixels.len());
    }

    fn encode(&mut self, chunk: &Chunk) -> Vec<u8> {
        let Self {
            encoder,
            scratch,
            stored,
            ..
        } = self;
        let mut encoding = encoder.begin(scratch, stored);
        for plane in chunk.pixels.chunks(chunk.shape.byte_len()) {
            encoding.add_plane(plane).unwrap();
        }
        encoding.finish().unwrap();
        std::mem::take(stored)
    }

    fn decode(&mut self, stored: &[u8], chunk: &Chunk, pixels: &mut Vec<u8>) {
        let (frame, _checksum) = stored.split_last_chunk::<4>().unwrap();
        self.decoder.decode(frame, chunk, pixels);
    }
}

/// The files one after the other.
struct Pngs(Decoder);

impl Method for Pngs {
    fn encode(&mut self, chunk: &Chunk) -> Vec<u8> {
        chunk.pngs.concat()
    }

    fn decode(&mut self, _stored: &[u8], chunk: &Chunk, pixels: &mut Vec<u8>) {
        pixels.resize(chunk.pixels.len(), 0);
        let planes = pixels.chunks_exact_mut(chunk.shape.byte_len());
        for (png, plane) in chunk.pngs.iter().zip(planes) {
            self.0.decode(png, chunk.shape, plane).unwrap();
        }
    }
}

/// C-Blosc.
struct Blosc(CBlosc);

impl Blosc {
    fn new(compressor: &str, level: u8, shuffle: Shuffle, block: usize) -> Self {
        Self(CBlosc {
            cname: compressor.to_owned(),
            clevel: level,
            shuffle,
            typesize: 1,
            blocksize: block,
        })
    }
}

impl Method for Blosc {
    fn encode(&mut self, chunk: &Chunk) -> Vec<u8> {
        self.0.encode_frame(&chunk.pixels).unwrap()
    }

    fn decode(&mut self, stored: &[u8], _chunk: &Chunk, pixels: &mut Vec<u8>) {
        *pixels = c_blosc::decode_frame(stored).unwrap();
    }
}

/// One frame a chunk, with contexts and buffers reused.
struct Zstd {
    delta: bool,
    compressor: Compressor<'static>,
    decompressor: Decompressor<'static>,
    differences: Vec<u8>,
}

impl Zstd {
    fn new(delta: bool, parameters: &[CParameter]) -> Self {
        let mut compressor = Compressor::default();
        for parameter in parameters {
            compressor.set_parameter(*parameter).unwrap();
        }
        Self {
            delta,
            compressor,
            decompressor: Decompressor::new().unwrap(),
            differences: Vec::new(),
        }
    }
}

impl Method for Zstd {
    fn encode(&mut self, chunk: &Chunk) -> Vec<u8> {
        let mut stored = Vec::with_capacity(compress_bound(chunk.pixels.len()));
        let pixels = if self.delta {
            let (first, others) = chunk.pixels.split_first().unwrap();
            let pairs = others.iter().zip(&chunk.pixels);
            self.differences.clear();
            self.differences.push(*first);
            self.differences
                .extend(pairs.map(|(this, before)| this.wrapping_sub(*before)));
            &self.differences
        } else {
            &chunk.pixels
        };
        self.compressor
            .compress_to_buffer(pixels, &mut stored)
            .unwrap();
        stored
    }

    fn decode(&mut self, stored: &[u8], chunk: &Chunk, pixels: &mut Vec<u8>) {
        pixels.clear();
        pixels.reserve(chunk.pixels.len());
        self.decompressor
            .decompress_to_buffer(stored, pixels)
            .unwrap();
        if self.delta {
            let mut sum = 0u8;
            for pixel in pixels {
                sum = sum.wrapping_add(*pixel);
                *pixel = sum;
            }
        }
    }
}
