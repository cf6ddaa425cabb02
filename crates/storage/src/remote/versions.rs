//! Versions as object_store writes them.

use object_store::{ObjectMeta, PutResult, UpdateVersion};

use crate::version::Version;

impl Version {
    /// Returns the version of an object that was listed or read.
    pub(super) fn of(object: &ObjectMeta) -> Self {
        Self {
            e_tag: object.e_tag.clone(),
            generation: object.version.clone(),
        }
    }

    /// Returns the version that a put has stored.
    pub(super) fn stored(put: PutResult) -> Self {
        Self {
            e_tag: put.e_tag,
            generation: put.version,
        }
    }

    /// Returns the version as the condition of a put.
    pub(super) fn update(&self) -> UpdateVersion {
        UpdateVersion {
            e_tag: self.e_tag.clone(),
            version: self.generation.clone(),
        }
    }
}
