//! What every Unix has, Linux and macOS.

use std::fs::{File, FileType, OpenOptions};
use std::io;
use std::os::unix::fs::{FileTypeExt, OpenOptionsExt};
use std::path::Path;

/// Opens a file for reading and does not wait for the writer of a pipe.
pub(crate) fn open_for_reading(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.read(true).custom_flags(libc::O_NONBLOCK).open(path)
}

/// Names a file type that this platform has beyond files and folders.
pub(crate) fn describe_file_type(kind: FileType) -> Option<&'static str> {
    if kind.is_fifo() {
        Some("it is a pipe, not a file")
    } else if kind.is_socket() {
        Some("it is a socket, not a file")
    } else {
        None
    }
}

/// Flushes the entries of a folder to the disk.
pub(crate) fn flush_folder(folder: &Path) -> io::Result<()> {
    File::open(folder)?.sync_all()
}

/// Whether a process of this machine, and of this container, exists.
///
/// The kernel is asked, not `/proc`: a `/proc` that hides processes of other users
/// (`hidepid`) or belongs to another container does not show every process. Only the
/// answer "no such process" counts; a process that may not be signalled exists.
pub(crate) fn is_process_alive(pid: u32) -> bool {
    // Zero and negative numbers name groups of processes. No process has them.
    let Some(pid) = libc::pid_t::try_from(pid).ok().filter(|pid| *pid > 0) else {
        return false;
    };
    #[allow(unsafe_code, reason = "one call into the C library, with its proof")]
    // SAFETY: kill takes two numbers and touches no memory of this process. Signal 0
    // is not sent: the call only checks whether it could be.
    // https://pubs.opengroup.org/onlinepubs/9799919799/functions/kill.html
    let answer = unsafe { libc::kill(pid, 0) };
    answer == 0 || io::Error::last_os_error().raw_os_error() != Some(libc::ESRCH)
}

#[cfg(test)]
mod tests {
    use std::process::{Command, Stdio};

    use super::*;

    #[test]
    fn a_process_is_alive_until_it_has_ended() {
        assert!(is_process_alive(std::process::id()));
        // Process 1 belongs to root; another user may not signal it.
        assert!(is_process_alive(1));
        let mut waits = Command::new("cat").stdin(Stdio::piped()).spawn().unwrap();
        let pid = waits.id();
        assert!(is_process_alive(pid));
        drop(waits.stdin.take());
        waits.wait().unwrap();
        assert!(!is_process_alive(pid));
        // Numbers of groups.
        assert!(!is_process_alive(0));
        assert!(!is_process_alive(u32::MAX));
    }
}
