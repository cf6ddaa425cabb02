//! The folder that OUTPUT names.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use crate::store::StoreError;
use rxrx_platform::parent_of;

/// Returns the folder that `output` names: where `output` is a link, the folder to which
/// it leads, so that a folder has one work folder and one lock under all its names.
///
/// # Errors
/// The link leads nowhere.
pub(super) fn resolve(output: &Path, suffix: &str) -> Result<PathBuf, StoreError> {
    // A slash at the end would follow the link.
    let output: PathBuf = output.components().collect();
    if !output.is_symlink() {
        return Ok(output);
    }
    let failed = |error| StoreError::from_io("use", output.display().to_string(), error);
    match fs::canonicalize(&output) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => {}
        target => return target.map_err(failed),
    }
    let target = target_of(&output).map_err(failed)?;
    // A run that replaces the dataset removes the folder before it creates it again.
    if work_folder(&target, suffix).is_dir() {
        return Ok(target);
    }
    Err(failed(io::Error::new(
        io::ErrorKind::NotFound,
        format!(
            "it is a link to {}, which does not exist: create that folder, or remove the link",
            target.display()
        ),
    )))
}

/// Returns the path to which links lead that end where nothing is. There is an end:
/// whoever resolves the first link to an error of the kind `NotFound` has found one.
fn target_of(link: &Path) -> io::Result<PathBuf> {
    let mut target = link.to_owned();
    while target.is_symlink() {
        target = parent_of(&target).join(fs::read_link(&target)?);
    }
    Ok(target)
}

/// Returns the folder beside `output` with `suffix` at the end of its name.
pub(super) fn work_folder(output: &Path, suffix: &str) -> PathBuf {
    let mut name = output.file_name().unwrap_or_default().to_owned();
    name.push(suffix);
    output.with_file_name(name)
}
