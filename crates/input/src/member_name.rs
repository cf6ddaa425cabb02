//! Names of the files inside archives.

/// The name of a file in an archive, if it can be used as a path.
pub(crate) enum Name {
    /// A path inside the archive, `/` between components.
    Good(String),
    /// A name that is not text; invalid bytes are replaced.
    Unreadable(String),
    /// A name that leads out of the folder to which the archive is unpacked.
    Unsafe(String),
}

impl Name {
    /// Reads the bytes of a name.
    pub(crate) fn of(raw: &[u8]) -> Self {
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

/// Names that cannot be used as paths.
#[derive(Debug, Default)]
pub(crate) struct RefusedNames {
    /// Names that are not text.
    pub(crate) unreadable: Vec<String>,
    /// Names that lead out of the folder to which the archive is unpacked.
    pub(crate) leading_out: Vec<String>,
}

impl RefusedNames {
    /// Returns a usable name; stores any other.
    pub(crate) fn usable(&mut self, name: Name) -> Option<String> {
        match name {
            Name::Good(name) => Some(name),
            Name::Unreadable(name) => {
                self.unreadable.push(name);
                None
            }
            Name::Unsafe(name) => {
                self.leading_out.push(name);
                None
            }
        }
    }
}
