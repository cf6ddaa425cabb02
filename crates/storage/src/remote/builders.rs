//! Builders of the object stores, with the settings that the tools of each cloud
//! use.
//!
//! A setting that `--store-option` does not give comes from the environment
//! variables and files of the cloud:
//!
//! | cloud | variables | files |
//! |---|---|---|
//! | S3 | `AWS_*`, as the AWS CLI has them | the profile `AWS_PROFILE` of `~/.aws`, and the program that it names |
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
use std::time::Duration;

use http::{HeaderMap, HeaderName, HeaderValue};
use object_store::aws::{AmazonS3Builder, AmazonS3ConfigKey, Checksum};
use object_store::azure::{AzureConfigKey, MicrosoftAzureBuilder};
use object_store::gcp::{GoogleCloudStorageBuilder, GoogleConfigKey};
use object_store::http::HttpBuilder;
use object_store::limit::LimitStore;
use object_store::path::Path;
use object_store::{
    ClientConfigKey, ClientOptions, Error, ObjectStore, ObjectStoreScheme, RetryConfig,
};
use url::Position;

use super::aws_profile;
use super::cloud::Cloud;
use super::connector::StoreConnector;
use super::credentials::{CredentialSource, ProfileCredentials};
use super::fence::Fence;
use super::guard::GuardedConnector;
use super::renewal::Renewal;
use super::stated_checksums;
use crate::location::Address;

/// The reason why a store cannot be opened.
pub(super) type OpenError = Box<dyn StdError + Send + Sync>;
/// The number of requests to one store at the same time.
const REQUESTS_AT_ONCE: usize = 64;
/// The time for which a failed request is repeated.
const RETRY_FOR: Duration = Duration::from_secs(180);
/// A store, and the start of all keys of an address in it.
pub(super) type StoreAndPrefix = (Arc<dyn ObjectStore>, Path);

/// The region of a store without one, as in the object_store crate.
const USUAL_REGION: &str = "us-east-1";

/// Options of this program, beside those of the object_store crate.
const RETRY_TIMEOUT: &str = "retry_timeout";
const MAX_RETRIES: &str = "max_retries";
const OWN_OPTIONS: [&str; 2] = [RETRY_TIMEOUT, MAX_RETRIES];

/// Default times of a request: for the whole request (a large part on a slow
/// line), for the wait between two pieces of its answer, and for the connection.
const TIMES: [(ClientConfigKey, &str, &str); 3] = [
    (ClientConfigKey::Timeout, "TIMEOUT", "10 minutes"),
    (ClientConfigKey::ReadTimeout, "READ_TIMEOUT", "1 minute"),
    (
        ClientConfigKey::ConnectTimeout,
        "CONNECT_TIMEOUT",
        "10 seconds",
    ),
];

/// Opens the store of a folder. An `http` or `https` address whose host is not
/// known speaks S3; its first name is the bucket. Requests to it are not signed if the
/// user has set no credentials, so that it may be a plain web server. Each write asks the
/// `fence`.
pub(super) fn folder(
    address: &Address,
    fence: Option<Arc<dyn Fence>>,
) -> Result<StoreAndPrefix, OpenError> {
    folder_by(
        address,
        &Client {
            fence,
            asks_checksums: false,
        },
    )
}

/// Opens the store of a folder with a client that asks S3 for the checksums of an object.
pub(super) fn asking_checksums(address: &Address) -> Result<StoreAndPrefix, OpenError> {
    folder_by(
        address,
        &Client {
            fence: None,
            asks_checksums: true,
        },
    )
}

/// The requests that a client sends.
#[derive(Default)]
struct Client {
    /// The check before each try of a write.
    fence: Option<Arc<dyn Fence>>,
    /// Whether S3 is asked for the checksums of an object.
    asks_checksums: bool,
}

fn folder_by(address: &Address, client: &Client) -> Result<StoreAndPrefix, OpenError> {
    install_cryptography();
    match cloud_store(address, client)? {
        Some(opened) => Ok(opened),
        None => {
            let url = address.url();
            let key = address.key();
            let (bucket, key) = key.split_once('/').unwrap_or((&key, ""));
            let S3 {
                mut builder,
                has_credentials,
            } = s3(address, client)?;
            if !says_whether_to_sign(address) && !has_credentials {
                // A plain web server, most likely: the role of a machine means nothing there.
                builder = builder.with_skip_signature(true);
            }
            let builder = builder
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
    match cloud_store(address, &Client::default())? {
        Some(opened) => Ok(opened),
        None => {
            let builder = HttpBuilder::new()
                .with_url(&address.url()[..Position::BeforePath])
                .with_http_connector(GuardedConnector::default());
            let builder =
                configured(builder, address)?.with_config(ClientConfigKey::AllowHttp, "true");
            Ok((limited(builder.build())?, Path::parse(address.key())?))
        }
    }
}

/// Opens the store of an address that names a cloud by its scheme or host; `None`
/// for any other address.
fn cloud_store(address: &Address, client: &Client) -> Result<Option<StoreAndPrefix>, OpenError> {
    let url = address.url();
    let connector = |cloud| StoreConnector {
        cloud,
        fence: client.fence.clone(),
        renewal: None,
    };
    let (scheme, path) = ObjectStoreScheme::parse(url)?;
    let store = match scheme {
        ObjectStoreScheme::AmazonS3 => limited(build_s3(
            s3(address, client)?.builder.with_url(url.as_str()),
        ))?,
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

/// A builder for S3, and whether its requests are signed with credentials that the user
/// has set.
struct S3 {
    builder: AmazonS3Builder,
    has_credentials: bool,
}

/// Returns a builder with the settings of the environment, of the AWS profile and
/// of the address.
fn s3(address: &Address, client: &Client) -> Result<S3, OpenError> {
    // Objects are removed one by one, because only such a request can have a condition.
    let mut builder = s3_from_env(client.asks_checksums).with_disable_bulk_delete(true);
    // Without a checksum the server would not notice damage on the way.
    if builder
        .get_config_value(&AmazonS3ConfigKey::Checksum)
        .is_none()
    {
        builder = builder.with_checksum_algorithm(Checksum::SHA256);
    }
    let profile = aws_profile::profile(&builder)?;
    for (key, value) in profile.settings {
        builder = builder.with_config(key, value);
    }
    let mut builder = configured(builder, address)?;
    let has_keys = has_credentials(&builder);
    let source = profile.credentials.filter(|_| !has_keys);
    // A default profile that runs a program is not meant for every address.
    let is_meant = |source: &CredentialSource| profile.is_named || !source.is_program();
    let has_credentials = has_keys || source.as_ref().is_some_and(is_meant);
    let renewal = source.map(|source| Renewal {
        credentials: ProfileCredentials::of(&source),
        region: builder
            .get_config_value(&AmazonS3ConfigKey::Region)
            .unwrap_or_else(|| USUAL_REGION.to_owned()),
    });
    if let Some(renewal) = &renewal {
        builder = builder.with_credentials(Arc::new(renewal.credentials.clone()));
    }
    let connector = StoreConnector {
        cloud: Cloud::S3,
        fence: client.fence.clone(),
        renewal,
    };
    Ok(S3 {
        builder: builder.with_http_connector(connector),
        has_credentials,
    })
}

/// Returns a builder with the settings of the environment, which asks for the checksums
/// of objects if so told. [`AmazonS3Builder::from_env`] takes no headers.
fn s3_from_env(asks_checksums: bool) -> AmazonS3Builder {
    if !asks_checksums {
        return AmazonS3Builder::from_env();
    }
    let (name, value) = stated_checksums::ASK;
    let header = (
        HeaderName::from_static(name),
        HeaderValue::from_static(value),
    );
    let options = ClientOptions::new().with_default_headers(HeaderMap::from_iter([header]));
    let mut builder = AmazonS3Builder::new().with_client_options(options);
    for (name, value) in env::vars_os() {
        if let (Some(name), Some(value)) = (name.to_str(), value.to_str())
            && name.starts_with("AWS_")
            && let Ok(key) = name.to_ascii_lowercase().parse()
        {
            builder = builder.with_config(key, value);
        }
    }
    builder
}

/// Returns whether the user has said whether requests are signed.
fn says_whether_to_sign(address: &Address) -> bool {
    let names = ["skip_signature", "aws_skip_signature"];
    let mut options = address.options().iter();
    options.any(|option| names.contains(&&*option.key.to_ascii_lowercase()))
        || env::var_os("AWS_SKIP_SIGNATURE").is_some()
}

/// Returns whether there are credentials beside those of the machine.
fn has_credentials(builder: &AmazonS3Builder) -> bool {
    let sources = [
        AmazonS3ConfigKey::AccessKeyId,
        AmazonS3ConfigKey::WebIdentityTokenFile,
        AmazonS3ConfigKey::ContainerCredentialsRelativeUri,
        AmazonS3ConfigKey::ContainerCredentialsFullUri,
    ];
    let mut sources = sources.iter();
    sources.any(|key| builder.get_config_value(key).is_some())
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
        if OWN_OPTIONS.contains(&key.as_str()) {
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
    Ok(builder.with_retries(retry(address)?))
}

/// Returns how often and how long a failed request is repeated.
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

/// Returns whether the user has not said that the store ignores conditions.
pub(super) fn has_conditions(address: &Address) -> bool {
    let names = ["conditional_put", "aws_conditional_put"];
    let mut options = address.options().iter();
    let option = options.find(|option| names.contains(&&*option.key.to_ascii_lowercase()));
    let set = option.map(|option| option.value.clone());
    let set = set.or_else(|| env::var("AWS_CONDITIONAL_PUT").ok());
    set.is_none_or(|value| value != "disabled")
}

#[cfg(test)]
mod tests;
