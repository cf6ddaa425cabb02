//! Names of temporary files in a scratch folder.

use std::fs;
use std::io;
use std::path::Path;

/// The beginning of the names of temporary files.
const TEMPORARY: &str = "object-";

/// Removes the temporary files of `owner` in a scratch folder.
pub(crate) fn remove_temporaries(scratch: &Path, owner: &str) -> io::Result<()> {
    let prefix = format!("{TEMPORARY}{owner}");
    for entry in fs::read_dir(scratch)? {
        let entry = entry?;
        let name = entry.file_name();
        if name
            .to_str()
            .is_some_and(|name| name.starts_with(&prefix) && is_temporary(name))
        {
            fs::remove_file(entry.path())?;
        }
    }
    Ok(())
}

/// Returns a name that nobody can guess, for a file that is created in a scratch
/// folder: several stores share one, and other users may write to it. It begins with `owner`,
/// hexadecimal digits that tell whose it is.
pub(crate) fn new_temporary_name(owner: &str) -> io::Result<String> {
    let mut number = [0; 8];
    getrandom::fill(&mut number)?;
    Ok(format!("{TEMPORARY}{owner}{}.tmp", hex::encode(number)))
}

/// Whether a file of that name in a scratch folder is a temporary file of a
/// [`LocalStore`](crate::LocalStore).
pub fn is_temporary(name: &str) -> bool {
    let number = name
        .strip_prefix(TEMPORARY)
        .and_then(|name| name.strip_suffix(".tmp"));
    // Former versions counted them.
    number.is_some_and(is_hexadecimal)
}

/// Whether an entry of that name is a file that was removed while a process had it
/// open, on a file system that keeps it under another name until then (NFS and FUSE).
/// It goes by itself, or stays when its machine crashed, and is nobody's object.
pub(crate) fn is_remnant(name: &str) -> bool {
    let number = name
        .strip_prefix(".nfs")
        .or_else(|| name.strip_prefix(".fuse_hidden"));
    number.is_some_and(is_hexadecimal)
}

fn is_hexadecimal(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_hexdigit())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn temporary_files_and_those_of_former_versions_are_recognised() {
        let name = new_temporary_name("").unwrap();
        assert_ne!(name, new_temporary_name("").unwrap());
        for name in [&name, "object-7.tmp"] {
            assert!(is_temporary(name), "{name}");
        }
        for name in [
            "object-.tmp",
            "object-x.tmp",
            "object-7",
            "7.tmp",
            "state.json",
        ] {
            assert!(!is_temporary(name), "{name}");
        }
    }
}
