//! The store behind an address, reached as the tools of its cloud reach it.
//!
//! What is not said by `--store-option` comes from the environment variables
//! and files of each cloud:
//!
//! | cloud | variables | files |
//! |---|---|---|
//! | S3 | `AWS_*`, as the AWS CLI has them | the profile `AWS_PROFILE` of `~/.aws` |
//! | Google | `GOOGLE_*`, `STORAGE_EMULATOR_HOST` | what `gcloud auth application-default login` leaves |
//! | Azure | `AZURE_*`, as the Azure CLI has them | what `az login` leaves, by asking `az` |
//!
//! A machine of the cloud itself needs none of it.

use std::env;
use std::error::Error as StdError;
use std::path::PathBuf;
use std::str::FromStr;
use std::sync::{Arc, Once};
use std::time::Duration;

use object_store::aws::{AmazonS3Builder, AmazonS3ConfigKey, Checksum};
use object_store::azure::{AzureConfigKey, MicrosoftAzureBuilder};
use object_store::gcp::{GoogleCloudStorageBuilder, GoogleConfigKey};
use object_store::http::HttpBuilder;
use object_store::limit::LimitStore;
use object_store::path::Path;
use object_store::{ClientConfigKey, Error, ObjectStore, ObjectStoreScheme, RetryConfig};
use url::Position;

use super::aws_profile;
use super::upload_checksums::Checked;
use crate::location::Address;

/// Why a store cannot be opened.
pub(super) type OpenError = Box<dyn StdError + Send + Sync>;
/// Requests to one store under way at once.
const REQUESTS_AT_ONCE: usize = 64;
/// How long a request is repeated.
const RETRY_FOR: Duration = Duration::from_secs(180);
/// A store, and what the keys of an address in it begin with.
type Place = (Arc<dyn ObjectStore>, Path);
pub(super) type Opened = Result<Place, OpenError>;

/// Options of ours beside those of the stores.
const RETRY_TIMEOUT: &str = "retry_timeout";
const MAX_RETRIES: &str = "max_retries";
const OURS: [&str; 2] = [RETRY_TIMEOUT, MAX_RETRIES];

/// Time that a request may take: a large part, or a whole shard, on a slow line;
/// and that it may take without a sign of life.
const TIMES: [(ClientConfigKey, &str, &str); 3] = [
    (ClientConfigKey::Timeout, "TIMEOUT", "10 minutes"),
    (ClientConfigKey::ReadTimeout, "READ_TIMEOUT", "1 minute"),
    (
        ClientConfigKey::ConnectTimeout,
        "CONNECT_TIMEOUT",
        "10 seconds",
    ),
];

pub(super) fn folder(address: &Address) -> Opened {
    choose_cryptography();
    match known(address)? {
        Some(opened) => Ok(opened),
        None => {
            let url = address.url();
            let key = address.key();
            let (bucket, key) = key.split_once('/').unwrap_or((&key, ""));
            let builder = s3(address)?
                .with_endpoint(&url[..Position::BeforePath])
                .with_bucket_name(bucket)
                .with_virtual_hosted_style_request(false);
            Ok((built(build_s3(builder))?, Path::parse(key)?))
        }
    }
}

pub(super) fn object(address: &Address) -> Opened {
    choose_cryptography();
    match known(address)? {
        Some(opened) => Ok(opened),
        None => {
            let builder = HttpBuilder::new().with_url(&address.url()[..Position::BeforePath]);
            let builder =
                configured(builder, address)?.with_config(ClientConfigKey::AllowHttp, "true");
            Ok((built(builder.build())?, Path::parse(address.key())?))
        }
    }
}

/// The store of an address that names its kind, by scheme or by host.
fn known(address: &Address) -> Result<Option<Place>, OpenError> {
    let url = address.url();
    let (scheme, path) = ObjectStoreScheme::parse(url)?;
    let store = match scheme {
        ObjectStoreScheme::AmazonS3 => built(build_s3(s3(address)?.with_url(url.as_str())))?,
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
            let builder = builder.with_http_connector(Checked::Google);
            built(builder.with_url(url.as_str()).build())?
        }
        ObjectStoreScheme::MicrosoftAzure => {
            let builder = configured(azure()?, address)?;
            let endpoint = builder.get_config_value(&AzureConfigKey::Endpoint);
            let builder = if is_plain(endpoint.as_deref()) {
                builder.with_allow_http(true)
            } else {
                builder
            };
            let builder = builder.with_http_connector(Checked::Azure);
            built(builder.with_url(url.as_str()).build())?
        }
        _ => return Ok(None),
    };
    Ok(Some((store, path)))
}

/// Chooses the cryptography of TLS, once in a process, unless the program that
/// uses this library has chosen already. Without a choice the client panics.
fn choose_cryptography() {
    static CHOSEN: Once = Once::new();
    CHOSEN.call_once(|| {
        // An error says that there is a choice already.
        let _ = rustls::crypto::ring::default_provider().install_default();
    });
}

fn built(store: object_store::Result<impl ObjectStore>) -> Result<Arc<dyn ObjectStore>, OpenError> {
    Ok(Arc::new(LimitStore::new(store?, REQUESTS_AT_ONCE)))
}

/// A server without TLS is one that the user has named.
fn is_plain(endpoint: Option<&str>) -> bool {
    endpoint.is_some_and(|endpoint| endpoint.starts_with("http://"))
}

fn s3(address: &Address) -> Result<AmazonS3Builder, OpenError> {
    let mut builder = AmazonS3Builder::from_env();
    // What a server does not check may be damaged on its way.
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
        .any(|key| is_plain(builder.get_config_value(key).as_deref()));
    if is_plain {
        builder.with_allow_http(true)
    } else {
        builder
    }
    .build()
}

/// The variables that `object_store` reads, and those of the Azure CLI.
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

/// What the builders of all stores have.
trait Builder: Sized {
    type Key: FromStr<Err = Error>;
    /// What the names of its environment variables begin with.
    const PREFIX: &str;
    fn client(key: ClientConfigKey) -> Self::Key;
    fn with(self, key: Self::Key, value: &str) -> Self;
    fn retried(self, retry: RetryConfig) -> Self;
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
            fn retried(self, retry: RetryConfig) -> Self {
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

/// `builder` with our times, and what the user has said.
fn configured<B: Builder>(mut builder: B, address: &Address) -> Result<B, OpenError> {
    for (key, name, time) in TIMES {
        if env::var_os(format!("{}_{name}", B::PREFIX)).is_none() {
            builder = builder.with(B::client(key), time);
        }
    }
    for option in address.options() {
        let key = option.key.to_ascii_lowercase();
        if OURS.contains(&key.as_str()) {
            continue;
        }
        let unknown = |_| {
            format!(
                "there is no store option {key} here: use those of the object_store crate, such \
                 as endpoint, region, skip_signature, allow_http or timeout, or {RETRY_TIMEOUT} \
                 (seconds) and {MAX_RETRIES}"
            )
        };
        builder = builder.with(key.parse().map_err(unknown)?, &option.value);
    }
    Ok(builder.retried(retry(address)?))
}

/// How often and how long a request is repeated.
pub(super) fn retry(address: &Address) -> Result<RetryConfig, OpenError> {
    let mut retry = RetryConfig {
        retry_timeout: RETRY_FOR,
        max_retries: usize::MAX,
        ..RetryConfig::default()
    };
    for option in address.options() {
        let key = option.key.to_ascii_lowercase();
        let number = || {
            let refused = |_| format!("--store-option {key} is not a whole number");
            option.value.parse::<u64>().map_err(refused)
        };
        match key.as_str() {
            RETRY_TIMEOUT => retry.retry_timeout = Duration::from_secs(number()?),
            MAX_RETRIES => retry.max_retries = usize::try_from(number()?)?,
            _ => {}
        }
    }
    Ok(retry)
}
