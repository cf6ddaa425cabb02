//! Who is at fault when a call of the file system fails.

use std::io;

use crate::system;

/// The part of the system that an error of the file system blames.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum IoFault {
    /// A limit of the machine: no file descriptor or no memory is left. The error
    /// says nothing about the file.
    Machine,
    /// The disk, or the server behind a mount. The error may pass, and may concern
    /// one file or all files.
    Device,
    /// The file itself: it is absent, it is denied, its name is impossible.
    File,
}

impl IoFault {
    /// Returns the fault of `error`.
    pub fn of(error: &io::Error) -> Self {
        match error.raw_os_error() {
            Some(code) if system::is_machine_error(code) => Self::Machine,
            Some(code) if system::is_device_error(code) => Self::Device,
            _ => Self::File,
        }
    }
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;

    #[test]
    fn errors_blame_the_machine_the_device_or_the_file() {
        for (code, fault) in [
            (libc::EMFILE, IoFault::Machine),
            (libc::ENFILE, IoFault::Machine),
            (libc::ENOMEM, IoFault::Machine),
            (libc::EIO, IoFault::Device),
            (libc::ESTALE, IoFault::Device),
            (libc::ENOTCONN, IoFault::Device),
            (libc::ENOENT, IoFault::File),
            (libc::EACCES, IoFault::File),
            (libc::ELOOP, IoFault::File),
            (libc::ENAMETOOLONG, IoFault::File),
        ] {
            let error = io::Error::from_raw_os_error(code);
            assert_eq!(IoFault::of(&error), fault, "{error}");
        }
        assert_eq!(IoFault::of(&io::Error::other("text")), IoFault::File);
    }
}
