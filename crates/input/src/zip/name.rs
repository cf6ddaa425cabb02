//! Names of entries.

/// The name of an entry, if it can be used as a path.
pub(super) enum Name {
    /// A path inside the archive, `/` between components.
    Good(String),
    /// A name that is not text; invalid bytes are replaced.
    Unreadable(String),
    /// A name that leads out of the folder to which the archive is unpacked.
    Unsafe(String),
}

impl Name {
    /// Reads the bytes of a name.
    pub(super) fn of(raw: &[u8]) -> Self {
        let Ok(name) = std::str::from_utf8(raw) else {
            return Self::Unreadable(String::from_utf8_lossy(raw).into_owned());
        };
        if name.is_empty() || name.contains('\0') {
            return Self::Unreadable(name.escape_debug().to_string());
        }
        // Old programs on Windows use `\\`, which APPNOTE 4.4.17 forbids.
        let name = if name.contains('\\') && !name.contains('/') {
            name.replace('\\', "/")
        } else {
            name.to_owned()
        };
        let has_drive = name.as_bytes().get(1) == Some(&b':');
        if name.starts_with('/') || has_drive || name.split('/').any(|part| part == "..") {
            return Self::Unsafe(name);
        }
        Self::Good(name)
    }
}
