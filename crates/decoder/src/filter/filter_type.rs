//! The filter types that a row may have; 0 means that it is not filtered.
//!
//! [PNG, 9.2](https://www.w3.org/TR/png-3/#9Filter-types)

pub(super) const SUB: u8 = 1;
pub(super) const UP: u8 = 2;
pub(super) const AVERAGE: u8 = 3;
pub(super) const PAETH: u8 = 4;
