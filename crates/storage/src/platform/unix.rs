//! What every Unix has, Linux and macOS.

use std::fs::{File, FileType, OpenOptions};
use std::io;
use std::os::unix::fs::{FileTypeExt, OpenOptionsExt};
use std::path::Path;
use std::time::Duration;

/// The clock that counts while the machine sleeps. `CLOCK_MONOTONIC` of macOS does; that
/// of Linux, which is what [`std::time::Instant`] reads, does not.
#[cfg(any(target_os = "linux", target_os = "android"))]
const CLOCK: libc::clockid_t = libc::CLOCK_BOOTTIME;
#[cfg(not(any(target_os = "linux", target_os = "android")))]
const CLOCK: libc::clockid_t = libc::CLOCK_MONOTONIC;

/// Returns the time since some moment in the past. It never goes back, and it counts
/// while the machine sleeps.
///
/// # Errors
/// The kernel has no such clock.
pub(crate) fn time_with_sleep() -> io::Result<Duration> {
    let mut time = libc::timespec {
        tv_sec: 0,
        tv_nsec: 0,
    };
    #[allow(unsafe_code, reason = "one call into the C library, with its proof")]
    // SAFETY: clock_gettime writes one timespec to the pointer and keeps nothing.
    // `time` is a timespec that lives until after the call and has no other reference.
    // https://pubs.opengroup.org/onlinepubs/9799919799/functions/clock_gettime.html
    let answer = unsafe { libc::clock_gettime(CLOCK, &raw mut time) };
    let parts = u64::try_from(time.tv_sec).ok();
    match parts.zip(u32::try_from(time.tv_nsec).ok()) {
        Some((seconds, nanoseconds)) if answer == 0 => Ok(Duration::new(seconds, nanoseconds)),
        _ => Err(io::Error::last_os_error()),
    }
}

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
    fn the_clock_goes_on() {
        let before = time_with_sleep().unwrap();
        std::thread::sleep(Duration::from_millis(2));
        assert!(time_with_sleep().unwrap() >= before + Duration::from_millis(2));
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn the_clock_counts_the_time_asleep() {
        // /proc/uptime shows the time since the start of the machine, sleep included.
        let shown = std::fs::read_to_string("/proc/uptime").unwrap();
        let shown: f64 = shown.split(' ').next().unwrap().parse().unwrap();
        let now = time_with_sleep().unwrap().as_secs_f64();
        assert!((now - shown).abs() < 60.0, "{now} {shown}");
    }

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
