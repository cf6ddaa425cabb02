//! Tar files as INPUT, on a disk or in a store. Members are read by their offset from
//! any number of threads, and nothing is unpacked to a disk.
//!
//! ```text
//! headers ──> TarIndex { name, offset, size }   (once; about 40 bytes a member)
//! path ──> tar by its prefix ──> member by its name ──> one read
//! ```
//!
//! A member of `a/EXP/Plate1.tar` has the path that it would have if the tar were
//! unpacked in the folder `a/EXP/Plate1`. A tar has no checksum of its contents: those of
//! the images serve. So a tar whose size or time of change is not what it was when its
//! headers were read ends the run.
//!
//! [POSIX] specifies the format; GNU tar has [its own] long names and sparse members.
//!
//! [POSIX]: https://pubs.opengroup.org/onlinepubs/9799919799/utilities/pax.html
//! [its own]: https://www.gnu.org/software/tar/manual/html_node/Standard.html

pub(crate) mod error;
mod headers;
mod index;
pub(crate) mod source;
#[cfg(test)]
mod tests;
