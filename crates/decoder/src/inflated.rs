//! Everything that both decoders do before they compute pixels.

use crate::container::{self, Container};
use crate::error::{BufferError, DecodeError, Unsupported};
use crate::filter;
use crate::header::Header;
use crate::inflate::{Decompressor, inflate};
use crate::limits::Limits;
use crate::shape::PlaneShape;

/// Working memory of [`Inflated::read`], used for one image after another.
pub(crate) struct InflateScratch {
    decompressor: Decompressor,
    /// The zlib stream, if it is in several chunks.
    joined: Vec<u8>,
    /// Filter bytes and filtered rows.
    filtered: Vec<u8>,
}

impl InflateScratch {
    pub(crate) fn new() -> Self {
        Self {
            decompressor: Decompressor::new(),
            joined: Vec::new(),
            filtered: Vec::new(),
        }
    }
}

/// An image that passed every check of its chunks, its zlib stream and its filter bytes.
pub(crate) struct Inflated<'a> {
    pub(crate) header: Header,
    pub(crate) container: Container<'a>,
    /// The inflated stream: filter bytes and filtered rows of all interlace passes.
    pub(crate) filtered: &'a [u8],
}

impl<'a> Inflated<'a> {
    /// Reads and inflates a PNG whose shape must be `expected`, for a plane of `plane_len`
    /// bytes.
    pub(crate) fn read(
        png: &'a [u8],
        expected: PlaneShape,
        plane_len: usize,
        limits: &Limits,
        scratch: &'a mut InflateScratch,
    ) -> Result<Self, DecodeError> {
        if plane_len != expected.byte_len() {
            return Err(BufferError::Length {
                expected: expected.byte_len(),
                actual: plane_len,
            }
            .into());
        }
        let header = container::read_header(png, limits)?;
        let found = header.shape;
        if found != expected {
            return Err(Unsupported::Shape { found, expected }.into());
        }
        let InflateScratch {
            decompressor,
            joined,
            filtered,
        } = scratch;
        let container = Container::read(png, limits, joined)?;
        // The header is within the memory limit, so the length fits an address.
        filtered.resize(header.inflated_bytes() as usize, 0);
        inflate(decompressor, container.stream, filtered)?;
        filter::check(filtered, &header)?;
        Ok(Self {
            header,
            container,
            filtered,
        })
    }
}
