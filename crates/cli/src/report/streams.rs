//! Standard output and standard error, as people read them.
//!
//! This is the only file that writes to either. Names of files, values of tables and
//! texts of datasets may hold control characters, which a terminal would execute; here
//! they are escaped, whatever is printed. JSON escapes them by itself.
//!
//! Standard error may be a full disk, or a pipe or a terminal that was closed. That is
//! never the end of a run: what cannot be written there is dropped, and the exit code
//! tells the result.

#![allow(
    clippy::disallowed_methods,
    reason = "the two streams are opened here, and only here"
)]

use std::borrow::Cow;
use std::env;
use std::fmt::{self, Display};
use std::fs::File;
use std::io::{self, IsTerminal, Write, stderr, stdout};
use std::sync::{Mutex, OnceLock, PoisonError};
use std::time::SystemTime;

/// The file of `--log-file`, which gets each line of standard error with its time.
static LOG: OnceLock<Mutex<File>> = OnceLock::new();

/// Writes everything that is said from now on into `file`, too.
pub(crate) fn set_log(file: File) {
    // A second file would be one of another command line in this process.
    let _ = LOG.set(Mutex::new(file));
}

/// Returns whether standard error is a terminal on which a line can be replaced.
pub(crate) fn is_terminal() -> bool {
    stderr().is_terminal() && env::var_os("TERM").is_none_or(|term| term != "dumb")
}

/// Prints a line on standard error, if it can be written.
pub(crate) fn line(text: impl Display) {
    let text = text.to_string();
    write_stderr(&format!("{}\n", plain(&text)));
    log_line(&text);
}

/// Prints a line on standard error behind the time.
pub(crate) fn stamped_line(text: impl Display) {
    let text = text.to_string();
    write_stderr(&format!("{} {}\n", now(), plain(&text)));
    log_line(&text);
}

/// Prints a JSON document on standard error, as one line.
pub(crate) fn json_line(document: &serde_json::Value) {
    write_stderr(&format!("{document}\n"));
}

/// Prints a line on standard error behind a label, which may be coloured.
pub(super) fn labelled_line(label: impl Display, name: &str, text: &str) {
    write_stderr(&format!("{label} {}\n", plain(text)));
    log_line(&format!("{name} {text}"));
}

/// Writes a line into the file of `--log-file`, if there is one. A log that cannot be
/// written is never the end of a run.
pub(crate) fn log_line(text: &str) {
    if let Some(log) = LOG.get() {
        let mut log = log.lock().unwrap_or_else(PoisonError::into_inner);
        let _ = writeln!(log, "{} {}", now(), plain(text));
    }
}

/// The time, such as `2026-11-28T16:30:01Z`.
fn now() -> impl Display {
    humantime::format_rfc3339_seconds(SystemTime::now())
}

/// Writes a text in one call, so that lines of several threads do not mix.
fn write_stderr(text: &str) {
    // There is nowhere to report that standard error cannot be written.
    let _ = stderr().lock().write_all(text.as_bytes());
}

/// Prints what `write` writes on standard output. A reader that closes the pipe
/// early, as `head` does, is no error, and does not change the exit code.
///
/// # Errors
/// Standard output cannot be written, for another reason.
pub(crate) fn print(write: impl FnOnce(&mut dyn Write) -> io::Result<()>) -> io::Result<()> {
    to_stdout(|out| write(&mut Plain(out)))
}

/// Prints a JSON document on standard output, as [`print()`] does.
///
/// # Errors
/// Standard output cannot be written.
pub(super) fn print_document(document: &serde_json::Value) -> io::Result<()> {
    to_stdout(|out| writeln!(out, "{document:#}"))
}

fn to_stdout(write: impl FnOnce(&mut dyn Write) -> io::Result<()>) -> io::Result<()> {
    let mut out = stdout().lock();
    match write(&mut out).and_then(|()| out.flush()) {
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        written => written,
    }
}

/// A writer that escapes control characters.
struct Plain<'a>(&'a mut dyn Write);

impl Write for Plain<'_> {
    /// Writes all of `text`. It is UTF-8, because `write!` is the only caller.
    fn write(&mut self, text: &[u8]) -> io::Result<usize> {
        let written = String::from_utf8_lossy(text);
        self.0.write_all(plain(&written).as_bytes())?;
        Ok(text.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.flush()
    }
}

/// Escapes control characters except the end of a line.
pub(crate) fn plain(text: &str) -> Cow<'_, str> {
    let is_control = |c: char| c.is_control() && c != '\n';
    if !text.contains(is_control) {
        return text.into();
    }
    let mut plain = String::with_capacity(text.len());
    for c in text.chars() {
        if is_control(c) {
            plain.extend(c.escape_default());
        } else {
            plain.push(c);
        }
    }
    plain.into()
}

/// A value that is displayed on one line: ends of lines in it are escaped.
pub(super) struct OneLine<T>(pub(super) T);

impl<T: Display> Display for OneLine<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = self.0.to_string();
        let mut lines = text.split('\n');
        f.write_str(lines.next().unwrap_or_default())?;
        lines.try_for_each(|line| {
            f.write_str("\\n")?;
            f.write_str(line)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn control_characters_are_escaped() {
        assert_eq!(plain("a\u{1b}[2J\r\nb\u{9b}c"), "a\\u{1b}[2J\\r\nb\\u{9b}c");
        assert!(matches!(plain("plate 1\n"), Cow::Borrowed(_)));
        assert_eq!(OneLine("a\nb\n").to_string(), "a\\nb\\n");
        let mut written = Vec::new();
        let mut out = Plain(&mut written);
        writeln!(out, "\u{7}éµm").unwrap();
        assert_eq!(written, "\\u{7}éµm\n".as_bytes());
    }
}
