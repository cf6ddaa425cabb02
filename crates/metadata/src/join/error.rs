//! Errors of the join.

use thiserror::Error;

use super::seen::seen;
use crate::discover::listing::Listing;
use crate::names::proposal::Proposal;
use crate::select::SelectionError;

/// Most planes of an array, with or without an image; each takes 4 bytes in a
/// join. RxRx1 has 753,060.
pub(super) const PLANES_AT_MOST: usize = 1 << 28;

/// Reason why there is nothing to convert.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum JoinError {
    /// The selection does not fit the table.
    #[error("cannot select rows")]
    Selection {
        /// The clause, and what exists instead.
        source: SelectionError,
    },
    /// No file is named as an image.
    #[error(
        "no image named EXP/PlateN/WELL_sS_wC.png (or .tif, .tiff, .jp2) in the input{}{seen}{}",
        other_names(*unrecognised, example.as_deref()),
        proposed(proposal.as_ref())
    )]
    NoImages {
        /// Image files with other names.
        unrecognised: usize,
        /// One of them.
        example: Option<String>,
        /// What else was seen, as the end of a sentence; empty without any.
        seen: String,
        /// The pattern that their names fit.
        proposal: Option<Proposal>,
    },
    /// There are images, but none of a site in the table.
    #[error(
        "none of the {images} images has a row in {table}: there are images such as {image} and rows such as {row}; \
         is it the table of these images?"
    )]
    NoImageHasRow {
        /// Number of images.
        images: usize,
        /// The table.
        table: String,
        /// Path of an image.
        image: String,
        /// A row, written as an image path.
        row: String,
    },
    /// More planes than fit in memory. Most likely the number after `w` in the
    /// names of the files is not a channel.
    #[error(
        "{sites} sites of {channels} channels (up to {last}) are more than {PLANES_AT_MOST} planes; \
         are the images named by their channel? Choose fewer rows with --include"
    )]
    TooManyPlanes {
        /// Number of chosen rows.
        sites: usize,
        /// Number of channels.
        channels: usize,
        /// The last channel.
        last: String,
    },
    /// There are images of rows, but none of a chosen row.
    #[error("none of the {images} images belongs to the {rows} selected rows, such as {row}")]
    NoImageSelected {
        /// Number of images.
        images: usize,
        /// Number of chosen rows.
        rows: usize,
        /// A chosen row, written as an image path.
        row: String,
    },
}

impl JoinError {
    /// Returns the error of an input without images that are named as wanted.
    pub fn no_images(listing: &Listing) -> Self {
        Self::NoImages {
            unrecognised: listing.image_paths().count(),
            example: listing.image_paths().next().map(str::to_owned),
            seen: seen(listing),
            proposal: listing.proposal(),
        }
    }
}

/// Text about a pattern that the names fit; empty without one.
fn proposed(proposal: Option<&Proposal>) -> String {
    match proposal {
        Some(Proposal { pattern, examples }) => {
            format!(". They fit --pattern {pattern}: {}", examples.join("; "))
        }
        None => String::new(),
    }
}

/// Text about image files whose names are not those of images; empty without any.
fn other_names(count: usize, example: Option<&str>) -> String {
    match example {
        Some(path) => format!("; {count} image files are named otherwise, such as {path}"),
        None => String::new(),
    }
}
