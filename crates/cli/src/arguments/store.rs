//! Options of object stores.

use std::ffi::{OsStr, OsString};
use std::sync::Arc;

use clap::Args;
use rxrx_writer::{Location, LocationError, StoreOption, bytes_a_second};

/// Options that say how to reach object stores.
#[derive(Debug, Args)]
pub(crate) struct StoreArguments {
    /// Set an option of the object store, such as endpoint or region; repeatable
    #[arg(long = "store-option", value_name = "KEY=VALUE", display_order = 800)]
    options: Vec<String>,

    /// Move at most so many bytes a second to and from object stores, such as 50MB
    #[arg(long, value_name = "BYTES", display_order = 801, value_parser = bandwidth)]
    max_bandwidth: Option<String>,
}

/// Checks a limit of bandwidth.
fn bandwidth(text: &str) -> Result<String, &'static str> {
    let is_number = bytes_a_second(text).is_some();
    let text = is_number.then(|| text.to_owned());
    text.ok_or("it is a number of bytes a second, such as 50MB or 500kB")
}

impl StoreArguments {
    /// Returns the options, with the limit of bandwidth.
    pub(super) fn store_options(&self) -> Result<Arc<[StoreOption]>, LocationError> {
        let limit = self.max_bandwidth.iter().map(|limit| {
            Ok(StoreOption {
                key: StoreOption::MAX_BANDWIDTH.to_owned(),
                value: limit.clone(),
            })
        });
        let options = self.options.iter().map(|option| StoreOption::parse(option));
        options.chain(limit).collect()
    }

    /// Parses a path or an address. Clap does not do it, because its errors
    /// repeat the argument with the secrets that it may have.
    pub(super) fn location(&self, text: &OsStr) -> Result<Location, LocationError> {
        Location::parse(text, &self.store_options()?)
    }

    /// Parses the path or the address of a dataset.
    pub(super) fn folder(&self, text: &OsStr) -> Result<Location, LocationError> {
        self.location(text)?.of_folder()
    }

    /// Parses a path or an address that need not be given.
    pub(super) fn optional(
        &self,
        text: Option<&OsString>,
    ) -> Result<Option<Location>, LocationError> {
        text.map(|text| self.location(text)).transpose()
    }
}
