//! Everything that both decoders do before they compute pixels.

use crate::container::{self, Container};
use crate::error::{Damage, DecodeError, Unsupported, check_shape};
use crate::filter;
use crate::header::Header;
use crate::inflate::{Decompressor, inflate};
use crate::limits::Limits;
use crate::oddity::Oddity;
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
        check_shape(expected, expected, plane_len)?;
        let mut header = container::read_header(png, limits)?;
        let found = header.shape;
        let widened = PlaneShape {
            depth: expected.depth,
            ..found
        };
        if header.is_widened() && widened == expected {
            header.shape = expected;
            limits.check_memory(header.memory())?;
        } else if found != expected {
            return Err(Unsupported::Shape { found, expected }.into());
        }
        let InflateScratch {
            decompressor,
            joined,
            filtered,
        } = scratch;
        let mut container = Container::read(png, limits, joined)?;
        container.check_transparency(header.colour);
        // The header is within the memory limit, so the length fits an address.
        filtered.resize(header.inflated_bytes() as usize, 0);
        let stream = container.stream;
        let length = match (
            inflate(decompressor, stream, filtered),
            &container.damage_behind,
        ) {
            (Ok(length), _) => length,
            // The pixels are not complete because the file is damaged.
            (Err(Damage::Inflate { .. } | Damage::TooLittlePixelData { .. }), Some(damage)) => {
                return Err(damage.clone().into());
            }
            (Err(damage), _) => return Err(damage.into()),
        };
        if length < stream.len() {
            container.oddities.add(Oddity::DataAfterStream);
            container.stream = stream.get(..length).unwrap_or(stream);
        }
        filter::check(filtered, &header)?;
        Ok(Self {
            header,
            container,
            filtered,
        })
    }
}
