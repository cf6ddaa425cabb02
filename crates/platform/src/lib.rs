#![doc = include_str!("../README.md")]

mod direct_file;
mod folder;
mod free_space;
mod io_fault;
mod regular_file;
mod system;

pub use self::direct_file::DirectFile;
pub use self::folder::{create_folder, flush_names, parent_of};
pub use self::free_space::FreeSpace;
pub use self::io_fault::IoFault;
pub use self::regular_file::{OpenFileError, open_file};
pub use self::system::{
    anonymous_memory, file_number, is_mount_point, is_out_of_files, is_process_alive,
    is_signal_ignored, is_without_locks, machine_id, open_no_link, release_free_memory,
    set_mmap_threshold, time_with_sleep,
};
