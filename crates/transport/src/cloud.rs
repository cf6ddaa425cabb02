//! The kinds of object stores.

use http::HeaderValue;

/// The kind of a store, as far as its requests differ here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cloud {
    /// Amazon S3, or a server that speaks it.
    S3,
    /// Google Cloud Storage.
    Google,
    /// Azure Blob Storage.
    Azure,
}

impl Cloud {
    /// Whether a request with that signature may not get other headers: a request to
    /// Azure that is signed with the key of the account.
    pub fn is_sealed(self, authorization: Option<&HeaderValue>) -> bool {
        self == Self::Azure
            && authorization.is_some_and(|value| value.as_bytes().starts_with(b"SharedKey "))
    }
}
