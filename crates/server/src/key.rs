//! The key of the object that a URL names.

use percent_encoding::percent_decode_str;

/// The object that a path names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Named {
    /// The page of the dataset.
    Page,
    /// The object with that key.
    Object(String),
}

/// Returns what the path of a URL names; `None` where no object can have that name.
///
/// A key is a relative path of plain names. `..`, `.`, an empty name, a backslash, a colon
/// (drives and streams of Windows) and control characters are no part of one, decoded once.
pub(crate) fn named(path: &str) -> Option<Named> {
    let path = path.strip_prefix('/')?;
    let key = percent_decode_str(path).decode_utf8().ok()?;
    if key.is_empty() {
        return Some(Named::Page);
    }
    let is_plain = |name: &str| {
        let bad = |c: char| c.is_control() || matches!(c, '\\' | ':');
        !matches!(name, "" | "." | "..") && !name.contains(bad)
    };
    let is_key = key.split('/').all(is_plain);
    is_key.then(|| Named::Object(key.into_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_plain_path_is_a_key() {
        assert_eq!(named("/"), Some(Named::Page));
        for (path, key) in [
            ("/README.md", "README.md"),
            (
                "/images.zarr/images/c/1/0/0/0",
                "images.zarr/images/c/1/0/0/0",
            ),
            ("/a%20b/%C3%A9", "a b/é"),
            // Decoded once only.
            ("/%252e%252e/x", "%2e%2e/x"),
        ] {
            assert_eq!(named(path), Some(Named::Object(key.to_owned())), "{path}");
        }
    }

    #[test]
    fn a_path_that_leads_elsewhere_names_nothing() {
        for path in [
            "",
            "*",
            "//etc/passwd",
            "/../secret",
            "/a/../../secret",
            "/%2e%2e/secret",
            "/a/%2E%2e/secret",
            "/..%2fsecret",
            "/%2fetc/passwd",
            "/a//b",
            "/a/./b",
            "/a/",
            "/..%5csecret",
            "/C:/secret",
            "/a%00b",
            "/%ff",
        ] {
            assert_eq!(named(path), None, "{path}");
        }
    }
}
