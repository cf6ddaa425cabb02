//! Files past the page cache.
//!
//! A shard is not read again soon. Copied into the page cache it would take the
//! place of images that are yet to be read, and on fresh pages the copy alone
//! takes a fifth as long as making the shard.

use std::fs::OpenOptions;
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

/// Memory, offset and length of each write are multiples of it: a page, which
/// is enough for any disk.
const ALIGNMENT: usize = 4096;

/// Bytes of one write.
const BUFFER: usize = 1 << 20;

/// Writes and flushes the concatenation of `parts`.
///
/// `InvalidInput` is how a file system says that it has no such thing.
pub(super) fn write_flushed(path: &Path, parts: &[&[u8]]) -> io::Result<()> {
    let mut file = OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(true)
        .custom_flags(libc::O_DIRECT)
        .open(path)?;
    let mut memory = vec![0; BUFFER + ALIGNMENT];
    let start = memory.as_ptr().align_offset(ALIGNMENT);
    let buffer = &mut memory[start..start + BUFFER];
    let mut written = 0;
    let mut filled = 0;
    for part in parts {
        let mut rest = *part;
        while !rest.is_empty() {
            let (now, later) = rest.split_at(rest.len().min(BUFFER - filled));
            buffer[filled..filled + now.len()].copy_from_slice(now);
            filled += now.len();
            rest = later;
            if filled == BUFFER {
                file.write_all(buffer)?;
                written += BUFFER as u64;
                filled = 0;
            }
        }
    }
    // The last write is too long, and the file then cut.
    let end = filled.next_multiple_of(ALIGNMENT);
    buffer[filled..end].fill(0);
    file.write_all(&buffer[..end])?;
    file.set_len(written + filled as u64)?;
    file.sync_all()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_the_parts_joined() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("file");
        for lengths in [
            vec![0],
            vec![1, 4095],
            vec![3 * BUFFER, 5],
            vec![BUFFER - 1, 2 * BUFFER + 777, 0, 1],
        ] {
            let parts: Vec<Vec<u8>> = (1..)
                .zip(&lengths)
                .map(|(byte, length)| (0..*length).map(|at| (at / 7) as u8 ^ byte).collect())
                .collect();
            let slices: Vec<&[u8]> = parts.iter().map(Vec::as_slice).collect();
            match write_flushed(&path, &slices) {
                Ok(()) => assert!(std::fs::read(&path).unwrap() == parts.concat()),
                Err(error) => assert_eq!(error.kind(), io::ErrorKind::InvalidInput, "{error}"),
            }
        }
    }
}
