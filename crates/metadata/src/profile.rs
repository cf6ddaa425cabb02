//! What is known about a published data set: a profile.
//!
//! ```text
//! profiles/NAME.toml --> Profile --+
//!                                  +--> recognise --> Recognised: a profile and the reasons
//! table, images -----> Observed ---+
//! ```
//!
//! A profile is data. To add a data set, add a file to `crates/metadata/profiles/`, name it
//! in `profile/texts.rs`, and add a test.

pub(crate) mod channel;
pub(crate) mod choice;
pub(crate) mod definition;
pub(crate) mod error;
pub(crate) mod evidence;
pub(crate) mod input_description;
pub(crate) mod recognise;
pub(crate) mod rows;
#[cfg(test)]
mod tests;
mod texts;
