//! Arguments that say what the data set is.

use std::error::Error;

use clap::Args;
use rxrx_writer::metadata::{InputDescription, ProfileChoice};
use rxrx_writer::{Description, PlannedInput, describe};

/// What the data set is. Each option goes before `rxrx2zarr.json` in INPUT, and that before
/// the profile.
#[derive(Debug, Args)]
pub(crate) struct DescriptionArguments {
    /// Published data set that this is: rxrx1, rxrx2, rxrx19a, rxrx19b, rxrx3, rxrx3-core,
    /// none, or a TOML file; see docs/converting.md [default: recognised by table and images]
    #[arg(long, value_name = "PROFILE", value_parser = profile)]
    pub(super) profile: Option<ProfileChoice>,

    /// Name of the dataset [default: from INPUT/rxrx2zarr.json, or the profile]
    #[arg(long, value_name = "NAME")]
    dataset_name: Option<String>,

    /// Licence of the images, an SPDX identifier [default: from INPUT/rxrx2zarr.json, or the
    /// profile]
    #[arg(long, value_name = "SPDX")]
    license: Option<String>,

    /// Publication to cite [default: from INPUT/rxrx2zarr.json, or the profile]
    #[arg(long, value_name = "TEXT")]
    citation: Option<String>,
}

impl DescriptionArguments {
    /// Returns the description of the dataset: what the user gives, and otherwise what the
    /// input and its profile say.
    pub(crate) fn description(&self, prepared: &PlannedInput) -> Description {
        let said = InputDescription {
            name: self.dataset_name.clone(),
            license: self.license.clone(),
            citation: self.citation.clone(),
            ..InputDescription::default()
        };
        describe(prepared).with(&said, prepared.plan.geometry().data_type)
    }
}

/// Parses `--profile`. The parser of arguments shows no causes, so they are part of the error.
pub(super) fn profile(text: &str) -> Result<ProfileChoice, String> {
    ProfileChoice::open(text).map_err(|error| {
        let mut message = error.to_string();
        let mut cause = error.source();
        while let Some(error) = cause {
            message += &format!(": {error}");
            cause = error.source();
        }
        message
    })
}
