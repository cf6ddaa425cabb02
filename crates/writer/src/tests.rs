//! Tests that concern several modules.

mod other_versions;
