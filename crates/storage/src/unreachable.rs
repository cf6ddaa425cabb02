//! The error for a store that as a whole cannot be read any more.

use std::error::Error;
use std::fmt;
use std::io;
use std::sync::Arc;

use crate::store::StoreError;

/// Everything in a store cannot be read any more, and not only one object: there
/// is no connection, no permission, or another archive in its place.
///
/// It travels inside an [`io::Error`] where a trait of another crate demands one.
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

/// Shows the cause alone: whoever reports it says what was to be read.
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
