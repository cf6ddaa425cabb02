//! Which profile a data set is given.

use std::fs::File;
use std::io::Read;
use std::path::Path;

use super::definition::Profile;
use super::error::ProfileError;
use crate::table::aliases::ColumnAliases;

/// Largest size in bytes of a profile in a file.
const BYTES_AT_MOST: u64 = 1 << 20;

/// Which profile a data set is given.
#[derive(Clone, Debug, Default, PartialEq)]
pub enum ProfileChoice {
    /// The one that the evidence singles out, if there is one.
    #[default]
    ByEvidence,
    /// This one.
    Given(Box<Profile>),
    /// None, whatever the evidence says.
    Nothing,
}

impl ProfileChoice {
    /// Chooses a profile by the name of a built-in one, or by `none`.
    ///
    /// # Errors
    /// There is no such profile.
    pub fn built_in(name: &str) -> Result<Self, ProfileError> {
        if name == "none" {
            return Ok(Self::Nothing);
        }
        Ok(Self::Given(Box::new(Profile::named(name)?)))
    }

    /// Chooses a profile by a name, as [`Self::built_in`] does, or by the path of a file.
    ///
    /// # Errors
    /// There is no such profile or file, or the file is no profile.
    pub fn open(text: &str) -> Result<Self, ProfileError> {
        match Self::built_in(text) {
            Err(ProfileError::Unknown { .. }) if Path::new(text).exists() => {
                let profile = open_file(Path::new(text))?;
                Ok(Self::Given(Box::new(profile)))
            }
            choice => choice,
        }
    }

    /// The aliases of columns with which a table may be read: those of the profile, then
    /// those of all built-in ones.
    pub fn table_aliases(&self) -> Vec<ColumnAliases> {
        let given = match self {
            Self::Given(profile) => Some(profile.table.clone()),
            Self::ByEvidence | Self::Nothing => None,
        };
        let built_in = Profile::built_in().into_iter().map(|profile| profile.table);
        given.into_iter().chain(built_in).collect()
    }
}

/// Reads a profile from a file.
fn open_file(path: &Path) -> Result<Profile, ProfileError> {
    let read = |source| ProfileError::Read {
        path: path.to_owned(),
        source,
    };
    let refuse = |source| ProfileError::File {
        path: path.to_owned(),
        source: Box::new(source),
    };
    let mut text = String::new();
    let file = File::open(path).map_err(read)?;
    let length = file.take(BYTES_AT_MOST + 1).read_to_string(&mut text);
    if length.map_err(read)? as u64 > BYTES_AT_MOST {
        let reason = format!("the file is longer than {BYTES_AT_MOST} bytes");
        return Err(refuse(ProfileError::Field {
            field: "name",
            reason,
        }));
    }
    text.parse().map_err(refuse)
}
