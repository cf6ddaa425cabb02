//! Whole numbers, with an error that says which are possible.

use std::num::NonZeroUsize;

/// Largest number of threads that can be asked for. With many more, operating
/// systems end the process instead of returning an error.
const MOST_THREADS: usize = 1024;

/// Parses a number from 1 up.
pub(super) fn from_one(text: &str) -> Result<NonZeroUsize, &'static str> {
    let number = text.parse().ok().and_then(NonZeroUsize::new);
    number.ok_or("expected a whole number from 1 up")
}

/// Parses a number of threads.
pub(super) fn jobs(text: &str) -> Result<NonZeroUsize, String> {
    let jobs = from_one(text)
        .ok()
        .filter(|jobs| jobs.get() <= MOST_THREADS);
    jobs.ok_or_else(|| format!("expected a whole number from 1 to {MOST_THREADS}"))
}

/// Parses a number of seconds.
pub(super) fn seconds(text: &str) -> Result<u32, &'static str> {
    let seconds = text.strip_suffix('s').unwrap_or(text).trim_end();
    seconds
        .parse()
        .map_err(|_| "expected a whole number of seconds, such as 30")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_such_number_is_refused_with_what_is() {
        assert_eq!(from_one("64").map(NonZeroUsize::get), Ok(64));
        for text in ["0", "-1", "abc", "", "1.5"] {
            assert_eq!(from_one(text), Err("expected a whole number from 1 up"));
        }
        assert_eq!(jobs("1024").map(NonZeroUsize::get), Ok(1024));
        for text in ["0", "1025", "abc"] {
            assert!(
                jobs(text).unwrap_err().ends_with("from 1 to 1024"),
                "{text}"
            );
        }
        assert_eq!((seconds("30"), seconds("30s")), (Ok(30), Ok(30)));
        assert!(seconds("1 min").is_err());
    }
}
