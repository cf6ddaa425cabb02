//! Texts for users: results on standard output, warnings and errors on standard
//! error. `NO_COLOR` is respected.
//!
//! Each report is one file with one function that writes into `&mut dyn Write`.

mod converted;
mod how_to_open;
mod info;
mod messages;
mod plan;
mod problems;
mod published;
mod sample;
mod stdout;
mod text;
mod unfinished;
mod verified;

pub(crate) use converted::converted;
pub(crate) use how_to_open::how_to_open;
pub(crate) use info::info;
pub(crate) use messages::{error, warning};
pub(crate) use plan::plan;
pub(crate) use problems::{blocking_problems, problems};
pub(crate) use published::{published, to_publish};
pub(crate) use sample::sample;
pub(crate) use stdout::{json, json_with, print};
pub(crate) use text::bytes;
pub(crate) use unfinished::unfinished;
pub(crate) use verified::verified;
