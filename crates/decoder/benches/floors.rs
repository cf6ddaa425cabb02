//! Measures how fast this machine reads, inflates and decodes a folder of PNGs: bounds
//! that the speed of a conversion is compared with.
//!
//! ```text
//! cargo bench -p rxrx-decoder --bench floors -- [FOLDER] [--jobs N] [--json]
//! ```
//!
//! Without FOLDER it reads the real sample (see `tests/real_sample`). One process runs the
//! stages one after another over the same files. A first reading that is not timed fills
//! the page cache for all of them.
#![allow(clippy::print_stdout, reason = "a program's results")]

#[path = "../tests/real_sample/mod.rs"]
mod real_sample;

use std::error::Error;
use std::fs::{self, File};
use std::io::{Cursor, Read};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Instant;

use libdeflater::Decompressor;
use rxrx_decoder::{Decoder, Limits, PlaneShape, read_shape};

type Failure = Box<dyn Error + Send + Sync>;

fn main() -> Result<(), Failure> {
    let arguments = Arguments::parse(std::env::args().skip(1))?;
    let files = match &arguments.folder {
        Some(folder) => real_sample::pngs_below(folder),
        None => real_sample::files("floors"),
    };
    let Some(first) = files.first() else {
        return match arguments.folder {
            Some(folder) => Err(format!("no .png under {}", folder.display()).into()),
            None => Ok(()),
        };
    };
    let shape = read_shape(&fs::read(first)?, &Limits::default())?;
    run(Stage::Read, &files, shape, arguments.jobs)?;
    for stage in Stage::ALL {
        let started = Instant::now();
        run(stage, &files, shape, arguments.jobs)?;
        let seconds = started.elapsed().as_secs_f64();
        let (name, count) = (stage.name(), files.len());
        let rate = count as f64 / seconds;
        let megapixels = rate * shape.pixels() as f64 / 1e6;
        if arguments.json {
            println!(
                "{{\"stage\":\"{name}\",\"files\":{count},\"jobs\":{},\"seconds\":{seconds:.6},\
                 \"files_per_second\":{rate:.1},\"megapixels_per_second\":{megapixels:.1}}}",
                arguments.jobs
            );
        } else {
            println!("{name:<22} {rate:>9.0} files/s {megapixels:>9.1} MB pixels/s");
        }
    }
    Ok(())
}

struct Arguments {
    folder: Option<PathBuf>,
    jobs: usize,
    json: bool,
}

impl Arguments {
    fn parse(mut words: impl Iterator<Item = String>) -> Result<Self, Failure> {
        const USAGE: &str = "usage: floors [FOLDER] [--jobs N] [--json]";
        let (mut folder, mut jobs, mut json) = (None, None, false);
        while let Some(word) = words.next() {
            match word.as_str() {
                "--jobs" => jobs = Some(words.next().ok_or(USAGE)?.parse()?),
                "--json" => json = true,
                "--bench" => {} // `cargo bench` adds it
                _ if word.starts_with("--") || folder.is_some() => return Err(USAGE.into()),
                _ => folder = Some(PathBuf::from(word)),
            }
        }
        let cores = || std::thread::available_parallelism().map_or(1, usize::from);
        Ok(Self {
            folder,
            jobs: jobs.unwrap_or_else(cores).max(1),
            json,
        })
    }
}

#[derive(Clone, Copy)]
enum Stage {
    Read,
    Inflate,
    PngCrate,
    Decode,
}

impl Stage {
    const ALL: [Self; 4] = [Self::Read, Self::Inflate, Self::PngCrate, Self::Decode];

    const fn name(self) -> &'static str {
        match self {
            Self::Read => "read",
            Self::Inflate => "read+inflate",
            Self::PngCrate => "read+decode png crate",
            Self::Decode => "read+decode",
        }
    }
}

/// Runs a stage over all files. Each thread takes the next file when it is done with one.
fn run(stage: Stage, files: &[PathBuf], shape: PlaneShape, jobs: usize) -> Result<(), Failure> {
    let next = AtomicUsize::new(0);
    std::thread::scope(|scope| {
        let work = || -> Result<(), Failure> {
            let mut worker = Worker::new(shape);
            while let Some(path) = files.get(next.fetch_add(1, Ordering::Relaxed)) {
                worker
                    .run(stage, path)
                    .map_err(|error| format!("{}: {error}", path.display()))?;
            }
            Ok(())
        };
        let workers: Vec<_> = (0..jobs).map(|_| scope.spawn(work)).collect();
        for worker in workers {
            worker.join().map_err(|_| "a worker panicked")??;
        }
        Ok(())
    })
}

/// The buffers of one thread, reused for one file after another.
struct Worker {
    shape: PlaneShape,
    png: Vec<u8>,
    stream: Vec<u8>,
    inflated: Vec<u8>,
    plane: Vec<u8>,
    decompressor: Decompressor,
    decoder: Decoder,
}

impl Worker {
    fn new(shape: PlaneShape) -> Self {
        Self {
            shape,
            png: Vec::new(),
            stream: Vec::new(),
            inflated: vec![0; shape.byte_len() + shape.height as usize],
            plane: vec![0; shape.byte_len()],
            decompressor: Decompressor::new(),
            decoder: Decoder::new(Limits::default()),
        }
    }

    fn run(&mut self, stage: Stage, path: &Path) -> Result<(), Failure> {
        self.png.clear();
        File::open(path)?.read_to_end(&mut self.png)?;
        match stage {
            Stage::Read => {}
            Stage::Inflate => self.inflate()?,
            Stage::PngCrate => self.decode_with_png_crate()?,
            Stage::Decode => {
                let Self { png, shape, .. } = self;
                self.decoder.decode(png, *shape, &mut self.plane)?;
            }
        }
        Ok(())
    }

    /// Joins the chunks without checks, and inflates them with libdeflate: the least work
    /// that any decoder has to do.
    fn inflate(&mut self) -> Result<(), Failure> {
        self.stream.clear();
        let mut rest = self.png.get(8..).ok_or("no signature")?;
        while let Some((&[l0, l1, l2, l3, name @ ..], body)) = rest.split_first_chunk::<8>() {
            let length = u32::from_be_bytes([l0, l1, l2, l3]) as usize;
            let data = body.get(..length).ok_or("a chunk is truncated")?;
            if name == *b"IDAT" {
                self.stream.extend_from_slice(data);
            }
            rest = body.get(length + 4..).ok_or("a chunk is truncated")?;
        }
        self.decompressor
            .zlib_decompress(&self.stream, &mut self.inflated)?;
        Ok(())
    }

    /// Decodes with all checks of the crate switched on.
    fn decode_with_png_crate(&mut self) -> Result<(), Failure> {
        let mut options = png::DecodeOptions::default();
        options.set_ignore_adler32(false);
        options.set_ignore_crc(false);
        options.set_skip_ancillary_crc_failures(false);
        let input = Cursor::new(self.png.as_slice());
        let mut reader = png::Decoder::new_with_options(input, options).read_info()?;
        reader.next_frame(&mut self.plane)?;
        reader.finish()?;
        Ok(())
    }
}
