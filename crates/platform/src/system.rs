//! Calls of the operating system that differ between platforms.
//!
//! `linux` and `unix` have a substitute with the same functions each, for the platforms
//! that lack their calls. Reading needs no call that only Linux has. On other platforms
//! a dataset is written through the page cache, an ended process of the same machine is
//! not recognised, free memory stays with the allocator, and the free space of a disk is
//! unknown. The clock of leases counts
//! while the machine sleeps on Linux, macOS and Windows; on other systems it is the
//! monotonic clock, which may stand still meanwhile.

#[cfg(target_os = "linux")]
mod linux;
#[cfg(not(target_os = "linux"))]
mod not_linux;
#[cfg(not(unix))]
mod not_unix;
#[cfg(unix)]
mod unix;

#[cfg(not(target_os = "linux"))]
use self::not_linux as linux;
#[cfg(not(unix))]
use self::not_unix as unix;

pub use self::linux::{anonymous_memory, machine_id, release_free_memory, set_mmap_threshold};
pub(crate) use self::linux::{free_space, open_direct};
pub(crate) use self::unix::{
    describe_file_type, flush_folder, is_device_error, is_machine_error, open_for_reading,
};
pub use self::unix::{
    file_number, is_mount_point, is_out_of_files, is_process_alive, is_signal_ignored,
    is_without_locks, open_no_link, time_with_sleep,
};
