//! Writes RxRx-like image sets as sharded Zarr v3 with Parquet tables.
//!
//! ```text
//! INPUT ──Prepared──> Plan ──┐
//!                            │  pipeline: Source -> Decoder -> ChunkEncoder -> Shard
//!                            ├──────────────> Store   images.zarr/images/c/…   (one put a unit)
//!                            │  seal: labels, tables, card, checksums
//!                            └──────────────> Store   images.zarr/zarr.json    (last of all)
//! ```
//!
//! The image array has the axes (site, channel, y, x), 8- or 16-bit unsigned
//! samples. A *chunk* is what a reader decodes at once, a *shard* is one stored
//! object of many chunks, a *unit* is one shard's work; units know nothing of
//! each other. See [`pipeline`](convert) for how they share the cores and how
//! much memory they take.
//!
//! | module | noun |
//! |---|---|
//! | `prepare`, `input`, `survey` | INPUT, listed, joined and looked at |
//! | `location`, `source`, `archive`, `bucket`, `store`, `output`, `target` | where bytes come from and go to |
//! | `codec`, `shard`, `pipeline`, `record` | units of work |
//! | `hierarchy`, `labels`, `tables`, `card`, `croissant`, `description` | what describes the pixels |
//! | `seal`, `convert`, `info`, `verify`, `publish` | the dataset as a whole |

mod archive;
mod bucket;
mod card;
mod checksums;
mod codec;
mod convert;
mod croissant;
mod description;
mod events;
mod fingerprint;
#[cfg(test)]
mod fixture;
mod heap;
mod hierarchy;
mod info;
mod input;
mod journal;
mod labels;
mod location;
mod output;
mod pipeline;
mod prepare;
mod publish;
mod record;
mod refused;
mod remote;
mod resume;
mod seal;
mod shard;
mod side_by_side;
mod source;
mod store;
mod survey;
mod tables;
mod target;
mod unfinished;
mod verify;

pub use archive::{Archive, ArchiveError};
pub use codec::{ChunkEncoder, Codec, CodecError, EncoderScratch, UnknownCodec};
pub use convert::{ConvertError, ConvertOptions, Converted, convert};
pub use description::{ChannelDescription, Description, DescriptionError, GENERATOR, Window};
pub use events::{Event, Observer, Silent};
pub use heap::keep_no_free_memory;
pub use hierarchy::{DatasetAttributes, Settings};
pub use info::{DatasetInfo, InfoError};
pub use journal::JournalError;
pub use labels::LabelError;
pub use location::{Address, Location, LocationError, StoreOption};
pub use output::LostObject;
pub use pipeline::PipelineError;
pub use prepare::{PlanOptions, PrepareError, Prepared, Projection};
pub use publish::{PublishError, PublishOptions, Published, publish};
pub use record::{PlaneCounts, PlaneRecord, UnitRecord};
pub use refused::RefusedImages;
pub use resume::{ResumeError, Resumed, SourceChanges};
pub use seal::SealError;
pub use source::{FolderSource, Reading, Source, SourceStamp};
pub use store::{LocalStore, Store, StoreError, StoredObject, WriteObject, open_dataset};
pub use tables::{EmbeddingsDigest, ReadTableError, TableError};
pub use target::TargetError;
pub use unfinished::{MadeWith, Unfinished};
pub use verify::{
    Finding, FindingKind, ObjectFindings, SiteSpan, VerifyError, VerifyOptions, VerifyReport,
    verify,
};
