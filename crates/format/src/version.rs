//! The version of the format and the revision of the encoder.

/// Version of the format, which a reader must know; the attribute `format_version`.
pub const FORMAT_VERSION: u32 = 4;

/// The oldest format that `info`, `verify`, `publish` and the reader still read.
/// Commands that write refuse every format but [`FORMAT_VERSION`].
pub const OLDEST_FORMAT_VERSION: u32 = 3;

/// Whether [`FORMAT_VERSION`] may still change; the attribute `format_draft`.
pub const FORMAT_IS_DRAFT: bool = true;

/// Revision of the encoder, the attribute `encoder_revision`. It counts up whenever the
/// same input and settings give other bytes of shards, overviews, labels or tables. It alone
/// decides whether a run can go on. The digests pinned in `codec/encoder/pinned.rs`,
/// `labels/array/tests.rs` and `tables/tests.rs` are its contract: they change with it.
pub const ENCODER_REVISION: u32 = 5;

/// The name and version of this program, as recorded in every dataset.
pub const GENERATOR: &str = concat!("rxrx2zarr ", env!("CARGO_PKG_VERSION"));
