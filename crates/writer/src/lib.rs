//! Work in progress: see Cargo.toml.
