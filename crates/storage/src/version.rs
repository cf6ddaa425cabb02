//! Versions of objects.

/// One version of an object: what tells it from another one under the same key.
///
/// In an object store that is its ETag, which two objects with equal bytes may share, or
/// its generation at Google. On a disk it is the number of the file, its size and the time
/// of its last change.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Version {
    pub(crate) e_tag: Option<String>,
    pub(crate) generation: Option<String>,
}

impl Version {
    /// Whether this can be the version `seen`: their tags are equal, or one of them has none.
    pub fn may_be(&self, seen: &Self) -> bool {
        let tags = self.e_tag.as_ref().zip(seen.e_tag.as_ref());
        tags.is_none_or(|(now, then)| now == then)
    }

    /// The tag, where the store gives one.
    pub fn tag(&self) -> Option<&str> {
        self.e_tag.as_deref()
    }

    /// Makes the version with that tag.
    pub fn of_tag(e_tag: impl Into<String>) -> Self {
        Self {
            e_tag: Some(e_tag.into()),
            generation: None,
        }
    }
}
