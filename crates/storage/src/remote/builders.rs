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

mod azure;
mod kept_client;
#[cfg(test)]
mod tests;

use std::env;
use std::str::FromStr;
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, Once};

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
use rxrx_transport::{
    ASK_FOR_CHECKSUMS, ChecksumStore, ChosenChecksum, Cloud, CredentialSource, GuardedConnector,
    OneFileConnector, ProfileCredentials, Renewal, Signer, TransportSettings, UploadChecksum,
    profile,
};
use url::{Position, Url};

use self::azure::azure;
use self::kept_client::KeptClient;
use super::connector::StoreConnector;
use super::fence::Fence;
use super::own_options::{self, OpenError, retry, transport};
use super::unfinished_uploads::UploadsOfBucket;
use crate::location::Address;

/// The number of requests to one store at the same time.
const REQUESTS_AT_ONCE: usize = 64;
/// A store, and the start of all keys of an address in it.
pub(super) type StoreAndPrefix = (Arc<dyn ObjectStore>, Path);

/// The region of a store without one, as in the object_store crate.
const USUAL_REGION: &str = "us-east-1";

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

/// How the clients of a folder differ.
#[derive(Default)]
pub(super) struct Opening {
    /// The check before each try of a write.
    pub(super) fence: Option<Arc<dyn Fence>>,
    /// The checksum of uploads to S3.
    pub(super) checksum: Arc<ChosenChecksum>,
    /// Whether the store has answered before.
    pub(super) has_worked: Arc<AtomicBool>,
    /// Whether S3 is asked for the checksums of an object.
    pub(super) asks_checksums: bool,
}

impl Opening {
    /// Returns what the HTTP clients of the store do.
    fn transport(&self, address: &Address) -> Result<TransportSettings, OpenError> {
        Ok(TransportSettings {
            has_worked: self.has_worked.clone(),
            ..transport(address)?
        })
    }
}

/// Opens the store of a folder. An `http` or `https` address whose host is not
/// known speaks S3; its first name is the bucket. Requests to it are not signed if the
/// user has set no credentials, so that it may be a plain web server.
pub(super) fn folder(address: &Address, opening: &Opening) -> Result<StoreAndPrefix, OpenError> {
    install_cryptography();
    if address.has_query() {
        return Err(
            "an address with ? names one file: give the address of the folder, and what its \
             requests need by --store-option or the environment"
                .into(),
        );
    }
    match cloud_store(address, opening)? {
        Some(opened) => Ok(opened),
        None => {
            let (s3, key) = s3_server(address, opening)?;
            Ok((s3_store(address, opening, s3)?, key))
        }
    }
}

/// Returns a builder for the bucket of an address whose host is not known, and the start of
/// all keys in it.
fn s3_server(address: &Address, opening: &Opening) -> Result<(S3, Path), OpenError> {
    let url = address.url();
    let key = address.key();
    let (bucket, key) = key.split_once('/').unwrap_or((&key, ""));
    let mut s3 = s3(address, opening)?;
    if !says_whether_to_sign(address) && !s3.has_credentials {
        // A plain web server, most likely: the role of a machine means nothing there.
        s3.builder = s3.builder.with_skip_signature(true);
    }
    s3.builder = s3
        .builder
        .with_endpoint(&url[..Position::BeforePath])
        .with_bucket_name(bucket)
        .with_virtual_hosted_style_request(false);
    Ok((s3, Path::parse(key)?))
}

/// Opens the list of uploads that nobody has completed in the bucket of a folder; `None` for
/// another cloud than S3, and where requests are not signed.
pub(super) fn uploads(
    address: &Address,
    opening: &Opening,
) -> Result<Option<UploadsOfBucket>, OpenError> {
    let s3 = match ObjectStoreScheme::parse(address.url())? {
        (ObjectStoreScheme::AmazonS3, _) => {
            let mut s3 = s3(address, opening)?;
            s3.builder = s3.builder.with_url(address.url().as_str());
            s3
        }
        (ObjectStoreScheme::GoogleCloudStorage | ObjectStoreScheme::MicrosoftAzure, _) => {
            return Ok(None);
        }
        _ => s3_server(address, opening)?.0,
    };
    let skips = AmazonS3ConfigKey::SkipSignature;
    if s3.builder.get_config_value(&skips).as_deref() == Some("true") {
        return Ok(None);
    }
    let connector = KeptClient::new(StoreConnector {
        cloud: Cloud::S3,
        fence: opening.fence.clone(),
        renewal: s3.renewal,
        signer: None,
        transport: opening.transport(address)?,
        checksum: UploadChecksum::None,
    });
    let store = with_http_allowed(s3.builder).with_http_connector(connector.clone());
    let store = store.build()?;
    let client = connector.client();
    let client = client.ok_or("object_store made no HTTP client")?;
    Ok(Some(UploadsOfBucket { store, client }))
}

/// Allows requests without TLS where the user has named such a server.
fn with_http_allowed(builder: AmazonS3Builder) -> AmazonS3Builder {
    match is_plain_http(endpoint(&builder).as_deref()) {
        true => builder.with_allow_http(true),
        false => builder,
    }
}

/// Opens the store of one object. An `http` or `https` address whose host is not
/// known is a web server.
pub(super) fn object(address: &Address) -> Result<StoreAndPrefix, OpenError> {
    install_cryptography();
    let settings = TransportSettings {
        follows_redirects: true,
        ..transport(address)?
    };
    let builder = HttpBuilder::new().with_url(&address.url()[..Position::BeforePath]);
    let builder = if address.has_query() {
        builder.with_http_connector(OneFileConnector::new(&address.secret_url(), settings)?)
    } else if let Some(opened) = cloud_store(address, &Opening::default())? {
        return Ok(opened);
    } else {
        builder.with_http_connector(GuardedConnector::new(settings))
    };
    let builder = configured(builder, address)?.with_config(ClientConfigKey::AllowHttp, "true");
    Ok((limited(builder.build())?, Path::parse(address.key())?))
}

/// Opens the store of an address that names a cloud by its scheme or host; `None`
/// for any other address.
fn cloud_store(address: &Address, opening: &Opening) -> Result<Option<StoreAndPrefix>, OpenError> {
    let url = address.url();
    let settings = opening.transport(address)?;
    let connector = |cloud| StoreConnector {
        cloud,
        fence: opening.fence.clone(),
        renewal: None,
        signer: None,
        transport: settings.clone(),
        checksum: UploadChecksum::None,
    };
    let (scheme, path) = ObjectStoreScheme::parse(url)?;
    let store = match scheme {
        ObjectStoreScheme::AmazonS3 => {
            let mut s3 = s3(address, opening)?;
            s3.builder = s3.builder.with_url(url.as_str());
            s3_store(address, opening, s3)?
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

/// A builder for S3, whether its requests are signed with credentials that the user has
/// set, and how they are signed anew.
struct S3 {
    builder: AmazonS3Builder,
    has_credentials: bool,
    renewal: Option<Renewal>,
}

/// Returns a builder with the settings of the environment, of the AWS profile and
/// of the address.
fn s3(address: &Address, opening: &Opening) -> Result<S3, OpenError> {
    // Objects are removed one by one, because only such a request can have a condition.
    let mut builder = s3_from_env(opening.asks_checksums).with_disable_bulk_delete(true);
    let profile = profile(&builder)?;
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
    Ok(S3 {
        builder,
        has_credentials,
        renewal,
    })
}

/// Returns a builder with the settings of the environment, which asks for the checksums
/// of objects if so told. [`AmazonS3Builder::from_env`] takes no headers.
fn s3_from_env(asks_checksums: bool) -> AmazonS3Builder {
    if !asks_checksums {
        return AmazonS3Builder::from_env();
    }
    let (name, value) = ASK_FOR_CHECKSUMS;
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

/// Opens a store with a client for each checksum of uploads.
fn s3_store(
    address: &Address,
    opening: &Opening,
    s3: S3,
) -> Result<Arc<dyn ObjectStore>, OpenError> {
    let S3 {
        builder, renewal, ..
    } = s3;
    let chosen = opening.checksum.clone();
    let named = builder.get_config_value(&AmazonS3ConfigKey::Checksum);
    let named = named.map(|name| {
        let unknown = || format!("{name} is no checksum of uploads: use crc64nvme or sha256");
        UploadChecksum::parse(&name).ok_or_else(unknown)
    });
    let (named, own) = (named.transpose()?, own_options::checksum(address)?);
    if named.is_some() && own.is_some() && named != own {
        return Err("checksum and checksum_algorithm (AWS_CHECKSUM_ALGORITHM) differ".into());
    }
    if let Some(checksum) = own.or(named) {
        chosen.set(checksum);
    } else if !chosen.is_found() {
        chosen.set_open(endpoint(&builder).is_some_and(|endpoint| !is_amazon(&endpoint)));
    }
    let (transport, fence) = (opening.transport(address)?, opening.fence.clone());
    let region = builder.get_config_value(&AmazonS3ConfigKey::Region);
    let region = region.unwrap_or_else(|| USUAL_REGION.to_owned());
    let build = move |checksum| -> object_store::Result<Arc<dyn ObjectStore>> {
        let signer = Signer {
            credentials: Arc::default(),
            region: region.clone(),
        };
        let builder = builder.clone().with_http_connector(StoreConnector {
            cloud: Cloud::S3,
            fence: fence.clone(),
            renewal: renewal.clone(),
            signer: Some(signer.clone()),
            transport: transport.clone(),
            checksum,
        });
        let builder = match checksum {
            UploadChecksum::Sha256 => builder.with_checksum_algorithm(Checksum::SHA256),
            UploadChecksum::Crc64Nvme => builder.with_checksum_algorithm(Checksum::CRC64NVME),
            UploadChecksum::Md5 | UploadChecksum::None => builder,
        };
        let store = with_http_allowed(builder).build()?;
        // It is set once, before the first request.
        let _ = signer.credentials.set(Arc::clone(store.credentials()));
        Ok(Arc::new(LimitStore::new(store, REQUESTS_AT_ONCE)))
    };
    Ok(Arc::new(ChecksumStore::new(chosen, build)?))
}

/// Returns the server that the user has named.
fn endpoint(builder: &AmazonS3Builder) -> Option<String> {
    let keys = [AmazonS3ConfigKey::S3Endpoint, AmazonS3ConfigKey::Endpoint];
    keys.iter().find_map(|key| builder.get_config_value(key))
}

/// Whether an endpoint is one of Amazon, whose servers accept every checksum.
fn is_amazon(endpoint: &str) -> bool {
    let url = Url::parse(endpoint);
    let host = url
        .as_ref()
        .ok()
        .and_then(Url::host_str)
        .unwrap_or_default();
    [".amazonaws.com", ".amazonaws.com.cn"]
        .iter()
        .any(|end| host.ends_with(end))
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
