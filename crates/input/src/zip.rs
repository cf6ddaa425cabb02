//! A zip archive as INPUT, of this machine or behind an address: entries are read
//! by their offset, from any number of threads, and nothing is unpacked to a disk.
//!
//! ```text
//! end record ──> central directory ──> Directory   (once; some 85 bytes an entry)
//! path ──> Entry { offset, sizes, crc } ──> one read of header and data, or of
//!                                           those of neighbours ──> checked bytes
//! ```
//!
//! The format is [APPNOTE]. The central directory is what counts; a local header
//! that contradicts it makes its entry a bad one, as do data that overlap those
//! of another. Bad entries are bad images, each with its cause; a central
//! directory that cannot be read is an error, for then nothing is certain.
//!
//! [APPNOTE]: https://pkware.cachefly.net/webdocs/casestudies/APPNOTE.TXT

mod archive;
mod content;
mod directory;
mod entry;
mod error;
#[cfg(test)]
pub(crate) mod made;
mod read;
mod spares;
#[cfg(test)]
mod tests;

pub use self::archive::Archive;
pub(crate) use self::entry::EntryError;
pub use self::error::ArchiveError;
