//! What the program is, for `--version` and reports of faults.

use std::sync::LazyLock;

use rxrx_writer::{ENCODER_REVISION, FORMAT_IS_DRAFT, FORMAT_VERSION, OLDEST_FORMAT_VERSION};

/// Version of the program.
const VERSION: &str = env!("CARGO_PKG_VERSION");

/// The text of `--version`, without the name of the program.
static TEXT: LazyLock<String> = LazyLock::new(|| {
    let draft = if FORMAT_IS_DRAFT { ", a draft" } else { "" };
    format!(
        "{VERSION}\n\
         commit    {}\n\
         target    {}\n\
         format    {FORMAT_VERSION}{draft}; reads {OLDEST_FORMAT_VERSION} and newer\n\
         encoder   revision {ENCODER_REVISION}",
        env!("RXRX2ZARR_BUILD_COMMIT"),
        env!("RXRX2ZARR_BUILD_TARGET"),
    )
});

/// Returns the version with commit, target and formats.
pub(crate) fn long_version() -> &'static str {
    &TEXT
}
