//! PNG bytes → one plane of grey pixels, verified, measured and hashed.
//!
//! ```text
//!  PNG bytes ──> chunk walk ──> inflate ──> unfilter ──> plane (y, x) ──> summary
//!                every CRC      Adler-32    filter        caller's        statistics,
//!                checked        checked     bytes checked buffer          xxh3-128
//! ```
//!
//! A *plane* is one greyscale image, row-major `(y, x)`, one byte a pixel at
//! 8 bit and two, little-endian, at 16 bit. Samples are taken as stored: gamma,
//! significant bits and colour profiles do not alter them.
//!
//! Damage is never papered over: a file decodes to exactly the pixels that
//! were written, or to a [`DecodeError`] that says whose fault it is and where.
//! What a lenient decoder lets pass (a wrong Adler-32, rubbish behind `IEND`,
//! surplus pixel data) is an error here.
//!
//! What the microscope writes, greyscale that is not interlaced, takes a fast
//! path that allocates nothing once it is warm. Everything else goes through
//! the [`png`] crate and is accepted where it is grey in fact: red = green =
//! blue in every pixel, and nothing transparent. Both paths share the chunk
//! walk and the inflate step, so they refuse the same files.
//!
//! On x86-64 with AVX2 and on aarch64 the fast path undoes the filters of 32 rows
//! at once, and finds percentiles by counting 32 pixels at once; with AVX-512 and
//! GFNI (Ice Lake, Zen 4) it counts 512. On any other machine it goes row by row
//! in safe code, with the same results.
//!
//! ```no_run
//! use rxrx_decoder::{Decoder, Limits, read_shape};
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let limits = Limits::default();
//! let png = std::fs::read("HUVEC-01/Plate1/B02_s1_w1.png")?;
//! let shape = read_shape(&png, &limits)?;
//! let mut plane = vec![0; shape.byte_len()];
//! let summary = Decoder::new(limits).decode(&png, shape, &mut plane)?;
//! println!("mean {:.3}, xxh3-128 {:032x}", summary.statistics.mean, summary.xxh3_128);
//! # Ok(())
//! # }
//! ```
//!
//! The format: [PNG specification, third edition](https://www.w3.org/TR/png-3/).

mod chunk;
mod chunk_name;
mod container;
mod decoder;
mod distribution;
mod error;
mod filter;
mod focus;
mod header;
mod inflate;
mod inflated;
mod limits;
mod png_crate;
mod reference;
mod shape;
mod simd;
mod statistics;
mod to_grey;

pub use chunk_name::ChunkName;
pub use container::read_shape;
pub use decoder::Decoder;
pub use distribution::SummaryScratch;
pub use error::{BufferError, Damage, DecodeError, LimitExceeded, Part, Unsupported};
pub use limits::Limits;
pub use reference::ReferenceDecoder;
pub use shape::{BitDepth, PlaneShape};
pub use statistics::{PlaneSummary, Statistics, summarise};
