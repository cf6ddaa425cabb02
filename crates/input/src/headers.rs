//! Headers of images, which give the shape of the array's planes.

#[cfg(test)]
mod tests;

use std::collections::HashMap;
use std::num::NonZeroUsize;
use std::sync::{Mutex, PoisonError};

use rxrx_decoder::{BitDepth, Limits, PlaneShape, read_shape};
use rxrx_metadata::{DataType, ProblemKind, Problems};
use rxrx_storage::{Unreachable, for_each_concurrent};

use crate::read_error::ReadError;
use crate::source::{Source, SourceStamp};

/// Bytes of the signature and the IHDR chunk of a PNG.
const HEADER_BYTES: usize = 33;

/// Most headers that a plan reads: all headers of a small tree, a sample of a
/// large one. The other images are checked when they are converted.
pub(crate) const HEADERS_AT_MOST: usize = 8192;

/// Headers that one call of the source reads.
const HEADERS_AT_ONCE: usize = 64;

/// If at most one image in this many has another shape, it is a bad image. If
/// there are more, the tree is mixed, and no array fits it.
const STRAYS_ONE_IN: usize = 20;

/// The headers of some images.
#[derive(Debug)]
pub(crate) struct Headers {
    headers: Vec<Header>,
}

/// The header of one image.
#[derive(Debug)]
struct Header {
    path: String,
    file_bytes: u64,
    /// The shape, or the reason why it could not be read.
    shape: Result<PlaneShape, String>,
}

impl Headers {
    /// Reads the headers of the images at `paths`, on `jobs` threads.
    ///
    /// # Errors
    /// INPUT as a whole cannot be read.
    pub(crate) fn read(
        source: &dyn Source,
        paths: &[String],
        jobs: NonZeroUsize,
    ) -> Result<Self, Unreachable> {
        let batches: Vec<(usize, &[String])> = paths.chunks(HEADERS_AT_ONCE).enumerate().collect();
        let found = Mutex::new(Vec::with_capacity(batches.len()));
        for_each_concurrent(&batches, jobs.get(), |&(number, paths)| {
            let headers = read_batch(source, paths)?;
            let mut found = found.lock().unwrap_or_else(PoisonError::into_inner);
            found.push((number, headers));
            Ok::<_, Unreachable>(())
        })?;
        let mut found = found.into_inner().unwrap_or_else(PoisonError::into_inner);
        found.sort_unstable_by_key(|(number, _)| *number);
        Ok(Self {
            headers: found.into_iter().flat_map(|(_, headers)| headers).collect(),
        })
    }

    /// Returns the most frequent shape.
    ///
    /// # Errors
    /// No header could be read. The text is the path and the error of the first
    /// image.
    pub(crate) fn shape(&self) -> Result<PlaneShape, String> {
        let mut counts: HashMap<PlaneShape, usize> = HashMap::new();
        for shape in self.shapes() {
            *counts.entry(shape).or_default() += 1;
        }
        // The larger one of two equally frequent shapes, so that the result does
        // not depend on the order.
        let order = |shape: &PlaneShape| (shape.height, shape.width, shape.depth.max_value());
        counts
            .into_iter()
            .max_by_key(|(shape, count)| (*count, order(shape)))
            .map(|(shape, _)| shape)
            .ok_or_else(|| self.first_error())
    }

    /// Returns the path and the error of the first image without a readable header.
    fn first_error(&self) -> String {
        let error = self.headers.iter().find_map(|header| {
            let error = header.shape.as_ref().err()?;
            Some(format!("{}: {error}", header.path))
        });
        error.unwrap_or_else(|| "there is none".to_owned())
    }

    /// Adds the images whose header cannot be read, and those whose shape is not
    /// `usual`, to `problems`.
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
                Err(error) => problems.add(ProblemKind::UnreadableHeaders, 0, || {
                    format!("{}: {error}", header.path)
                }),
            }
        }
    }

    /// Mean size of the image files in bytes.
    pub(crate) fn mean_file_bytes(&self) -> f64 {
        let total: u64 = self.headers.iter().map(|header| header.file_bytes).sum();
        total as f64 / self.headers.len().max(1) as f64
    }

    /// Iterates over the shapes of the readable headers.
    fn shapes(&self) -> impl Iterator<Item = PlaneShape> {
        self.headers
            .iter()
            .filter_map(|header| header.shape.as_ref().ok().copied())
    }
}

/// Reads the headers of a few images by one call.
fn read_batch(source: &dyn Source, paths: &[String]) -> Result<Vec<Header>, Unreachable> {
    let heads = paths.iter().map(|path| (path.as_str(), Vec::new()));
    let mut heads: Vec<_> = heads.collect();
    let stamps = source.read_all(&mut heads, HEADER_BYTES);
    let heads = heads.iter().zip(stamps);
    heads
        .map(|((path, head), stamp)| read_header(source, path, head, stamp))
        .collect()
}

/// Reads one header from `head`, the beginning of the file.
fn read_header(
    source: &dyn Source,
    path: &str,
    head: &[u8],
    stamp: Result<SourceStamp, ReadError>,
) -> Result<Header, Unreachable> {
    let shape = match stamp {
        Err(ReadError::Unreachable(error)) => return Err(error),
        Err(error) => Err(error.to_string()),
        Ok(_) => read_shape(head, &Limits::default()).map_err(|error| error.to_string()),
    };
    Ok(Header {
        path: path.to_owned(),
        file_bytes: source.stamp(path).map_or(0, |stamp| stamp.bytes),
        shape,
    })
}

/// Returns the data type of an array of images of `depth`.
pub(crate) fn data_type(depth: BitDepth) -> DataType {
    match depth {
        BitDepth::Eight => DataType::UInt8,
        BitDepth::Sixteen => DataType::UInt16,
    }
}
