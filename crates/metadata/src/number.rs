//! Numbers in names and tables.

/// Reads a number from 1 up that consists of digits only: `str::parse` alone
/// would accept `+1`.
pub(crate) fn positive(digits: &str) -> Option<u32> {
    if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    digits.parse().ok().filter(|&number| number > 0)
}
