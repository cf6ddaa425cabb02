#![doc = include_str!("../README.md")]
//!
//! ## Modules
//!
//! ```text
//! decoder, reference          the two decoders
//!  ├─ inflated                 what both do first: read, check and inflate
//!  │   ├─ container, chunk     the file as a sequence of chunks
//!  │   ├─ header               the chunk IHDR
//!  │   ├─ inflate              the zlib stream, with libdeflate
//!  │   └─ filter               filter bytes: checked here, undone by the decoder
//!  ├─ png_crate, to_grey       PNGs that are not plain grey
//!  ├─ image_format             which of the formats a file has, and its header
//!  ├─ tiff, jpeg2000           the formats other than PNG
//!  ├─ stack                    files of several depths as one plane
//!  ├─ overview                 the plane in at most 64 x 64 pixels
//!  └─ statistics               the summary of a plane
//!      ├─ distribution         sums, extremes and percentiles
//!      └─ focus                variance of the Laplacian
//! simd                         32 bytes at a time, for filter and distribution
//! tiff_page                   one page of a TIFF as a file
//! shape, limits, error, oddity, chunk_name: values that the others use
//! ```

mod chunk;
mod chunk_name;
mod container;
mod decoder;
mod distribution;
mod error;
mod filter;
mod focus;
mod header;
mod image_format;
mod inflate;
mod inflated;
mod jpeg2000;
mod limits;
mod oddity;
mod overview;
mod png_crate;
mod reference;
mod shape;
mod simd;
mod stack;
mod statistics;
mod tiff;
mod tiff_page;
mod to_grey;

pub use chunk_name::ChunkName;
pub use decoder::Decoder;
pub use distribution::SummaryScratch;
pub use error::{BufferError, Damage, DecodeError, LimitExceeded, Part, Unsupported};
pub use image_format::{ImageFormat, ImageHeader, read_header, read_shape};
pub use limits::Limits;
pub use oddity::{Oddities, Oddity};
pub use overview::{OVERVIEW_SIDE, OverviewScratch, overview_of, overview_shape};
pub use reference::ReferenceDecoder;
pub use shape::{BitDepth, PlaneShape};
pub use stack::Stack;
pub use statistics::{PlaneSummary, Statistics, summarise};
pub use tiff_page::tiff_page;
