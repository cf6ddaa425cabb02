//! Where an INPUT, a table or a dataset lies.

use std::ffi::OsStr;
use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use url::Url;

/// A path of this machine, or an address in an object store.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Location {
    /// A file or a folder.
    Local(PathBuf),
    /// An object, or all objects whose keys begin alike.
    Remote(Address),
}

/// An address in an object store: `s3://bucket/key`, `gs://bucket/key`,
/// `az://container/key`, `https://host/…`.
#[derive(Clone, PartialEq, Eq)]
pub struct Address {
    url: Arc<Url>,
    options: Arc<[StoreOption]>,
}

/// One `key=value` of how to reach an object store, by the names of the
/// [`object_store`] crate, such as `endpoint` or `region`.
///
/// [`object_store`]: https://docs.rs/object_store
#[derive(Clone, PartialEq, Eq)]
pub struct StoreOption {
    /// The name.
    pub key: String,
    /// The value, which may be a secret.
    pub value: String,
}

impl StoreOption {
    /// Reads `key=value`.
    ///
    /// # Errors
    /// There is no `=`, or nothing before it.
    pub fn parse(text: &str) -> Result<Self, LocationError> {
        match text.split_once('=') {
            Some((key, value)) if !key.is_empty() => Ok(Self {
                key: key.to_owned(),
                value: value.to_owned(),
            }),
            // What there is may be a secret.
            _ => Err(LocationError::Option),
        }
    }
}

/// An address that cannot be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum LocationError {
    /// It is no URL.
    #[error("{address} is not an address")]
    Url {
        /// As given.
        address: String,
        /// What is wrong with it.
        source: url::ParseError,
    },
    /// It names no kind of store that is known.
    #[error(
        "{address} is not an address of a known kind: use s3://bucket/name, gs://bucket/name, \
         az://container/name, or https://host/bucket/name"
    )]
    Scheme {
        /// As given.
        address: String,
    },
    /// It names a store and nothing in it.
    #[error("{address} names a whole bucket: add a name to it, as in {address}/rxrx1")]
    NoName {
        /// As given, without a slash at its end.
        address: String,
    },
    /// It has parts that an address of a store cannot have.
    #[error("{address} must not have {part}: {instead}")]
    Part {
        /// As given, without that part.
        address: String,
        /// The part.
        part: &'static str,
        /// What to do.
        instead: &'static str,
    },
    /// It says nothing of how to reach a store.
    #[error("a store option is KEY=VALUE, such as endpoint=http://127.0.0.1:8333")]
    Option,
    /// It is not text.
    #[error("{address} is not an address: it is not UTF-8")]
    NotText {
        /// As far as it can be shown.
        address: String,
    },
}

const SCHEMES: [&str; 8] = ["s3", "s3a", "gs", "az", "abfs", "abfss", "http", "https"];

impl Location {
    /// Reads what a user calls a place: what has `://` is an address, anything
    /// else a path. `options` say how to reach the store of an address.
    ///
    /// # Errors
    /// An address that cannot be used.
    pub fn parse(text: &OsStr, options: &Arc<[StoreOption]>) -> Result<Self, LocationError> {
        if !text.to_string_lossy().contains("://") {
            return Ok(Self::Local(text.into()));
        }
        let text = text.to_str().ok_or_else(|| LocationError::NotText {
            address: text.to_string_lossy().into_owned(),
        })?;
        let url = Url::parse(text).map_err(|source| LocationError::Url {
            address: text.to_owned(),
            source,
        })?;
        if !SCHEMES.contains(&url.scheme()) || !url.has_host() {
            return Err(LocationError::Scheme {
                address: text.to_owned(),
            });
        }
        let address = Address {
            url: Arc::new(url),
            options: options.clone(),
        };
        address.check()?;
        Ok(Self::Remote(address))
    }

    /// What lies at `inside`, a `/`-separated path, below this place.
    pub fn join(&self, inside: &str) -> Self {
        match self {
            Self::Local(path) => Self::Local(path.join(inside)),
            Self::Remote(address) => Self::Remote(address.join(inside)),
        }
    }

    /// The path, of a place on this machine.
    pub fn as_path(&self) -> Option<&Path> {
        match self {
            Self::Local(path) => Some(path),
            Self::Remote(_) => None,
        }
    }

    /// Whether the name ends in `.extension`, in letters of any size.
    pub fn has_extension(&self, extension: &str) -> bool {
        let name = match self {
            Self::Local(path) => path
                .extension()
                .map(|end| end.to_string_lossy().into_owned()),
            Self::Remote(address) => address
                .key()
                .rsplit_once('.')
                .map(|(_, end)| end.to_owned()),
        };
        name.is_some_and(|name| name.eq_ignore_ascii_case(extension))
    }
}

impl From<PathBuf> for Location {
    fn from(path: PathBuf) -> Self {
        Self::Local(path)
    }
}

impl From<&PathBuf> for Location {
    fn from(path: &PathBuf) -> Self {
        Self::Local(path.clone())
    }
}

impl From<&Self> for Location {
    fn from(location: &Self) -> Self {
        location.clone()
    }
}

impl From<&Path> for Location {
    fn from(path: &Path) -> Self {
        Self::Local(path.to_owned())
    }
}

/// As a user would give it.
impl fmt::Display for Location {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Local(path) => path.display().fmt(f),
            Self::Remote(address) => address.fmt(f),
        }
    }
}

impl Address {
    fn check(&self) -> Result<(), LocationError> {
        let mut shown = Url::clone(&self.url);
        let has_user = !shown.username().is_empty() || shown.password().is_some();
        // An address without a host has no user either, and that is all that
        // these two can fail for.
        let _ = (shown.set_username(""), shown.set_password(None));
        shown.set_query(None);
        shown.set_fragment(None);
        let address = shown.as_str().trim_end_matches('/').to_owned();
        // Of Azure, the account.
        if has_user && !self.url.scheme().starts_with("abfs") {
            return Err(LocationError::Part {
                address,
                part: "a user or password",
                instead: "give them by the environment variables of the store",
            });
        }
        if self.url.query().is_some() || self.url.fragment().is_some() {
            return Err(LocationError::Part {
                address,
                part: "anything after ? or #",
                instead: "give signatures by the environment variables or --store-option",
            });
        }
        if self.key().is_empty() {
            return Err(LocationError::NoName { address });
        }
        Ok(())
    }

    /// The URL, which has no secrets in it.
    pub fn url(&self) -> &Url {
        &self.url
    }

    /// How to reach the store.
    pub fn options(&self) -> &[StoreOption] {
        &self.options
    }

    /// The path of the URL, `%` decoded, without slashes at either end; of
    /// `https://host/bucket/key` with the bucket.
    pub fn key(&self) -> String {
        let path = self.url.path().trim_matches('/');
        percent_encoding::percent_decode_str(path)
            .decode_utf8_lossy()
            .into_owned()
    }

    /// What lies at `inside`, a `/`-separated path, below this address.
    pub fn join(&self, inside: &str) -> Self {
        self.with_path(&format!(
            "{}/{inside}",
            self.url.path().trim_end_matches('/')
        ))
    }

    /// What has the same name with `suffix` at its end.
    pub fn with_suffix(&self, suffix: &str) -> Self {
        self.with_path(&format!(
            "{}{suffix}",
            self.url.path().trim_end_matches('/')
        ))
    }

    /// Whether it is `other` or lies below it.
    pub fn is_within(&self, other: &Self) -> bool {
        let (inside, other) = (self.to_string(), other.to_string());
        let rest = inside.strip_prefix(&other);
        rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
    }

    fn with_path(&self, path: &str) -> Self {
        let mut url = Url::clone(&self.url);
        url.set_path(path);
        Self {
            url: Arc::new(url),
            options: self.options.clone(),
        }
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.url.as_str().trim_end_matches('/'))
    }
}

/// Without the options, which may be secrets.
impl fmt::Debug for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Address").field(&self.url.as_str()).finish()
    }
}

impl fmt::Debug for StoreOption {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("StoreOption").field(&self.key).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Result<Location, LocationError> {
        Location::parse(OsStr::new(text), &Arc::default())
    }

    #[test]
    fn what_has_a_scheme_is_an_address() {
        for path in ["rxrx1", "/a/b", "s3:/bucket", "a b", "."] {
            assert_eq!(parse(path).unwrap(), Location::Local(path.into()));
        }
        for address in [
            "s3://bucket/rxrx1",
            "gs://bucket/a/b.zip",
            "az://container/x",
            "abfs://container@account.dfs.core.windows.net/x",
            "http://127.0.0.1:8333/bucket/x",
        ] {
            assert_eq!(parse(address).unwrap().to_string(), address);
            let below = parse(&format!("{address}/")).unwrap().join("a/b c");
            assert_eq!(below.to_string(), format!("{address}/a/b%20c"));
            assert!(below.join("c.ZIP").has_extension("zip") && !below.has_extension("zip"));
        }
    }

    #[test]
    fn a_store_option_is_a_key_and_a_value_that_is_not_shown() {
        let option = StoreOption::parse("secret_key=a=b").unwrap();
        assert_eq!((&*option.key, &*option.value), ("secret_key", "a=b"));
        assert!(!format!("{option:?}").contains("a=b"));
        for text in ["", "topsecret", "=topsecret"] {
            let error = StoreOption::parse(text).unwrap_err().to_string();
            assert!(error.contains("KEY=VALUE") && !error.contains("topsecret"));
        }
    }

    #[test]
    fn an_address_that_cannot_be_used_is_refused_without_its_secrets() {
        for (address, said) in [
            ("s3://bucket", "s3://bucket/rxrx1"),
            ("s3://bucket//", "names a whole bucket"),
            ("ftp://host/x", "not an address of a known kind"),
            ("file:///x", "not an address of a known kind"),
            ("s3://", "is not an address"),
            ("http://[/x", "is not an address"),
            (
                "https://me:secret@host/b/x",
                "must not have a user or password",
            ),
            ("https://host/b/x?sig=secret", "--store-option"),
        ] {
            let error = parse(address).unwrap_err().to_string();
            assert!(error.contains(said), "{error}");
            assert!(!error.contains("secret"), "{error}");
        }
    }
}
