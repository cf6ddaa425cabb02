//! Tests that concern several modules.

mod other_versions;
mod overview;
mod projection;
mod scale;
pub(crate) mod verify;
