//! The error of a store that cannot be read at all.

use std::error::Error;
use std::fmt;
use std::io;
use std::sync::Arc;

use crate::store::StoreError;

/// The whole store cannot be read, not only one object: there is no connection or
/// no permission, or the archive was replaced.
///
/// It is wrapped in an [`io::Error`] where a trait of another crate demands one.
#[derive(Clone, Debug)]
pub struct Unreachable(Arc<StoreError>);

impl From<StoreError> for Unreachable {
    fn from(error: StoreError) -> Self {
        Self(Arc::new(error))
    }
}

impl From<Unreachable> for io::Error {
    fn from(unreachable: Unreachable) -> Self {
        Self::other(unreachable)
    }
}

/// Shows the cause alone. The caller adds the name of the file.
impl fmt::Display for Unreachable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.source.fmt(f)
    }
}

impl Error for Unreachable {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        self.0.source.source()
    }
}
