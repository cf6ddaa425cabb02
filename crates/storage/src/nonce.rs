//! Random names.

use std::io;

use crate::store::{StoreError, StoreErrorKind};

/// Returns 128 random bits of the operating system in hexadecimal digits.
///
/// # Errors
/// The operating system gives no random numbers.
pub fn new_nonce() -> Result<String, StoreError> {
    random_bits().map_err(|error| {
        let system = "the operating system";
        StoreError::new(
            "take random numbers from",
            system,
            StoreErrorKind::Other,
            error,
        )
    })
}

/// Returns 128 random bits of the operating system in hexadecimal digits.
pub(crate) fn random_bits() -> io::Result<String> {
    let mut bits = [0; 16];
    getrandom::fill(&mut bits)?;
    Ok(hex::encode(bits))
}
