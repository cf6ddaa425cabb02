//! Texts for users: results on standard output, warnings and errors on standard
//! error. `NO_COLOR` is respected.
//!
//! Each report is one file with one function that writes into `&mut dyn Write`. Control
//! characters are escaped behind it, in `streams`.

mod bar;
mod cleaned;
mod console;
mod converted;
mod data_set;
mod how_to_open;
mod info;
mod job;
mod json;
mod messages;
mod montage;
mod plan;
mod problems;
mod published;
mod quality;
mod sample;
mod served;
mod streams;
mod text;
mod unfinished;
mod verified;
mod verified_by_store;

pub(crate) use bar::{clear_bar, set_bar};
pub(crate) use cleaned::cleaned;
pub use console::Listener;
pub(crate) use console::{Console, ProgressKind, Shown};
pub(crate) use converted::converted;
pub(crate) use data_set::{profile_fields, warn_described_otherwise, warn_unsettled};
pub(crate) use how_to_open::how_to_open;
pub(crate) use info::info;
pub(crate) use job::{job_sealed, job_started, job_status, parts_run};
pub(crate) use json::{fields, json};
pub(crate) use messages::{error, warn_not_printed, warning};
pub(crate) use montage::{Drawn, montage};
pub(crate) use plan::{DescribedInput, ExpectedTime, PlanEstimates, PlanMemory, plan};
pub(crate) use problems::{blocking_problems, problems};
pub(crate) use published::{published, to_publish};
pub(crate) use quality::quality;
pub(crate) use sample::sample;
pub(crate) use served::{ServedAt, served};
pub(crate) use streams::{json_line, line, log_line, plain, print, set_log, stamped_line};
pub(crate) use text::{bytes, duration, number, quantity};
pub(crate) use unfinished::unfinished;
pub(crate) use verified::verified;
pub(crate) use verified_by_store::verified_by_store;
