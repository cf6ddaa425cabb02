//! Headers of images, which give the shape of the array's planes.

#[cfg(test)]
mod tests;

use std::collections::HashMap;
use std::num::NonZeroUsize;

use rxrx_decoder::{BitDepth, ImageFormat, ImageHeader, Limits, PlaneShape, read_header};
use rxrx_metadata::{DataType, ProblemKind, Problems};
use rxrx_storage::{Unreachable, map_concurrent};

use crate::read_error::ReadError;
use crate::source::{Source, SourceStamp};

/// Bytes of the signature and the IHDR chunk of a PNG.
const HEADER_BYTES: usize = 33;

/// Headers that one call of the source reads.
const HEADERS_AT_ONCE: usize = 64;
/// Most images of which the whole file is read, because their header can be anywhere in it.
const WHOLE_FILES_AT_MOST: usize = 256;
/// Whole files that are read at once.
const WHOLE_FILES_AT_ONCE: usize = 4;
/// Most bytes of a file that is read for its header.
const WHOLE_FILE: usize = 1 << 28;

/// If at most one image in this many has another shape, it is a bad image. If
/// there are more, the tree is mixed, and no array fits it.
const STRAYS_ONE_IN: usize = 20;

/// The headers of some images.
#[derive(Debug)]
pub(crate) struct Headers {
    headers: Vec<Header>,
}

/// Headers of images that may be coloured.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Coloured {
    /// The first of their colour types.
    pub(crate) colour: &'static str,
    /// Number of such headers.
    pub(crate) images: usize,
}

/// The header of one image.
#[derive(Debug)]
struct Header {
    path: String,
    file_bytes: u64,
    /// The header, or the reason why it could not be read; `None` if it was not looked
    /// for, because it can be anywhere in the file.
    found: Option<Result<ImageHeader, String>>,
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
        // Where each call waits for a server, more calls than there are cores wait at once.
        let calls = NonZeroUsize::new(source.read_hints().calls).unwrap_or(jobs);
        let mut headers = read_all(
            source,
            paths,
            jobs.max(calls),
            HEADERS_AT_ONCE,
            HEADER_BYTES,
        )?;
        let is_open = |header: &&Header| header.found.is_none();
        let open: Vec<String> = headers
            .iter()
            .filter(is_open)
            .map(|h| h.path.clone())
            .collect();
        let whole_at_most = (WHOLE_FILES_AT_MOST / source.files_a_plane()).max(WHOLE_FILES_AT_ONCE);
        let sample: Vec<String> = spread(&open, whole_at_most).cloned().collect();
        // The files that are in memory at once have at most 1 GiB.
        let few = NonZeroUsize::new(WHOLE_FILES_AT_ONCE).unwrap_or(NonZeroUsize::MIN);
        let at_most = WHOLE_FILE / (1 + source.planes_beside());
        let whole = read_all(source, &sample, jobs.min(few), 1, at_most)?;
        let mut whole = whole.into_iter().peekable();
        for header in &mut headers {
            if let Some(of_whole) = whole.next_if(|of_whole| of_whole.path == header.path) {
                *header = of_whole;
            }
        }
        Ok(Self { headers })
    }

    /// Returns the decoder of the images, if another one may give other pixels.
    pub(crate) fn decoder(&self) -> Option<&'static str> {
        self.readable().find_map(|header| header.format.decoder())
    }

    /// Returns what the headers say about colour, if any does.
    pub(crate) fn coloured(&self) -> Option<Coloured> {
        let mut colours = self.readable().filter_map(|header| header.colour);
        let colour = colours.next()?;
        Some(Coloured {
            colour,
            images: 1 + colours.count(),
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
            let error = header.found.as_ref()?.as_ref().err()?;
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
            .find(|header| matches!(&header.found, Some(Ok(found)) if found.shape == usual));
        let typical = typical.map_or("", |header| &header.path);
        let others = self.readable().filter(|header| !header.fits(usual)).count();
        let other_shape = if others.saturating_mul(STRAYS_ONE_IN) <= self.shapes().count() {
            ProblemKind::StrayShapes
        } else {
            ProblemKind::MixedShapes
        };
        for header in &self.headers {
            match &header.found {
                None => {}
                Some(Ok(found)) if found.fits(usual) => {}
                Some(Ok(found)) => problems.add(other_shape, 0, || {
                    format!(
                        "{} is {}, unlike {typical}, which is {usual}",
                        header.path, found.shape
                    )
                }),
                Some(Err(error)) => problems.add(ProblemKind::UnreadableHeaders, 0, || {
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
        self.readable().map(|header| header.shape)
    }

    /// Iterates over the readable headers.
    fn readable(&self) -> impl Iterator<Item = &ImageHeader> {
        let headers = self.headers.iter();
        headers.filter_map(|header| header.found.as_ref()?.as_ref().ok())
    }
}

/// Reads the first `at_most` bytes of the images at `paths`, on `jobs` threads, `at_once`
/// by one call, and their headers.
fn read_all(
    source: &dyn Source,
    paths: &[String],
    jobs: NonZeroUsize,
    at_once: usize,
    at_most: usize,
) -> Result<Vec<Header>, Unreachable> {
    let batches: Vec<&[String]> = paths.chunks(at_once).collect();
    let found = map_concurrent(&batches, jobs, |paths| read_batch(source, paths, at_most))?;
    Ok(found.into_iter().flatten().collect())
}

/// Reads the headers of a few images by one call.
fn read_batch(
    source: &dyn Source,
    paths: &[String],
    at_most: usize,
) -> Result<Vec<Header>, Unreachable> {
    let heads = paths.iter().map(|path| (path.as_str(), Vec::new()));
    let mut heads: Vec<_> = heads.collect();
    let is_whole = at_most > HEADER_BYTES;
    let stamps = match is_whole {
        true => source.read_all(&mut heads, at_most),
        false => source.read_heads(&mut heads, at_most),
    };
    let heads = heads.iter().zip(stamps);
    heads
        .map(|((path, head), stamp)| read_one(path, head, stamp, is_whole))
        .collect()
}

/// Reads one header from `head`, the beginning of the file or the whole file.
fn read_one(
    path: &str,
    head: &[u8],
    stamp: Result<SourceStamp, ReadError>,
    is_whole: bool,
) -> Result<Header, Unreachable> {
    let (file_bytes, found) = match stamp {
        Err(ReadError::Unreachable(error)) => return Err(error),
        Err(error) => (0, Some(Err(error.to_string()))),
        Ok(stamp) if !is_whole && !ImageFormat::of(head).has_header_first() => (stamp.bytes, None),
        Ok(stamp) => {
            let header = read_header(head, &Limits::default());
            (stamp.bytes, Some(header.map_err(|error| error.to_string())))
        }
    };
    Ok(Header {
        path: path.to_owned(),
        file_bytes,
        found,
    })
}

/// Returns the data type of an array of images of `depth`.
pub(crate) fn data_type(depth: BitDepth) -> DataType {
    match depth {
        BitDepth::Eight => DataType::UInt8,
        BitDepth::Sixteen => DataType::UInt16,
    }
}

/// At most `at_most` of the items, spread evenly.
pub(crate) fn spread<T>(items: &[T], at_most: usize) -> impl Iterator<Item = &T> {
    let count = items.len().min(at_most);
    (0..count).filter_map(move |number| items.get(number * items.len() / count))
}
