//! Calls of the operating system that differ between platforms.
//!
//! Each platform has one module with the same functions. Reading needs no call that
//! only Linux has. On other platforms a dataset is written through the page cache,
//! an ended process of the same machine is not recognised, and free memory stays
//! with the allocator.

#[cfg(target_os = "linux")]
mod linux;
#[cfg(not(unix))]
mod other;
#[cfg(all(unix, not(target_os = "linux")))]
mod unix;

#[cfg(target_os = "linux")]
use self::linux as system;
#[cfg(not(unix))]
use self::other as system;
#[cfg(all(unix, not(target_os = "linux")))]
use self::unix as system;

pub(crate) use self::system::{
    describe_file_type, flush_folder, is_process_alive, machine_id, open_direct, open_for_reading,
};
pub use self::system::{release_free_memory, set_mmap_threshold};
