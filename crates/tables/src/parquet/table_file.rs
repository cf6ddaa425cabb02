//! Files that tables are read from.

use std::io::{Read, Seek};

/// A file that can be read at any position.
pub trait TableFile: Read + Seek + Send + 'static {}

impl<F: Read + Seek + Send + 'static> TableFile for F {}
