//! Progress on standard error: a bar on a terminal, otherwise a line from time to time, or
//! lines of JSON; nothing with `--quiet`.
//!
//! ```text
//! sites, objects, files, stage ──> display   the thread that draws
//!        └─> messages                └─> meter   how far, and how that is said
//! ```

mod display;
mod files;
mod kept;
mod messages;
mod meter;
mod objects;
mod resumed;
mod sites;
mod stage;

pub(crate) use files::FileProgress;
pub(crate) use objects::ObjectProgress;
pub(crate) use sites::SiteProgress;
pub(crate) use stage::StageProgress;
