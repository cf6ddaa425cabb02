//! Numbers in names and tables.

/// Reads a whole number that consists of digits only.
pub(crate) fn whole_number(digits: &str) -> Option<u32> {
    let is_number = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
    is_number.then(|| digits.parse().ok()).flatten()
}

/// Reads a number from 1 up that consists of digits only: `str::parse` alone
/// would accept `+1`.
pub(crate) fn positive(digits: &str) -> Option<u32> {
    whole_number(digits).filter(|&number| number > 0)
}
