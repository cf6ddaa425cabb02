//! Where tests find real RxRx1 data, which its licence keeps out of the repository.
//!
//! Test crates include this file with `#[path]`.

use std::path::{Path, PathBuf};

/// Returns a path inside the folder that `RXRX1_SAMPLE` names (by default
/// `../shared/data/rxrx1-sample`, seen from the repository).
///
/// `None`, and a line "skipped: REASON" for the summary of `scripts/test`, where
/// nothing exists at that path.
#[allow(
    clippy::print_stdout,
    reason = "scripts/test reads the output of tests"
)]
pub(super) fn real_data(inside: &str) -> Option<PathBuf> {
    let default = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/../../../shared/data/rxrx1-sample"
    );
    let sample = std::env::var_os("RXRX1_SAMPLE");
    let path = sample
        .as_deref()
        .map_or(Path::new(default), Path::new)
        .join(inside);
    if !path.exists() {
        println!("skipped: {} does not exist (RXRX1_SAMPLE)", path.display());
        return None;
    }
    Some(path)
}
