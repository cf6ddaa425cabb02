//! Tests that concern several modules.

mod other_versions;
mod projection;
mod scale;
pub(crate) mod verify;
