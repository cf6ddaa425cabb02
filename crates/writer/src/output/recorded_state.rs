//! The state of OUTPUT as it is recorded in the work folder, in one object.
//!
//! | state | meaning |
//! |---|---|
//! | none | nothing, or a dataset that was sealed, if there is a root |
//! | building | a plan is carried out at OUTPUT, which has no complete dataset |
//! | sealed | a complete dataset |
//! | switching | the dataset at OUTPUT is being replaced by the one of a run folder |
//!
//! Each of them may name the *next* dataset: a run folder in which it is built. A folder
//! is named before the first put into it, and it is never used under another name.
//!
//! Each version of the object has a nonce, by which its writer recognises its own change
//! when the answer of the store is lost.

use std::collections::BTreeSet;

use rxrx_storage::new_nonce;
use serde::{Deserialize, Serialize};

use super::error::OutputError;
use crate::journal::{JournalError, Run, encode_entry, parse_entry};

/// Key of the state in the work folder.
pub(crate) const STATE: &str = "state.json";
/// Largest state that is read: six times the numbers of 1.5 million retried units.
pub(super) const STATE_BYTES_AT_MOST: u64 = 64 << 20;

/// The recorded state.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct RecordedState {
    /// 128 random bits in hexadecimal digits.
    pub(super) nonce: String,
    /// Phase of the objects at OUTPUT.
    pub(super) phase: Phase,
    /// The dataset that is built to replace them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) next: Option<Next>,
    /// Keys of our objects at OUTPUT that belong to no dataset any more: a switch has left
    /// them, because a removal could arrive late.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub(super) left_behind: BTreeSet<String>,
}

/// Phase of the objects at OUTPUT.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Phase {
    /// A plan is carried out; there is no complete dataset.
    Building(Plan),
    /// There is something incomplete, of which no plan is known.
    Incomplete,
    /// There is a complete dataset.
    Sealed,
    /// The dataset of a run folder replaces what is there.
    Switching(Next),
}

/// What is carried out.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Plan {
    /// A conversion.
    Convert(Box<Run>),
    /// The publication of a dataset.
    Publish {
        /// SHA-256 of its root metadata in hexadecimal digits.
        root_sha256: String,
        /// Shards of its image array.
        units: usize,
        /// Names of its label arrays.
        labels: Vec<String>,
    },
}

/// A dataset that is built in a run folder.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Next {
    /// Name of the run folder.
    pub(crate) folder: String,
    pub(crate) plan: Plan,
    /// SHA-256 of the root metadata of the dataset of which objects are kept, in
    /// hexadecimal digits; `None` where none are kept.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) kept_root: Option<String>,
}

impl RecordedState {
    /// Makes a version of the state, with a new nonce.
    pub(super) fn new(
        phase: Phase,
        next: Option<Next>,
        left_behind: BTreeSet<String>,
    ) -> Result<Self, OutputError> {
        Ok(Self {
            nonce: new_nonce()?,
            phase,
            next,
            left_behind,
        })
    }

    /// Whether a complete dataset is there and no other one is being built.
    pub(super) fn is_settled(&self) -> bool {
        self.phase == Phase::Sealed && self.next.is_none()
    }

    /// Encodes the object.
    pub(super) fn encode(&self) -> Result<Vec<u8>, JournalError> {
        encode_entry(STATE, self)
    }

    /// Decodes the object.
    pub(super) fn parse(bytes: &[u8]) -> Result<Self, JournalError> {
        parse_entry(STATE, bytes)
    }
}

impl Plan {
    /// Returns the run, if it is a conversion.
    pub(crate) fn run(&self) -> Option<&Run> {
        match self {
            Self::Convert(run) => Some(run),
            Self::Publish { .. } => None,
        }
    }
}
