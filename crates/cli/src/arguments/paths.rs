//! INPUTs and OUTPUT.

use std::ffi::{OsStr, OsString};

use clap::Args;
use rxrx_writer::{Location, LocationError, PlanOptions};

use super::input::InputArguments;

/// INPUTs and, the last one, OUTPUT.
#[derive(Debug, Args)]
pub(crate) struct PathArguments {
    /// INPUT: folder, zip or tar archive, folder of tars, or Parquet files, with images named
    /// [images/]EXP/PlateN/WELL_sS_wC.png; several are read as one. OUTPUT, the last one:
    /// folder to create. Each is a path, or an address: s3://, gs://, az:// or http(s)://
    // One list, because clap gives a list followed by another argument only what stands in
    // front of the first option.
    #[arg(value_name = "PATH", required = true, num_args = 1..)]
    paths: Vec<OsString>,
}

impl PathArguments {
    /// Whether there is an OUTPUT beside an INPUT, which clap cannot demand: it counts the
    /// paths between two options.
    pub(super) fn has_output(&self, input: &InputArguments) -> bool {
        self.paths.len() > 1 || input.has_path_columns()
    }

    /// Returns OUTPUT.
    pub(super) fn output(&self, input: &InputArguments) -> Result<Location, LocationError> {
        let output = self
            .paths
            .last()
            .map_or(OsStr::new(""), OsString::as_os_str);
        input.store.folder(output)
    }

    /// Returns the INPUTs.
    pub(super) fn inputs(
        &self,
        input: &InputArguments,
        options: &PlanOptions,
    ) -> anyhow::Result<Vec<Location>> {
        let inputs = self
            .paths
            .split_last()
            .map_or(&[][..], |(_, inputs)| inputs);
        input.locations(inputs, options)
    }
}
