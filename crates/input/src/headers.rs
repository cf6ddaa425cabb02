//! A look at the headers of images, to learn the shape of the array's planes.

#[cfg(test)]
mod tests;

use std::collections::HashMap;
use std::io;

use rayon::prelude::*;
use rxrx_decoder::{BitDepth, Limits, PlaneShape, read_shape};
use rxrx_metadata::{DataType, ProblemKind, Problems};
use rxrx_storage::Unreachable;

use crate::source::{Source, SourceStamp};

/// Signature and IHDR chunk of a PNG.
const HEADER_BYTES: usize = 33;

/// How many headers a plan looks at: all in a small tree, a spread of a large
/// one, where the rest is checked as it is converted.
pub(crate) const HEADERS_AT_MOST: usize = 8192;

/// How many of them are asked for at once.
const HEADERS_AT_ONCE: usize = 64;

/// One image of another shape in this many is a bad image, to be recorded as
/// such; more of them make a mixed tree, of which there is no right array.
const STRAYS_ONE_IN: usize = 20;

/// What the headers of some images say.
#[derive(Debug)]
pub(crate) struct Headers {
    headers: Vec<Header>,
}

#[derive(Debug)]
struct Header {
    path: String,
    file_bytes: u64,
    /// The shape, or why there is none.
    shape: Result<PlaneShape, String>,
}

impl Headers {
    /// Reads the headers of the images at `paths`.
    ///
    /// # Errors
    /// INPUT as a whole cannot be read.
    pub(crate) fn read(source: &dyn Source, paths: &[String]) -> io::Result<Self> {
        let header = |path: &str, head: &[u8], read: io::Result<SourceStamp>| {
            let shape = match read {
                Err(error) if Unreachable::is(&error) => return Err(error),
                Err(error) => Err(error.to_string()),
                Ok(_) => read_shape(head, &Limits::default()).map_err(|error| error.to_string()),
            };
            Ok(Header {
                path: path.to_owned(),
                file_bytes: source.stamp(path).map_or(0, |stamp| stamp.bytes),
                shape,
            })
        };
        let headers = |paths: &[String]| {
            let mut heads: Vec<_> = paths
                .iter()
                .map(|path| (path.as_str(), Vec::new()))
                .collect();
            let read = source.read_all(&mut heads, HEADER_BYTES);
            let headers = heads.iter().zip(read);
            headers
                .map(|((path, head), read)| header(path, head, read))
                .collect()
        };
        let headers: io::Result<Vec<Vec<Header>>> =
            paths.par_chunks(HEADERS_AT_ONCE).map(headers).collect();
        Ok(Self {
            headers: headers?.into_iter().flatten().collect(),
        })
    }

    /// The most frequent shape; `None` when no header could be read.
    pub(crate) fn shape(&self) -> Option<PlaneShape> {
        let mut counts: HashMap<PlaneShape, usize> = HashMap::new();
        for shape in self.shapes() {
            *counts.entry(shape).or_default() += 1;
        }
        // Of two equally frequent shapes always the same one, the larger.
        let order = |shape: &PlaneShape| (shape.height, shape.width, shape.depth.max_value());
        counts
            .into_iter()
            .max_by_key(|(shape, count)| (*count, order(shape)))
            .map(|(shape, _)| shape)
    }

    /// What is wrong with the first image that has no readable header.
    pub(crate) fn first_error(&self) -> Option<String> {
        self.headers.iter().find_map(Header::error)
    }

    /// Adds the images whose header cannot be read, or says something other
    /// than `usual`, to `problems`.
    pub(crate) fn report(&self, usual: PlaneShape, problems: &mut Problems) {
        let typical = self
            .headers
            .iter()
            .find(|header| header.shape.as_ref() == Ok(&usual));
        let typical = typical.map_or("", |header| &header.path);
        let others = self.shapes().filter(|shape| *shape != usual).count();
        let other_shape = if others.saturating_mul(STRAYS_ONE_IN) <= self.shapes().count() {
            ProblemKind::StrayShapes
        } else {
            ProblemKind::MixedShapes
        };
        for header in &self.headers {
            match &header.shape {
                Ok(shape) if *shape == usual => {}
                Ok(shape) => problems.add(other_shape, 0, || {
                    format!(
                        "{} is {shape}, unlike {typical}, which is {usual}",
                        header.path
                    )
                }),
                Err(_) => problems.add(ProblemKind::UnreadableHeaders, 0, || {
                    header.error().unwrap_or_default()
                }),
            }
        }
    }

    /// Mean size of the image files in bytes.
    pub(crate) fn mean_file_bytes(&self) -> f64 {
        let total: u64 = self.headers.iter().map(|header| header.file_bytes).sum();
        total as f64 / self.headers.len().max(1) as f64
    }

    fn shapes(&self) -> impl Iterator<Item = PlaneShape> {
        self.headers
            .iter()
            .filter_map(|header| header.shape.as_ref().ok().copied())
    }
}

impl Header {
    fn error(&self) -> Option<String> {
        let error = self.shape.as_ref().err()?;
        Some(format!("{}: {error}", self.path))
    }
}

/// The array's data type for images of `depth`.
pub(crate) fn data_type(depth: BitDepth) -> DataType {
    match depth {
        BitDepth::Eight => DataType::UInt8,
        BitDepth::Sixteen => DataType::UInt16,
    }
}
