//! The causes of an error.

use std::error::Error;
use std::iter::successors;

/// Returns an error and all its causes, the innermost last.
pub fn causes<'a>(
    error: &'a (dyn Error + 'static),
) -> impl Iterator<Item = &'a (dyn Error + 'static)> {
    successors(Some(error), |&error| error.source())
}
