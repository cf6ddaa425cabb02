//! Errors of figures.

/// The largest number of pixels of a sheet: 300 MB while it is drawn.
pub const LARGEST: usize = 100_000_000;

/// A figure cannot be drawn or written.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum FigureError {
    /// The sheet would be too large.
    #[error(
        "the picture would have {width} x {height} pixels, and {} million are possible: choose \
         fewer sites",
        LARGEST / 1_000_000
    )]
    TooLarge {
        /// Width in pixels.
        width: usize,
        /// Height in pixels.
        height: usize,
    },
    /// A panel has other samples than the sheet needs.
    #[error("panel {panel} has not {height} x {width} samples in each channel")]
    Samples {
        /// The panel, from 0.
        panel: usize,
        /// Height of a panel.
        height: usize,
        /// Width of a panel.
        width: usize,
    },
    /// The picture cannot be encoded or written.
    #[error("cannot write the picture")]
    Write(#[from] png::EncodingError),
}
