//! Tests that concern several modules.

mod other_versions;
mod overview;
mod projection;
pub(crate) mod verify;
