//! Tests that concern several modules.

mod other_versions;
pub(crate) mod verify;
