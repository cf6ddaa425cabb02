//! The folder that becomes a dataset, and the one beside it that holds what is
//! unfinished.
//!
//! | `OUTPUT/` | `OUTPUT.rxrx2zarr/` | state |
//! |---|---|---|
//! | absent or empty | absent | free |
//! | with root metadata | absent | sealed: complete |
//! | with or without content | present | unfinished: a run is under way or was cut off |
//! | with root metadata | present | sealed; only the clean-up was cut off |
//! | anything else | absent | foreign: never touched |
//!
//! Whatever the state, a folder that holds an entry which no conversion writes
//! is not removed: somebody put it there.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use crate::hierarchy::{GROUP, ROOT_METADATA};
use crate::info::DatasetInfo;
use crate::store::{LocalStore, is_temporary};

/// Appended to OUTPUT's name for the folder of unfinished work.
const WORK_SUFFIX: &str = ".rxrx2zarr";

/// What a conversion puts at the top of OUTPUT.
const OUTPUT_ENTRIES: [&str; 6] = [
    GROUP,
    "metadata.parquet",
    "planes.parquet",
    "README.md",
    "croissant.json",
    "SHA256SUMS",
];

/// OUTPUT cannot be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TargetError {
    /// OUTPUT has no name of its own, such as `/` or `..`.
    #[error("output {path} cannot be used: name a folder to create")]
    NoName {
        /// OUTPUT.
        path: PathBuf,
    },
    /// OUTPUT is a complete dataset.
    #[error(
        "output {path} is a complete dataset already: choose another output, or replace it with --overwrite"
    )]
    Sealed {
        /// OUTPUT.
        path: PathBuf,
    },
    /// A run was cut off, or another one is under way.
    #[error(
        "output {path} is unfinished: another run is writing it, or one was cut off \
         (its remains are in {work}). If no other run is under way, start over with --overwrite"
    )]
    Unfinished {
        /// OUTPUT.
        path: PathBuf,
        /// The folder of unfinished work.
        work: PathBuf,
    },
    /// OUTPUT holds something that is not ours to replace.
    #[error(
        "output {path} exists and is not a dataset of rxrx2zarr: choose another output, or remove it yourself"
    )]
    Foreign {
        /// OUTPUT.
        path: PathBuf,
    },
    /// A folder that was to be replaced holds something that is not ours.
    #[error("{path} is not written by rxrx2zarr: move it away, or choose another output")]
    Stranger {
        /// The entry that no conversion writes.
        path: PathBuf,
    },
    /// OUTPUT and INPUT lie one within the other.
    #[error(
        "output {output} and input {input} must not lie one within the other: choose another output"
    )]
    Overlap {
        /// OUTPUT.
        output: PathBuf,
        /// INPUT.
        input: PathBuf,
    },
    /// The file system refused.
    #[error("cannot {action} {path}")]
    Io {
        /// What was being done, as a verb.
        action: &'static str,
        /// To what.
        path: PathBuf,
        /// What the file system said.
        source: io::Error,
    },
}

/// A claimed OUTPUT folder.
#[derive(Debug)]
pub(crate) struct Target {
    output: PathBuf,
    work: PathBuf,
}

impl Target {
    /// Claims `output` for a run that reads `input`, removing a dataset of
    /// ours that lies there if `overwrite` says so.
    pub(crate) fn claim(output: &Path, input: &Path, overwrite: bool) -> Result<Self, TargetError> {
        let Some(name) = output.file_name() else {
            let path = output.to_owned();
            return Err(TargetError::NoName { path });
        };
        let mut work_name = name.to_owned();
        work_name.push(WORK_SUFFIX);
        let target = Self {
            output: output.to_owned(),
            work: output.with_file_name(work_name),
        };
        target.refuse_overlap(input)?;
        target.clear(overwrite)?;
        if let Some(parent) = target.work.parent() {
            fs::create_dir_all(parent).map_err(io_error("create", parent))?;
        }
        match fs::create_dir(&target.work) {
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Err(target.unfinished()),
            result => result.map_err(io_error("create", &target.work)),
        }?;
        Ok(target)
    }

    /// The store below OUTPUT.
    pub(crate) fn store(&self) -> LocalStore {
        LocalStore::new(&self.output, &self.work)
    }

    /// Removes the folder of unfinished work: the dataset is sealed.
    pub(crate) fn release(self) {
        // The dataset is complete all the same, and what stays behind is empty.
        let _ = fs::remove_dir_all(&self.work);
    }

    fn unfinished(&self) -> TargetError {
        TargetError::Unfinished {
            path: self.output.clone(),
            work: self.work.clone(),
        }
    }

    /// Makes OUTPUT free, or says why it is not.
    fn clear(&self, overwrite: bool) -> Result<(), TargetError> {
        let path = || self.output.clone();
        let root = self.output.join(ROOT_METADATA);
        if self.work.exists() && !self.work.is_dir() {
            let path = self.work.clone();
            return Err(TargetError::Foreign { path });
        }
        let started = self.work.is_dir();
        if !started && is_absent_or_empty(&self.output)? {
            return Ok(());
        }
        let sealed = root.is_file() && DatasetInfo::is_ours(&self.store());
        match (sealed, started) {
            (false, false) => return Err(TargetError::Foreign { path: path() }),
            (true, _) if !overwrite => return Err(TargetError::Sealed { path: path() }),
            (false, true) if !overwrite => return Err(self.unfinished()),
            _ => {}
        }
        refuse_strangers(&self.output, |name| OUTPUT_ENTRIES.contains(&name))?;
        refuse_strangers(&self.work, is_temporary)?;
        // The root metadata goes first: from then on nobody takes what is left
        // for a dataset.
        if root.is_file() {
            fs::remove_file(&root).map_err(io_error("remove", &root))?;
        }
        for folder in [&self.output, &self.work] {
            if folder.is_dir() {
                fs::remove_dir_all(folder).map_err(io_error("remove", folder))?;
            }
        }
        Ok(())
    }

    fn refuse_overlap(&self, input: &Path) -> Result<(), TargetError> {
        let resolve = |path: &Path| fs::canonicalize(path).map_err(io_error("find", path));
        let input = resolve(input)?;
        // OUTPUT need not exist yet: the nearest folder above it does.
        let absolute = std::path::absolute(&self.output).map_err(io_error("find", &self.output))?;
        let existing = absolute.ancestors().find(|ancestor| ancestor.exists());
        let existing = existing.unwrap_or(&absolute);
        let rest = absolute.strip_prefix(existing).unwrap_or(Path::new(""));
        let output = resolve(existing)?.join(rest);
        if output.starts_with(&input) || input.starts_with(&output) {
            return Err(TargetError::Overlap { output, input });
        }
        Ok(())
    }
}

/// Demands that `folder`, where there is one, holds nothing but what is `ours`.
fn refuse_strangers(folder: &Path, ours: impl Fn(&str) -> bool) -> Result<(), TargetError> {
    let entries = match fs::read_dir(folder) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(error) if error.kind() == io::ErrorKind::NotADirectory => {
            let path = folder.to_owned();
            return Err(TargetError::Foreign { path });
        }
        entries => entries.map_err(io_error("list", folder))?,
    };
    for entry in entries {
        let entry = entry.map_err(io_error("list", folder))?;
        if !entry.file_name().to_str().is_some_and(&ours) {
            let path = entry.path();
            return Err(TargetError::Stranger { path });
        }
    }
    Ok(())
}

fn is_absent_or_empty(folder: &Path) -> Result<bool, TargetError> {
    match fs::read_dir(folder) {
        Ok(mut entries) => Ok(entries.next().is_none()),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(true),
        Err(error) if error.kind() == io::ErrorKind::NotADirectory => Ok(false),
        Err(error) => Err(io_error("list", folder)(error)),
    }
}

fn io_error(action: &'static str, path: &Path) -> impl Fn(io::Error) -> TargetError {
    move |source| TargetError::Io {
        action,
        path: path.to_owned(),
        source,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Place {
        folder: tempfile::TempDir,
        input: PathBuf,
        output: PathBuf,
    }

    fn place() -> Place {
        let folder = tempfile::tempdir().unwrap();
        let input = folder.path().join("in");
        let output = folder.path().join("out");
        fs::create_dir(&input).unwrap();
        Place {
            folder,
            input,
            output,
        }
    }

    #[test]
    fn a_free_output_is_claimed_once() {
        let place = place();
        let target = Target::claim(&place.output, &place.input, false).unwrap();
        let second = Target::claim(&place.output, &place.input, false).unwrap_err();
        assert!(matches!(second, TargetError::Unfinished { .. }), "{second}");
        target.release();
        Target::claim(&place.output, &place.input, false).unwrap();
    }

    #[test]
    fn foreign_folders_and_files_survive_overwrite() {
        let place = place();
        fs::create_dir(&place.output).unwrap();
        fs::write(place.output.join("thesis.tex"), "years of work").unwrap();
        let error = Target::claim(&place.output, &place.input, true).unwrap_err();
        assert!(matches!(error, TargetError::Foreign { .. }), "{error}");
        assert!(place.output.join("thesis.tex").exists());

        // A Zarr group of somebody else is foreign, too.
        fs::create_dir(place.output.join("images.zarr")).unwrap();
        fs::write(
            place.output.join(ROOT_METADATA),
            r#"{"zarr_format": 3, "node_type": "group"}"#,
        )
        .unwrap();
        let error = Target::claim(&place.output, &place.input, true).unwrap_err();
        assert!(matches!(error, TargetError::Foreign { .. }), "{error}");

        let file = place.output.join("thesis.tex");
        let error = Target::claim(&file, &place.input, true).unwrap_err();
        assert!(matches!(error, TargetError::Foreign { .. }), "{error}");
    }

    #[test]
    fn unfinished_work_is_replaced_only_when_told() {
        let place = place();
        drop(Target::claim(&place.output, &place.input, false).unwrap());
        fs::create_dir_all(place.output.join(GROUP)).unwrap();
        fs::write(place.output.join("README.md"), "").unwrap();
        fs::write(place.folder.path().join("out.rxrx2zarr/object-7.tmp"), "").unwrap();
        assert!(Target::claim(&place.output, &place.input, false).is_err());
        Target::claim(&place.output, &place.input, true).unwrap();
        assert!(!place.output.exists());
    }

    #[test]
    fn what_is_sealed_stays_so_when_its_clean_up_was_cut_off() {
        let place = place();
        drop(Target::claim(&place.output, &place.input, false).unwrap());
        fs::create_dir_all(place.output.join(GROUP)).unwrap();
        let root = r#"{"attributes": {"generator": "rxrx2zarr 0.1.0"}}"#;
        fs::write(place.output.join(ROOT_METADATA), root).unwrap();
        let error = Target::claim(&place.output, &place.input, false).unwrap_err();
        assert!(matches!(error, TargetError::Sealed { .. }), "{error}");
    }

    #[test]
    fn what_somebody_put_beside_unfinished_work_survives() {
        let place = place();
        let work = place.folder.path().join("out.rxrx2zarr");
        drop(Target::claim(&place.output, &place.input, false).unwrap());
        fs::create_dir(&place.output).unwrap();
        for file in [
            place.output.join("thesis.tex"),
            work.join("metadata.parquet"),
        ] {
            fs::write(&file, "years of work").unwrap();
            let error = Target::claim(&place.output, &place.input, true).unwrap_err();
            assert!(
                matches!(&error, TargetError::Stranger { path } if *path == file),
                "{error}"
            );
            fs::remove_file(&file).unwrap();
        }
        fs::remove_dir(&place.output).unwrap();
        for file in [&place.output, &work] {
            let _ = fs::remove_dir(file);
            fs::write(file, "a file").unwrap();
            let error = Target::claim(&place.output, &place.input, true).unwrap_err();
            assert!(matches!(error, TargetError::Foreign { .. }), "{error}");
            fs::remove_file(file).unwrap();
        }
        Target::claim(&place.output, &place.input, true).unwrap();
    }

    #[test]
    fn input_and_output_must_not_overlap() {
        let place = place();
        let inside = place.input.join("a/b/out");
        for output in [&inside, &place.input, &place.input.join("../in/out")] {
            let error = Target::claim(output, &place.input, true).unwrap_err();
            assert!(matches!(error, TargetError::Overlap { .. }), "{error}");
        }
        let input = place.output.join("in");
        fs::create_dir_all(&input).unwrap();
        let error = Target::claim(&place.output, &input, true).unwrap_err();
        assert!(matches!(error, TargetError::Overlap { .. }), "{error}");
    }
}
