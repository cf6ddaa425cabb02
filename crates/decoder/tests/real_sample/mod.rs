//! The real RxRx1 images that tests and benchmarks read.
//!
//! They are not part of the repository. The environment variable `RXRX1_SAMPLE` names
//! their folder; without it, it is `../shared/data/rxrx1-sample` beside the repository.
//! Any folder with 512 x 512 PNGs of 8 bit out of `rxrx1-images.zip` serves (its address
//! is in this crate's README).

use std::env;
use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

/// Finds the PNGs of the sample, sorted by path. If there are none, prints one line for the
/// test or the benchmark of this name.
#[allow(
    clippy::disallowed_methods,
    reason = "a test tells a person what it skipped"
)]
pub(crate) fn files(name: &str) -> Vec<PathBuf> {
    let beside = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/data/rxrx1-sample");
    let folder = env::var_os("RXRX1_SAMPLE").map_or(beside, PathBuf::from);
    let files = pngs_below(&folder);
    if files.is_empty() {
        // Written past the test harness, which hides what a passing test prints, and in one
        // piece, because other tests write too. A closed stderr is no reason to fail.
        let line = format!("skipped: {name}: no real RxRx1 images (set RXRX1_SAMPLE)\n");
        let _ = io::stderr().write_all(line.as_bytes());
    }
    files
}

/// Finds the PNGs below a folder, sorted by path. None if the folder cannot be read.
pub(crate) fn pngs_below(folder: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    add_pngs(folder, &mut files);
    files.sort();
    files
}

fn add_pngs(folder: &Path, files: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        let path = entry.path();
        if path.is_dir() {
            add_pngs(&path, files);
        } else if path.extension().is_some_and(|extension| extension == "png") {
            files.push(path);
        }
    }
}
