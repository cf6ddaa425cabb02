//! Builders of the object stores, with the settings that the tools of each cloud
//! use.
//!
//! A setting that `--store-option` does not give comes from the environment
//! variables and files of the cloud:
//!
//! | cloud | variables | files |
//! |---|---|---|
//! | S3 | `AWS_*`, as the AWS CLI has them | the profile `AWS_PROFILE` of `~/.aws` |
//! | Google | `GOOGLE_*`, `STORAGE_EMULATOR_HOST` | the file that `gcloud auth application-default login` writes |
//! | Azure | `AZURE_*`, as the Azure CLI has them | the login of `az login`, through the program `az` |
//!
//! A machine of the cloud itself needs none of these: its metadata service hands
//! out credentials.

use std::env;
use std::error::Error as StdError;
use std::path::PathBuf;
use std::str::FromStr;
use std::sync::{Arc, Once};

use object_store::aws::{AmazonS3Builder, AmazonS3ConfigKey, Checksum};
use object_store::azure::{AzureConfigKey, MicrosoftAzureBuilder};
use object_store::gcp::{GoogleCloudStorageBuilder, GoogleConfigKey};
use object_store::http::HttpBuilder;
use object_store::limit::LimitStore;
use object_store::path::Path;
use object_store::{ClientConfigKey, Error, ObjectStore, ObjectStoreScheme, RetryConfig};
use url::Position;

use super::aws_profile;
use super::cloud::Cloud;
use super::connector::StoreConnector;
use super::fence::Fence;
use super::guard::GuardedConnector;
use super::own_options::{self, retry, transport};
use super::transport::TransportSettings;
use crate::location::Address;

/// The reason why a store cannot be opened.
pub(super) type OpenError = Box<dyn StdError + Send + Sync>;
/// The number of requests to one store at the same time.
const REQUESTS_AT_ONCE: usize = 64;
/// A store, and the start of all keys of an address in it.
pub(super) type StoreAndPrefix = (Arc<dyn ObjectStore>, Path);

/// Default times of a request: for the whole request (a large part on a slow line), and
/// for the connection. A request that moves too few bytes ends earlier.
const TIMES: [(ClientConfigKey, &str, &str); 2] = [
    (ClientConfigKey::Timeout, "TIMEOUT", "1 hour"),
    (
        ClientConfigKey::ConnectTimeout,
        "CONNECT_TIMEOUT",
        "10 seconds",
    ),
];

/// Opens the store of a folder. An `http` or `https` address whose host is not
/// known speaks S3; its first name is the bucket. Each write asks the `fence`.
pub(super) fn folder(
    address: &Address,
    fence: Option<Arc<dyn Fence>>,
) -> Result<StoreAndPrefix, OpenError> {
    install_cryptography();
    match cloud_store(address, fence.as_ref())? {
        Some(opened) => Ok(opened),
        None => {
            let url = address.url();
            let key = address.key();
            let (bucket, key) = key.split_once('/').unwrap_or((&key, ""));
            let builder = s3(address, fence.as_ref())?
                .with_endpoint(&url[..Position::BeforePath])
                .with_bucket_name(bucket)
                .with_virtual_hosted_style_request(false);
            Ok((limited(build_s3(builder))?, Path::parse(key)?))
        }
    }
}

/// Opens the store of one object. An `http` or `https` address whose host is not
/// known is a web server.
pub(super) fn object(address: &Address) -> Result<StoreAndPrefix, OpenError> {
    install_cryptography();
    match cloud_store(address, None)? {
        Some(opened) => Ok(opened),
        None => {
            let builder = HttpBuilder::new()
                .with_url(&address.url()[..Position::BeforePath])
                .with_http_connector(GuardedConnector::new(TransportSettings {
                    follows_redirects: true,
                    ..transport(address)?
                }));
            let builder =
                configured(builder, address)?.with_config(ClientConfigKey::AllowHttp, "true");
            Ok((limited(builder.build())?, Path::parse(address.key())?))
        }
    }
}

/// Opens the store of an address that names a cloud by its scheme or host; `None`
/// for any other address.
fn cloud_store(
    address: &Address,
    fence: Option<&Arc<dyn Fence>>,
) -> Result<Option<StoreAndPrefix>, OpenError> {
    let url = address.url();
    let settings = transport(address)?;
    let connector = |cloud| StoreConnector {
        cloud,
        fence: fence.cloned(),
        transport: settings.clone(),
    };
    let (scheme, path) = ObjectStoreScheme::parse(url)?;
    let store = match scheme {
        ObjectStoreScheme::AmazonS3 => {
            limited(build_s3(s3(address, fence)?.with_url(url.as_str())))?
        }
        ObjectStoreScheme::GoogleCloudStorage => {
            let mut builder = configured(GoogleCloudStorageBuilder::from_env(), address)?;
            if let Ok(host) = env::var("STORAGE_EMULATOR_HOST") {
                let host = if host.contains("://") {
                    host
                } else {
                    format!("http://{host}")
                };
                builder = builder
                    .with_base_url(&host)
                    .with_skip_signature(true)
                    .with_config(allow_http(), "true");
            }
            let builder = builder.with_http_connector(connector(Cloud::Google));
            limited(builder.with_url(url.as_str()).build())?
        }
        ObjectStoreScheme::MicrosoftAzure => {
            let builder = configured(azure()?, address)?;
            let endpoint = builder.get_config_value(&AzureConfigKey::Endpoint);
            let builder = if is_plain_http(endpoint.as_deref()) {
                builder.with_allow_http(true)
            } else {
                builder
            };
            let builder = builder.with_http_connector(connector(Cloud::Azure));
            limited(builder.with_url(url.as_str()).build())?
        }
        _ => return Ok(None),
    };
    Ok(Some((store, path)))
}

/// Installs `ring` as the cryptography of TLS, once in a process, unless the
/// program has installed another one. The HTTP client panics if none is installed.
fn install_cryptography() {
    static INSTALLED: Once = Once::new();
    INSTALLED.call_once(|| {
        // An error says that the program has installed one already.
        let _ = rustls::crypto::ring::default_provider().install_default();
    });
}

/// Limits the number of requests to a store.
fn limited(
    store: object_store::Result<impl ObjectStore>,
) -> Result<Arc<dyn ObjectStore>, OpenError> {
    Ok(Arc::new(LimitStore::new(store?, REQUESTS_AT_ONCE)))
}

/// Whether the user named a server without TLS.
fn is_plain_http(endpoint: Option<&str>) -> bool {
    endpoint.is_some_and(|endpoint| endpoint.starts_with("http://"))
}

/// Returns a builder with the settings of the environment, of the AWS profile and
/// of the address.
fn s3(address: &Address, fence: Option<&Arc<dyn Fence>>) -> Result<AmazonS3Builder, OpenError> {
    let connector = StoreConnector {
        cloud: Cloud::S3,
        fence: fence.cloned(),
        transport: transport(address)?,
    };
    // Objects are removed one by one, because only such a request can have a condition.
    let mut builder = AmazonS3Builder::from_env()
        .with_http_connector(connector)
        .with_disable_bulk_delete(true);
    // Without a checksum the server would not notice damage on the way.
    if builder
        .get_config_value(&AmazonS3ConfigKey::Checksum)
        .is_none()
    {
        builder = builder.with_checksum_algorithm(Checksum::SHA256);
    }
    for (key, value) in aws_profile::settings(&builder)? {
        builder = builder.with_config(key, value);
    }
    configured(builder, address)
}

fn build_s3(builder: AmazonS3Builder) -> object_store::Result<impl ObjectStore> {
    let endpoints = [AmazonS3ConfigKey::S3Endpoint, AmazonS3ConfigKey::Endpoint];
    let is_plain = endpoints
        .iter()
        .any(|key| is_plain_http(builder.get_config_value(key).as_deref()));
    if is_plain {
        builder.with_allow_http(true)
    } else {
        builder
    }
    .build()
}

/// Returns a builder with the environment variables that the object_store crate
/// reads, and with those of the Azure CLI.
fn azure() -> Result<MicrosoftAzureBuilder, OpenError> {
    let mut builder = MicrosoftAzureBuilder::from_env();
    let set = [
        (AzureConfigKey::AccountName, "AZURE_STORAGE_ACCOUNT"),
        (AzureConfigKey::AccessKey, "AZURE_STORAGE_KEY"),
    ];
    for (key, variable) in set {
        if let Ok(value) = env::var(variable) {
            builder = builder.with_config(key, value);
        }
    }
    if let Ok(text) = env::var("AZURE_STORAGE_CONNECTION_STRING") {
        for part in text.split(';').filter(|part| !part.trim().is_empty()) {
            let Some((name, value)) = part.split_once('=') else {
                return Err(
                    "AZURE_STORAGE_CONNECTION_STRING is not of the form Name=Value;…".into(),
                );
            };
            let key = match name.trim() {
                "AccountName" => AzureConfigKey::AccountName,
                "AccountKey" => AzureConfigKey::AccessKey,
                "BlobEndpoint" => AzureConfigKey::Endpoint,
                "SharedAccessSignature" => AzureConfigKey::SasKey,
                _ => continue,
            };
            builder = builder.with_config(key, value);
        }
    }
    let credentials = [
        AzureConfigKey::AccessKey,
        AzureConfigKey::SasKey,
        AzureConfigKey::Token,
        AzureConfigKey::ClientSecret,
        AzureConfigKey::FederatedTokenFile,
        AzureConfigKey::MsiEndpoint,
    ];
    let has_credentials = credentials
        .iter()
        .any(|key| builder.get_config_value(key).is_some());
    let login = env::home_dir().map(|home| home.join(".azure/azureProfile.json"));
    if !has_credentials && login.is_some_and(|file: PathBuf| file.is_file()) {
        builder = builder.with_use_azure_cli(true);
    }
    Ok(builder)
}

/// The common part of the builders of all stores.
trait Builder: Sized {
    type Key: FromStr<Err = Error>;
    /// The start of the names of its environment variables.
    const PREFIX: &str;
    fn client(key: ClientConfigKey) -> Self::Key;
    fn with(self, key: Self::Key, value: &str) -> Self;
    fn with_retries(self, retry: RetryConfig) -> Self;
}

macro_rules! builder {
    ($builder:ty, $key:ty, $prefix:literal, $client:expr) => {
        impl Builder for $builder {
            type Key = $key;
            const PREFIX: &str = $prefix;
            fn client(key: ClientConfigKey) -> Self::Key {
                $client(key)
            }
            fn with(self, key: Self::Key, value: &str) -> Self {
                self.with_config(key, value)
            }
            fn with_retries(self, retry: RetryConfig) -> Self {
                self.with_retry(retry)
            }
        }
    };
}

builder!(
    AmazonS3Builder,
    AmazonS3ConfigKey,
    "AWS",
    AmazonS3ConfigKey::Client
);
builder!(
    GoogleCloudStorageBuilder,
    GoogleConfigKey,
    "GOOGLE",
    GoogleConfigKey::Client
);
builder!(
    MicrosoftAzureBuilder,
    AzureConfigKey,
    "AZURE",
    AzureConfigKey::Client
);
builder!(HttpBuilder, ClientConfigKey, "HTTP", std::convert::identity);

fn allow_http() -> GoogleConfigKey {
    GoogleConfigKey::Client(ClientConfigKey::AllowHttp)
}

/// Adds the default times and the options of the address to `builder`.
fn configured<B: Builder>(mut builder: B, address: &Address) -> Result<B, OpenError> {
    for (key, name, time) in TIMES {
        if env::var_os(format!("{}_{name}", B::PREFIX)).is_none() {
            builder = builder.with(B::client(key), time);
        }
    }
    for option in address.options() {
        let key = option.key.to_ascii_lowercase();
        if own_options::is_own(&key) {
            continue;
        }
        let known = key.parse().map_err(|_| own_options::unknown(&key))?;
        builder = builder.with(known, &option.value);
    }
    Ok(builder.with_retries(retry(address)?))
}

#[cfg(test)]
mod tests;
