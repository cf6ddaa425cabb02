//! Tests that concern several modules.

mod other_versions;
mod projection;
pub(crate) mod verify;
