//! Locations of INPUTs, tables and datasets: paths and addresses.

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
    /// An object, or all objects below a key.
    Remote(Address),
}

/// An address in an object store: `s3://bucket/key`, `gs://bucket/key`,
/// `az://container/key`, `https://host/…`.
#[derive(Clone, PartialEq, Eq)]
pub struct Address {
    /// The URL without its query.
    url: Arc<Url>,
    /// The query, which can have a signature in it. It is never shown.
    query: Option<Arc<str>>,
    options: Arc<[StoreOption]>,
}

/// A setting of an object store: a key of the [`object_store`] crate, such as
/// `endpoint` or `region`, and its value.
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
    /// The key of the limit of bytes that all requests together move in a second, such as
    /// `50MB`.
    pub const MAX_BANDWIDTH: &str = "max_bandwidth";

    /// Reads `key=value`.
    ///
    /// # Errors
    /// [`LocationError::Option`] when there is no `=`, or nothing before it.
    pub fn parse(text: &str) -> Result<Self, LocationError> {
        match text.split_once('=') {
            Some((key, value)) if !key.is_empty() => Ok(Self {
                key: key.to_owned(),
                value: value.to_owned(),
            }),
            // The text may be a secret, so the error does not show it.
            _ => Err(LocationError::Option),
        }
    }
}

/// An address that cannot be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum LocationError {
    /// The address is not a URL.
    #[error("{address} is not an address")]
    Url {
        /// The address as given.
        address: String,
        /// The error of the URL parser.
        source: url::ParseError,
    },
    /// The address names no known kind of store.
    #[error(
        "{address} is not an address of a known kind: use s3://bucket/name, gs://bucket/name, \
         az://container/name, or https://host/bucket/name"
    )]
    Scheme {
        /// The address as given.
        address: String,
    },
    /// The address names a bucket and no key.
    #[error("{address} names a whole bucket: add a name to it, as in {address}/rxrx1")]
    NoName {
        /// The address as given, without a slash at its end.
        address: String,
    },
    /// The address has a part that an address of a store cannot have.
    #[error("{address} must not have {part}: {instead}")]
    Part {
        /// The address as given, without that part.
        address: String,
        /// The part.
        part: &'static str,
        /// The advice.
        instead: &'static str,
    },
    /// The text is nearly an address.
    #[error(
        "{text} is nearly an address: did you mean {likely}? A file or folder of this name is \
         ./{text}"
    )]
    NearlyAddress {
        /// The text as given.
        text: String,
        /// The address that was meant.
        likely: String,
    },
    /// The text is `-`, which other programs read as standard input or output.
    #[error(
        "- is not a place: nothing is read from standard input or written to standard output \
             here; give a path or an address (a folder of this name is ./-)"
    )]
    Dash,
    /// A store option is not of the form `KEY=VALUE`.
    #[error("a store option is KEY=VALUE, such as endpoint=http://127.0.0.1:8333")]
    Option,
    /// The address is not UTF-8.
    #[error("{address} is not an address: it is not UTF-8")]
    NotText {
        /// The address, with `�` for what is not UTF-8.
        address: String,
    },
}

const SCHEMES: [&str; 8] = ["s3", "s3a", "gs", "az", "abfs", "abfss", "http", "https"];

/// Returns the error of a path that was most likely meant as an address: code that joins
/// paths makes `s3:/bucket` of `s3://bucket`.
fn mistyped(text: &str) -> Option<LocationError> {
    if text == "-" {
        return Some(LocationError::Dash);
    }
    let (scheme, rest) = text.split_once(':')?;
    let rest = rest.strip_prefix('/').unwrap_or(rest);
    if !SCHEMES.contains(&scheme) || rest.is_empty() {
        return None;
    }
    Some(LocationError::NearlyAddress {
        text: text.to_owned(),
        likely: format!("{scheme}://{rest}"),
    })
}

impl Location {
    /// Parses a location: a text with `://` is an address, any other text a path.
    /// `options` are the settings of the store of an address.
    ///
    /// # Errors
    /// [`LocationError`] when the address cannot be used.
    pub fn parse(text: &OsStr, options: &Arc<[StoreOption]>) -> Result<Self, LocationError> {
        if !text.to_string_lossy().contains("://") {
            return match mistyped(&text.to_string_lossy()) {
                Some(error) => Err(error),
                None => Ok(Self::Local(text.into())),
            };
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
        let mut address = Address {
            url: Arc::new(url),
            query: None,
            options: options.clone(),
        };
        address.check()?;
        address.take_query();
        Ok(Self::Remote(address))
    }

    /// Demands that the location can be that of a folder or of all objects below a key.
    ///
    /// # Errors
    /// [`LocationError::Part`] for an address with a query, which names one file.
    pub fn of_folder(self) -> Result<Self, LocationError> {
        match &self {
            Self::Remote(address) if address.has_query() => Err(LocationError::Part {
                address: address.to_string(),
                part: "anything after ?",
                instead: "an address with it names one file; give signatures by the environment \
                          variables or --store-option",
            }),
            _ => Ok(self),
        }
    }

    /// Returns the location of `inside`, a `/`-separated path, below this one.
    pub fn join(&self, inside: &str) -> Self {
        match self {
            Self::Local(path) => Self::Local(path.join(inside)),
            Self::Remote(address) => Self::Remote(address.join(inside)),
        }
    }

    /// Returns the path of a location on this machine; `None` for an address.
    pub fn as_path(&self) -> Option<&Path> {
        match self {
            Self::Local(path) => Some(path),
            Self::Remote(_) => None,
        }
    }

    /// Whether the name ends in `.extension`, in upper or lower case.
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

/// Shows the location as a user gives it.
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
        // Both fail only if the address has no host; then it has no user either.
        let _ = (shown.set_username(""), shown.set_password(None));
        shown.set_query(None);
        shown.set_fragment(None);
        let address = shown.as_str().trim_end_matches('/').to_owned();
        // In an address of Azure the user is the container.
        if has_user && !self.url.scheme().starts_with("abfs") {
            return Err(LocationError::Part {
                address,
                part: "a user or password",
                instead: "give them by the environment variables of the store",
            });
        }
        let is_web = matches!(self.url.scheme(), "http" | "https");
        if (self.url.query().is_some() && !is_web) || self.url.fragment().is_some() {
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

    /// Returns the address `file:///…` of a folder; `None` if `folder` is not absolute.
    pub(crate) fn of_folder(folder: &Path) -> Option<Self> {
        Some(Self {
            url: Arc::new(Url::from_file_path(folder).ok()?),
            query: None,
            options: Arc::default(),
        })
    }

    /// Takes the query out of the URL.
    fn take_query(&mut self) {
        let query = self.url.query().filter(|query| !query.is_empty());
        self.query = query.map(Arc::from);
        if self.url.query().is_some() {
            let mut url = Url::clone(&self.url);
            url.set_query(None);
            self.url = Arc::new(url);
        }
    }

    /// Returns the URL without its query: it holds no secret.
    pub fn url(&self) -> &Url {
        &self.url
    }

    /// Whether the address has a query, such as a signature: it names one file on a web
    /// server.
    pub fn has_query(&self) -> bool {
        self.query.is_some()
    }

    /// Returns the URL with its query, which can be a secret.
    pub(crate) fn secret_url(&self) -> Url {
        let mut url = Url::clone(&self.url);
        url.set_query(self.query.as_deref());
        url
    }

    /// Returns the settings of the store.
    pub fn options(&self) -> &[StoreOption] {
        &self.options
    }

    /// Returns the path of the URL with `%` decoded and without slashes at either
    /// end. The path of `https://host/bucket/key` holds the bucket.
    pub fn key(&self) -> String {
        let path = self.url.path().trim_matches('/');
        percent_encoding::percent_decode_str(path)
            .decode_utf8_lossy()
            .into_owned()
    }

    /// Returns the address of `inside`, a `/`-separated path, below this one, without a
    /// query.
    pub fn join(&self, inside: &str) -> Self {
        self.with_path(&format!(
            "{}/{inside}",
            self.url.path().trim_end_matches('/')
        ))
    }

    /// Returns the address with `suffix` at the end of its name.
    pub fn with_suffix(&self, suffix: &str) -> Self {
        self.with_path(&format!(
            "{}{suffix}",
            self.url.path().trim_end_matches('/')
        ))
    }

    /// Whether this address is `other` or lies below it.
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
            query: None,
            options: self.options.clone(),
        }
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.url.as_str().trim_end_matches('/'))
    }
}

/// Shows the URL without the options, which may be secrets.
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
    fn a_text_with_a_scheme_is_an_address() {
        for path in [
            "rxrx1",
            "/a/b",
            "./s3:/bucket",
            "./-",
            "a:b",
            "s3:",
            "a b",
            ".",
        ] {
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
    fn what_is_nearly_an_address_is_no_path() {
        for (text, likely) in [
            ("s3:/bucket/x", "s3://bucket/x"),
            ("gs:bucket", "gs://bucket"),
            ("https:/host/x.zip", "https://host/x.zip"),
        ] {
            let error = parse(text).unwrap_err().to_string();
            assert!(
                error.contains(&format!("did you mean {likely}?")),
                "{error}"
            );
        }
        assert!(matches!(parse("-"), Err(LocationError::Dash)));
    }

    #[test]
    fn the_query_of_an_address_is_kept_and_not_shown() {
        let parsed = parse("https://host/b/x%2B.zip?sig=secret&a=%2F").unwrap();
        assert!(parsed.has_extension("zip"));
        for shown in [parsed.to_string(), format!("{parsed:?}")] {
            assert!(!shown.contains("secret"), "{shown}");
        }
        let Location::Remote(address) = parsed else {
            panic!("{parsed:?} is a path");
        };
        assert!(address.has_query() && !address.join("y").has_query());
        let error = Location::Remote(address.clone()).of_folder().unwrap_err();
        assert!(!error.to_string().contains("secret"), "{error}");
        let url = address.secret_url();
        assert_eq!(url.as_str(), "https://host/b/x%2B.zip?sig=secret&a=%2F");
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
            ("s3://bucket/x?sig=secret", "--store-option"),
            ("https://host/b/x#secret", "--store-option"),
        ] {
            let error = parse(address).unwrap_err().to_string();
            assert!(error.contains(said), "{error}");
            assert!(!error.contains("secret"), "{error}");
        }
    }
}
