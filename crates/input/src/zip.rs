//! A zip archive as INPUT, on a disk or in a store. Entries are read by their offset
//! from any number of threads, and nothing is unpacked to a disk.
//!
//! ```text
//! end record ──> central directory ──> Directory   (once; about 85 bytes an entry)
//! path ──> Entry { offset, sizes, crc } ──> one read of header and data, or of
//!                                           those of neighbours ──> checked bytes
//! ```
//!
//! [APPNOTE] specifies the format. The central directory decides: an entry whose
//! local header contradicts it is a bad image, and so are entries that share bytes.
//! A central directory that cannot be read is an error of the whole archive.
//!
//! [APPNOTE]: https://pkware.cachefly.net/webdocs/casestudies/APPNOTE.TXT

pub(crate) mod archive;
mod buffers;
mod content;
mod directory;
mod entry;
pub(crate) mod error;
#[cfg(test)]
mod made;
mod read;
#[cfg(test)]
mod tests;
