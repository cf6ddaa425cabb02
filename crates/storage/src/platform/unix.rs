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
