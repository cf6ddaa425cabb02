//! The value of `--jobs`.

use std::num::NonZeroUsize;

use clap::builder::TypedValueParser;

/// Largest number of threads that can be asked for. With many more, operating
/// systems end the process instead of returning an error.
const LARGEST: u16 = 1024;

/// Parses a number of threads.
pub(super) fn jobs() -> impl TypedValueParser<Value = NonZeroUsize> {
    clap::value_parser!(u16)
        .range(1..=i64::from(LARGEST))
        .try_map(|jobs| NonZeroUsize::try_from(usize::from(jobs)))
}
