//! Runs the program as a user does and judges what it writes with readers that
//! are not ours: zarrs, the Parquet crate, the `image` crate, a file handle.
//!
//! ```text
//! Input (a tree of PNG files) ──> Run (the program) ──> Dataset (what it wrote)
//! ```

#[cfg(test)] // clippy.toml allows tests to unwrap, and this is how it knows them
mod end_to_end {
    mod dataset;
    mod full_disk;
    mod input;
    mod run;

    mod archives;
    mod bad_images;
    mod bad_input;
    mod codecs;
    mod continued;
    mod data_sets;
    mod description;
    mod embeddings;
    mod exit_codes;
    mod failing_input;
    mod file_systems;
    mod hostile_dataset;
    mod hostile_images;
    mod hostile_input;
    mod jobs;
    mod labels;
    mod layouts;
    mod lease_file;
    mod memory;
    mod permissions;
    mod power_loss;
    #[path = "../real_data.rs"]
    mod real_data;
    mod real_sample;
    mod repeatable;
    mod retry;
    mod row_rules;
    mod seal;
    mod space;
    mod streams;
    mod structure;
    mod system_calls;
    mod tables;
    #[path = "../tally.rs"]
    mod tally;
    mod targets;
    mod threads;
    mod torture;
    mod verify;
}
