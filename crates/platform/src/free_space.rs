//! Free space of a file system.

use std::path::Path;

use crate::folder::parent_of;
use crate::system;

/// The free space of a file system, for a user without privileges.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FreeSpace {
    /// Free bytes.
    pub bytes: u64,
    /// Free inodes, one for each file and each folder; `None` where the file system has
    /// no limit of its own.
    pub files: Option<u64>,
}

impl FreeSpace {
    /// Returns the free space of the file system on which `path` is, or would be
    /// created; `None` where the system does not tell it.
    pub fn at(path: &Path) -> Option<Self> {
        let mut folder = path;
        while !folder.is_dir() {
            let parent = parent_of(folder);
            if parent == folder {
                return None;
            }
            folder = parent;
        }
        let (bytes, files) = system::free_space(folder)?;
        Some(Self { bytes, files })
    }
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;

    #[test]
    fn a_path_that_is_to_be_created_is_on_the_file_system_of_its_folder() {
        let folder = tempfile::tempdir().unwrap();
        let here = FreeSpace::at(folder.path()).unwrap();
        assert!(here.bytes > 0, "{here:?}");
        assert!(FreeSpace::at(&folder.path().join("a/b/c")).is_some());
        assert!(FreeSpace::at(Path::new("to-be-created")).is_some());
    }

    #[test]
    fn a_file_system_without_blocks_has_no_free_space_to_tell() {
        assert_eq!(FreeSpace::at(Path::new("/proc/self")), None);
    }
}
