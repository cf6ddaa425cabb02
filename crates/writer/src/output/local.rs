//! OUTPUT as a folder of a local disk.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use rxrx_storage::{FileLock, LocalStore, Lock, is_temporary};

use super::backend::OutputBackend;
use super::error::OutputError;
use crate::journal;

/// OUTPUT and the work folder beside it.
#[derive(Clone, Debug)]
pub(super) struct LocalBackend {
    output: PathBuf,
    work: PathBuf,
}

impl LocalBackend {
    pub(super) fn new(output: &Path, work: PathBuf) -> Self {
        let output = output.to_owned();
        Self { output, work }
    }

    pub(super) fn work(&self) -> &Path {
        &self.work
    }

    pub(super) fn output_store(&self) -> LocalStore {
        LocalStore::new(&self.output, &self.work)
    }

    pub(super) fn work_store(&self) -> LocalStore {
        LocalStore::new(&self.work, &self.work)
    }

    /// Removes the temporary files that torn writes have left.
    fn remove_temporaries(&self) -> Result<(), OutputError> {
        let Some(names) = entries(&self.work)? else {
            let path = self.work.as_path().into();
            return Err(OutputError::Foreign { path });
        };
        for name in names {
            if is_temporary(&name) {
                let path = self.work.join(name);
                fs::remove_file(&path).map_err(io_error("remove", &path))?;
            }
        }
        Ok(())
    }
}

impl OutputBackend for LocalBackend {
    fn output_entries(&self) -> Result<Option<Vec<String>>, OutputError> {
        entries(&self.output)
    }

    fn work_entries(&self) -> Result<Option<Vec<String>>, OutputError> {
        entries(&self.work)
    }

    fn has_work(&self) -> Result<bool, OutputError> {
        Ok(self.work.exists())
    }

    fn holder(&self) -> Result<Option<String>, OutputError> {
        Ok(FileLock::holder(&self.work)?)
    }

    fn lock(&self) -> Result<Box<dyn Lock>, OutputError> {
        let lock = FileLock::take(&self.output, &self.work, journal::RUN)?;
        self.remove_temporaries()?;
        Ok(Box::new(lock))
    }

    fn remove_output(&self) -> Result<(), OutputError> {
        match fs::remove_dir_all(&self.output) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
            result => result.map_err(io_error("remove", &self.output)),
        }
    }
}

/// Returns the names in `folder`; `None` where it is no folder.
fn entries(folder: &Path) -> Result<Option<Vec<String>>, OutputError> {
    let entries = match fs::read_dir(folder) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Some(Vec::new())),
        Err(error) if error.kind() == io::ErrorKind::NotADirectory => return Ok(None),
        entries => entries.map_err(io_error("list", folder))?,
    };
    let name = |entry: io::Result<fs::DirEntry>| {
        let entry = entry.map_err(io_error("list", folder))?;
        Ok(entry.file_name().to_string_lossy().into_owned())
    };
    entries.map(name).collect::<Result<_, _>>().map(Some)
}

fn io_error(action: &'static str, path: &Path) -> impl Fn(io::Error) -> OutputError {
    move |source| OutputError::Io {
        action,
        path: path.to_owned(),
        source,
    }
}
