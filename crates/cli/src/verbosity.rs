//! Amount of text on standard error.

/// Amount of text that a command prints on standard error.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Verbosity {
    /// Errors only (`--quiet`).
    Quiet,
    /// Progress, warnings and errors.
    Normal,
    /// Also each stored object, and all known examples of a problem (`--verbose`).
    Verbose,
}
