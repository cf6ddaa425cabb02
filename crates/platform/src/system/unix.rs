//! What every Unix has, Linux and macOS.

use std::fs::{File, FileType, Metadata, OpenOptions};
use std::io;
use std::os::unix::fs::{FileTypeExt, MetadataExt, OpenOptionsExt};
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
pub fn time_with_sleep() -> io::Result<Duration> {
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

/// Returns the number of a file on its file system. Another file can get the number of one
/// that was removed.
pub fn file_number(file: &Metadata) -> u64 {
    file.ino()
}

/// Opens a file for reading and does not wait for the writer of a pipe.
pub(crate) fn open_for_reading(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.read(true).custom_flags(libc::O_NONBLOCK).open(path)
}

/// Opens a file, and fails if a link is at `path`. It does not wait for the other end
/// of a pipe.
///
/// # Errors
/// If the file cannot be opened, or if `path` is a symbolic link.
pub fn open_no_link(options: &OpenOptions, path: &Path) -> io::Result<File> {
    let flags = libc::O_NOFOLLOW | libc::O_NONBLOCK;
    options.clone().custom_flags(flags).open(path)
}

/// Whether a file system is mounted at `folder`, as far as the system tells. A folder of
/// the same file system that is mounted there (a bind mount) is found on Linux only.
pub fn is_mount_point(folder: &Path) -> bool {
    let Ok(folder) = folder.canonicalize() else {
        return false;
    };
    let device = |path: &Path| path.metadata().ok().map(|found| found.dev());
    let Some(parent) = folder.parent() else {
        return true;
    };
    device(parent) != device(&folder) || is_listed(&folder).unwrap_or(false)
}

/// Whether `/proc` lists `folder` as a mount point; `None` where it has no such list.
/// <https://man7.org/linux/man-pages/man5/proc_pid_mountinfo.5.html>
fn is_listed(folder: &Path) -> Option<bool> {
    let list = std::fs::read("/proc/self/mountinfo").ok()?;
    let folder = folder.as_os_str().as_encoded_bytes();
    let mut points = list
        .split(|byte| *byte == b'\n')
        .filter_map(|line| line.split(|byte| *byte == b' ').nth(4));
    Some(points.any(|point| unescaped(point) == folder))
}

/// Decodes the octal numbers that stand for blanks and backslashes.
fn unescaped(text: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut rest = text;
    while let [first, after @ ..] = rest {
        let code = after.get(..3).filter(|_| *first == b'\\');
        let code = code.and_then(|code| std::str::from_utf8(code).ok());
        match code.and_then(|code| u8::from_str_radix(code, 8).ok()) {
            Some(byte) => {
                bytes.push(byte);
                rest = after.get(3..).unwrap_or_default();
            }
            None => {
                bytes.push(*first);
                rest = after;
            }
        }
    }
    bytes
}

/// Whether the process, or the machine, has no file descriptor left.
pub fn is_out_of_files(error: &io::Error) -> bool {
    matches!(error.raw_os_error(), Some(libc::EMFILE | libc::ENFILE))
}

/// Whether an error of flock says that the file system has no such locks, or none for
/// this mount.
pub fn is_without_locks(error: &io::Error) -> bool {
    let codes = [
        libc::ENOSYS,
        libc::EBADF,
        libc::ENOLCK,
        libc::EOPNOTSUPP,
        libc::ENOTSUP,
    ];
    error
        .raw_os_error()
        .is_some_and(|code| codes.contains(&code))
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

/// Whether an error number says that the process or the machine has no file
/// descriptor or no memory left.
pub(crate) fn is_machine_error(code: i32) -> bool {
    [libc::EMFILE, libc::ENFILE, libc::ENOMEM, libc::ENOBUFS].contains(&code)
}

/// Whether an error number comes from a disk, or from the server behind a mount.
pub(crate) fn is_device_error(code: i32) -> bool {
    [
        libc::EAGAIN,
        libc::EBUSY,
        libc::ECONNABORTED,
        libc::ECONNREFUSED,
        libc::ECONNRESET,
        libc::EHOSTDOWN,
        libc::EHOSTUNREACH,
        libc::EIO,
        libc::ENETDOWN,
        libc::ENETUNREACH,
        libc::ENODEV,
        libc::ENOTCONN,
        libc::ENXIO,
        libc::EPIPE,
        libc::ESTALE,
        libc::ETIMEDOUT,
    ]
    .contains(&code)
}

/// Whether the process ignores a signal. A process inherits this from the one that
/// started it; `nohup` ignores SIGHUP.
#[allow(unsafe_code, reason = "one call into the C library, with its proof")]
pub fn is_signal_ignored(signal: i32) -> bool {
    let mut action = std::mem::MaybeUninit::<libc::sigaction>::zeroed();
    // SAFETY: with a null pointer for the new action the call changes nothing. It writes
    // the present action to `action`, which is large enough, and fails for a number that
    // is no signal. https://man7.org/linux/man-pages/man2/sigaction.2.html
    let found = unsafe { libc::sigaction(signal, std::ptr::null(), action.as_mut_ptr()) };
    // SAFETY: all fields are integers, masks or optional pointers, for which zero is
    // valid; so `action` is initialised even if the call has failed.
    let action = unsafe { action.assume_init() };
    found == 0 && action.sa_sigaction == libc::SIG_IGN
}

/// Whether a process of this machine, and of this container, exists.
///
/// The kernel is asked, not `/proc`: a `/proc` that hides processes of other users
/// (`hidepid`) or belongs to another container does not show every process. Only the
/// answer "no such process" counts; a process that may not be signalled exists.
pub fn is_process_alive(pid: u32) -> bool {
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

    #[test]
    fn mount_points_with_blanks_are_decoded() {
        for (text, path) in [
            ("/a/b", "/a/b"),
            (r"/a\040b\134c", r"/a b\c"),
            (r"/a\9", r"/a\9"),
            (r"\", r"\"),
        ] {
            assert_eq!(unescaped(text.as_bytes()), path.as_bytes());
        }
    }
}
