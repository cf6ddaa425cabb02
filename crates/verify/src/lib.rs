#![doc = include_str!("../README.md")]
//!
//! ## Modules
//!
//! ```text
//! verification          all objects are read, and compared
//!  ├─ opened, checksums    root, list of objects, SHA256SUMS
//!  ├─ small_objects        documents, labels, tables
//!  ├─ shards               workers: index, chunks, planes of each shard
//!  │   ├─ overview             overviews, computed from the pixels again
//!  │   └─ pieces, memory, budget   how much of the shards is in memory
//!  ├─ source               images of INPUT, decoded once more
//!  └─ report, missing      findings
//! by_store              checksums of the store, compared without a download
//! memory_limit          the bound on memory, also of a conversion
//! progress              what a caller is told meanwhile
//! ```

mod budget;
mod by_store;
mod checksums;
mod chunk;
mod error;
mod memory;
mod memory_limit;
mod missing;
mod opened;
mod overview;
mod pieces;
mod progress;
mod report;
mod shard_findings;
mod shard_index;
mod shards;
mod small_objects;
mod source;
mod source_table;
mod verification;

pub use rxrx_reader::consistency::{Finding, FindingKind, ObjectFindings, SiteSpan};

pub use self::by_store::{ChangedObjects, StoreReport, verify_by_store};
pub use self::error::VerifyError;
pub use self::memory_limit::{MemoryLimit, TooLittleMemory, size_text};
pub use self::progress::Progress;
pub use self::report::{VerifyOptions, VerifyReport};
pub use self::verification::verify;
