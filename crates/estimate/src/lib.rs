#![doc = include_str!("../README.md")]
//!
//! ## Modules
//!
//! ```text
//! projection         bytes of image files, pixels and shards
//!  └─ sample_sizes     some sites, encoded with each codec
//! object_numbers     objects, files and folders, and what of them is slow
//! ```

mod object_numbers;
mod projection;
mod sample_sizes;

pub use self::object_numbers::{ObjectNumbers, file_count};
pub use self::projection::{CodecSize, Projection};
