//! The shared files of AWS: `~/.aws/credentials` and `~/.aws/config`.
//!
//! Source: <https://docs.aws.amazon.com/sdkref/latest/guide/file-format.html>

use std::env;
use std::path::{Path, PathBuf};

use ini::{Ini, Properties};

/// The paths of the two files, or of files that need not exist.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct SharedFiles {
    pub credentials: Option<PathBuf>,
    pub config: Option<PathBuf>,
}

/// The contents of the two files.
pub struct SharedSettings {
    credentials: Ini,
    config: Ini,
}

impl SharedFiles {
    /// Finds the files that the environment names, or those of the user.
    pub fn find() -> Self {
        let path = |variable: &str, usual: &str| {
            let named = env::var_os(variable).map(PathBuf::from);
            named.or_else(|| Some(env::home_dir()?.join(usual)))
        };
        Self {
            credentials: path("AWS_SHARED_CREDENTIALS_FILE", ".aws/credentials"),
            config: path("AWS_CONFIG_FILE", ".aws/config"),
        }
    }

    /// Reads the files; an absent one has no settings.
    ///
    /// # Errors
    /// The file that cannot be read, and why.
    pub fn read(&self) -> Result<SharedSettings, String> {
        Ok(SharedSettings {
            credentials: read(self.credentials.as_deref())?,
            config: read(self.config.as_deref())?,
        })
    }
}

impl SharedSettings {
    /// Returns the sections of a profile, that of the file of credentials first.
    pub fn profile(&self, name: &str) -> [Option<&Properties>; 2] {
        let section = match name {
            "default" => "default".to_owned(),
            name => format!("profile {name}"),
        };
        [
            self.credentials.section(Some(name)),
            self.config.section(Some(&section)),
        ]
    }
}

fn read(path: Option<&Path>) -> Result<Ini, String> {
    let Some(path) = path.filter(|path| path.is_file()) else {
        return Ok(Ini::new());
    };
    Ini::load_from_file_noescape(path)
        .map_err(|error| format!("cannot read {}: {error}", path.display()))
}
