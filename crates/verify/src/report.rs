//! The options and the report of a verification.

use std::collections::BTreeMap;
use std::num::NonZeroUsize;

use serde::Serialize;

use crate::memory_limit::MemoryLimit;

/// The options of a verification.
#[derive(Clone, Debug)]
pub struct VerifyOptions {
    /// Threads that hash and decode.
    pub jobs: NonZeroUsize,
    /// Most memory for shards, pixels and image files. The tables come on top.
    pub memory: MemoryLimit,
    /// Whether every chunk is decoded a second time, by a decoder that shares no code with
    /// the first; otherwise one chunk of each shard is.
    pub independent: bool,
}

/// The result of a verification.
#[derive(Clone, Debug, Serialize)]
pub struct VerifyReport {
    /// Objects in the dataset.
    pub objects: usize,
    /// Their sizes together, in bytes.
    pub bytes: u64,
    /// Sites in the array; 0 when the root cannot be read.
    pub sites: usize,
    /// Planes that were decoded.
    pub planes: usize,
    /// Chunks that a second decoder decoded to the same pixels.
    pub decoded_twice: usize,
    /// Planes whose pixels were compared with the source; `None` without one.
    pub compared: Option<usize>,
    /// Whether somebody has edited the card, `README.md`, since it was written. That is no
    /// finding.
    pub card_edited: bool,
    /// Number of findings of each kind.
    pub findings: BTreeMap<FindingKind, usize>,
    /// Sites that are touched by findings.
    pub sites_touched: usize,
    /// The findings about each object that has any.
    pub by_object: BTreeMap<String, ObjectFindings>,
}

impl VerifyReport {
    /// Whether all is as recorded.
    pub fn is_clean(&self) -> bool {
        self.findings.is_empty()
    }
}
use rxrx_reader::consistency::{FindingKind, ObjectFindings};
