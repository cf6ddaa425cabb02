//! The bound on the memory of a conversion or a verification.

use std::fs;
use std::path::{Path, PathBuf};

/// The default bound where no smaller limit of a control group is known.
const DEFAULT: u64 = 1 << 30;

/// The bound on the memory for pixels and buffers of a run. The table of the input, or
/// of the dataset, comes on top.
///
/// The default is 1 GiB, or half of the memory limit of the process's control group, if
/// that is less.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MemoryLimit {
    /// The bound in bytes.
    pub bytes: u64,
}

impl Default for MemoryLimit {
    fn default() -> Self {
        let limit = group_limit(Path::new("/proc/self/cgroup"), Path::new("/sys/fs/cgroup"));
        Self {
            bytes: limit.map_or(DEFAULT, |limit| DEFAULT.min(limit / 2)),
        }
    }
}

/// Returns the smallest memory limit of the control groups that the file at `groups`
/// lists, and of the groups above them; `None` where there is no limit. The groups are
/// folders below `root`.
/// <https://man7.org/linux/man-pages/man7/cgroups.7.html>
fn group_limit(groups: &Path, root: &Path) -> Option<u64> {
    let groups = fs::read_to_string(groups).ok()?;
    let limits = groups.lines().filter_map(|line| {
        let mut parts = line.splitn(3, ':');
        let (_, controllers, group) = (parts.next()?, parts.next()?, parts.next()?);
        let (folder, file) = if controllers.is_empty() {
            (root.to_owned(), "memory.max")
        } else if controllers.split(',').any(|name| name == "memory") {
            (root.join("memory"), "memory.limit_in_bytes")
        } else {
            return None;
        };
        smallest(&folder, group, file)
    });
    limits.min()
}

/// Returns the smallest limit in the files of that name in the folder of `group` and
/// the folders above it. In a container, the folder of its group can be the root.
fn smallest(root: &Path, group: &str, file: &str) -> Option<u64> {
    let mut folder: PathBuf = root.join(group.trim_start_matches('/'));
    let mut least = None;
    while folder.starts_with(root) {
        let text = fs::read_to_string(folder.join(file)).unwrap_or_default();
        // Version 2 says `max` where there is no limit; version 1 has a number that is
        // larger than any memory.
        let limit = text.trim().parse::<u64>().ok();
        least = least.into_iter().chain(limit).min();
        if !folder.pop() {
            break;
        }
    }
    least
}

/// A run cannot do with the memory that it may use.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "chunks of {chunk} need at least {needed} of memory, and --memory allows {memory}: give at \
     least --memory {mebibytes}M, or make chunks smaller (--chunk-sites, --chunk-channels)",
    chunk = size_text(*.chunk_bytes),
    needed = size_text(*.needed),
    memory = size_text(*.memory),
    mebibytes = .needed.div_ceil(1 << 20)
)]
pub struct TooLittleMemory {
    /// Bytes of pixels in a chunk.
    pub chunk_bytes: u64,
    /// Bytes that one thread of each kind and one chunk need.
    pub needed: u64,
    /// Bytes that are allowed.
    pub memory: u64,
}

/// Formats a size, such as `47.1 MiB`.
pub fn size_text(bytes: u64) -> String {
    let mut size = bytes as f64;
    let mut unit = "bytes";
    for larger in ["KiB", "MiB", "GiB", "TiB"] {
        if size < 1024.0 {
            break;
        }
        size /= 1024.0;
        unit = larger;
    }
    let digits = usize::from(unit != "bytes");
    format!("{size:.digits$} {unit}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_told_in_units_of_1024() {
        let texts = [0, 1023, 1536, 5 << 30].map(size_text);
        assert_eq!(texts, ["0 bytes", "1023 bytes", "1.5 KiB", "5.0 GiB"]);
    }

    /// Returns the limit of a process whose groups are `groups`, where the folder of
    /// control groups has those files.
    fn limit(groups: &str, files: &[(&str, &str)]) -> Option<u64> {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path().join("cgroup");
        for (path, text) in files {
            let path = root.join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        }
        let list = folder.path().join("list");
        fs::write(&list, groups).unwrap();
        group_limit(&list, &root)
    }

    #[test]
    fn the_smallest_limit_of_a_group_and_those_above_it_counts() {
        let files = [
            ("memory.max", "max\n"),
            ("a/memory.max", "4096\n"),
            ("a/b/memory.max", "8192\n"),
        ];
        assert_eq!(limit("0::/a/b\n", &files), Some(4096));
        assert_eq!(limit("0::/a/gone/c\n", &files), Some(4096));
        assert_eq!(limit("0::/\n", &files), None);
        assert_eq!(limit("", &files), None);
        // The limit of the container is at the root that it sees.
        let container = [("memory.max", "512\n")];
        assert_eq!(limit("0::/\n", &container), Some(512));
        assert_eq!(limit("0::/../outside\n", &container), Some(512));
    }

    #[test]
    fn groups_of_version_1_have_limits_too() {
        let groups = "5:cpu,cpuacct:/x\n4:hugetlb,memory:/x/y\n0::/x\n";
        let files = [
            ("memory/memory.limit_in_bytes", "9223372036854771712\n"),
            ("memory/x/memory.limit_in_bytes", "1000\n"),
            ("memory/x/y/memory.limit_in_bytes", "2000\n"),
            ("cpu/x/memory.limit_in_bytes", "1\n"),
        ];
        assert_eq!(limit(groups, &files), Some(1000));
    }
}
