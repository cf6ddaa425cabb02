//! The HTTP client of this program, below everything that object_store does.
//!
//! - Certificates are those of the system, or of `SSL_CERT_FILE` and `SSL_CERT_DIR`.
//! - `HTTPS_PROXY`, `HTTP_PROXY`, `ALL_PROXY` and `NO_PROXY` are honoured.
//! - A redirect of a store is not followed: it would carry credentials to another host.
//! - A try that moves too few bytes fails: see [`Pace`].
//! - `Retry-After` is honoured.
//! - All requests together can have a limit of bytes in a second: see [`Bandwidth`].

mod bandwidth;
mod error;
mod host;
mod names;
mod pace;
mod received;
mod retry_after;
mod sent;

use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use async_trait::async_trait;
use object_store::client::{
    HttpError, HttpErrorKind, HttpRequest, HttpResponse, HttpResponseBody, HttpService,
};
use object_store::{ClientConfigKey, ClientOptions, Error};
use reqwest::redirect::{Attempt, Policy};
use reqwest::{Client, ClientBuilder, NoProxy, Proxy};

pub use self::bandwidth::Bandwidth;
pub(crate) use self::host::host;
use self::names::Names;
pub use self::pace::Pace;
use self::received::ReceivedBody;
use self::sent::{Sent, SentBody};

/// The name of this program in requests.
const USER_AGENT: &str = concat!("rxrx2zarr/", env!("CARGO_PKG_VERSION"));
/// How many redirects of a web server are followed.
const REDIRECTS: usize = 10;

/// What the client of one store does.
#[derive(Clone, Debug)]
pub struct TransportSettings {
    /// Whether redirects are followed, as for a file on a web server. A redirect from
    /// `https` to `http` never is.
    pub follows_redirects: bool,
    /// The limit of bytes in a second, if there is one.
    pub bandwidth: Option<Arc<Bandwidth>>,
    /// The longest time that a server can ask to wait by `Retry-After`.
    pub wait_at_most: Duration,
    /// The least speed of a try.
    pub pace: Pace,
    /// Set when an answer of the store has been received whole. All clients of a store
    /// share it.
    pub has_worked: Arc<AtomicBool>,
}

impl Default for TransportSettings {
    fn default() -> Self {
        Self {
            follows_redirects: false,
            bandwidth: None,
            wait_at_most: Duration::from_secs(180),
            pace: Pace::default(),
            has_worked: Arc::default(),
        }
    }
}

/// An HTTP client with these settings.
#[derive(Debug)]
pub struct Transport {
    client: Client,
    settings: TransportSettings,
}

impl Transport {
    /// Makes a client.
    ///
    /// # Errors
    /// An option has a value that cannot be used, or the certificates cannot be read.
    pub fn new(options: &ClientOptions, settings: TransportSettings) -> object_store::Result<Self> {
        Ok(Self {
            client: client(options, &settings)?,
            settings,
        })
    }
}

#[async_trait]
impl HttpService for Transport {
    async fn call(&self, request: HttpRequest) -> Result<HttpResponse, HttpError> {
        let settings = &self.settings;
        let pace = settings.pace.of(&request, settings.has_worked.clone());
        let sent = Arc::<Sent>::default();
        let request = self.request(request, &sent)?;
        let answer = pace.watch(self.client.execute(request), &sent).await?;
        let answer: http::Response<reqwest::Body> = answer.map_err(error::of_reqwest)?.into();
        retry_after::wait(&answer, settings.wait_at_most).await;
        let (parts, body) = answer.into_parts();
        let body = ReceivedBody::new(body, pace, settings.bandwidth.clone());
        Ok(HttpResponse::from_parts(parts, HttpResponseBody::new(body)))
    }
}

impl Transport {
    /// Returns the request for the client, whose body counts the bytes that are `sent`.
    fn request(
        &self,
        request: HttpRequest,
        sent: &Arc<Sent>,
    ) -> Result<reqwest::Request, HttpError> {
        let (parts, body) = request.into_parts();
        let url = parts.uri.to_string().parse();
        let url = url.map_err(|error| HttpError::new(HttpErrorKind::Unknown, NotAUrl(error)))?;
        let mut request = reqwest::Request::new(parts.method, url);
        *request.headers_mut() = parts.headers;
        *request.body_mut() = Some(if body.content_length() == 0 {
            sent.complete();
            bytes::Bytes::new().into()
        } else {
            let bandwidth = self.settings.bandwidth.clone();
            reqwest::Body::wrap(SentBody::new(body, sent.clone(), bandwidth))
        });
        Ok(request)
    }
}

/// The address of a request is not a URL.
#[derive(Debug, thiserror::Error)]
#[error("the address of a request is not a URL: {0}")]
struct NotAUrl(url::ParseError);

/// Makes the client with all options that object_store has.
fn client(options: &ClientOptions, settings: &TransportSettings) -> object_store::Result<Client> {
    use ClientConfigKey as Key;
    let text = |key: Key| options.get_config_value(&key);
    let is_set = |key| text(key).is_some_and(|value| value == "true");
    let duration = |key| duration(options, key);
    let mut builder = ClientBuilder::new()
        .user_agent(text(Key::UserAgent).unwrap_or_else(|| USER_AGENT.to_owned()))
        .redirect(redirects(settings.follows_redirects))
        // The address of a file can have a signature in it.
        .referer(false)
        .https_only(!is_set(Key::AllowHttp))
        .danger_accept_invalid_certs(is_set(Key::AllowInvalidCertificates));
    if is_set(Key::RandomizeAddresses) {
        builder = builder.dns_resolver(Arc::new(Names));
    }
    if let Some(headers) = options.get_default_headers() {
        builder = builder.default_headers(headers.clone());
    }
    if let Some(proxy) = text(Key::ProxyUrl) {
        builder = builder.proxy(the_proxy(options, &proxy)?);
    }
    builder = certificates(builder, options)?;
    // At a limited speed a request may take any time, as long as bytes arrive.
    if settings.bandwidth.is_none()
        && let Some(time) = duration(Key::Timeout)?
    {
        builder = builder.timeout(time);
    }
    if let Some(time) = duration(Key::ConnectTimeout)? {
        builder = builder.connect_timeout(time);
    }
    if let Some(time) = duration(Key::ReadTimeout)? {
        builder = builder.read_timeout(time);
    }
    if let Some(time) = duration(Key::PoolIdleTimeout)? {
        builder = builder.pool_idle_timeout(time);
    }
    if let Some(most) = text(Key::PoolMaxIdlePerHost) {
        let number = most.parse();
        let most = number.map_err(|_| unusable(Key::PoolMaxIdlePerHost, &most))?;
        builder = builder.pool_max_idle_per_host(most);
    }
    protocol(builder, options)?.build().map_err(of_client)
}

/// Sets the version of HTTP and what belongs to it.
fn protocol(
    mut builder: ClientBuilder,
    options: &ClientOptions,
) -> object_store::Result<ClientBuilder> {
    use ClientConfigKey as Key;
    let is_set = |key: Key| {
        options
            .get_config_value(&key)
            .is_some_and(|set| set == "true")
    };
    if is_set(Key::Http1Only) {
        builder = builder.http1_only();
    }
    if is_set(Key::Http2Only) {
        builder = builder.http2_prior_knowledge();
    }
    if let Some(time) = duration(options, Key::Http2KeepAliveInterval)? {
        builder = builder.http2_keep_alive_interval(time);
    }
    if let Some(time) = duration(options, Key::Http2KeepAliveTimeout)? {
        builder = builder.http2_keep_alive_timeout(time);
    }
    Ok(builder.http2_keep_alive_while_idle(is_set(Key::Http2KeepAliveWhileIdle)))
}

/// Returns an option that is a time.
fn duration(
    options: &ClientOptions,
    key: ClientConfigKey,
) -> object_store::Result<Option<Duration>> {
    let parse =
        |value: String| humantime::parse_duration(&value).map_err(|_| unusable(key, &value));
    options.get_config_value(&key).map(parse).transpose()
}

/// Returns the proxy that the options name.
fn the_proxy(options: &ClientOptions, url: &str) -> object_store::Result<Proxy> {
    let proxy = Proxy::all(url).map_err(of_client)?;
    let excluded = options.get_config_value(&ClientConfigKey::ProxyExcludes);
    Ok(match excluded {
        Some(excluded) => proxy.no_proxy(NoProxy::from_string(&excluded)),
        None => proxy,
    })
}

/// Adds the certificate of a proxy, and leaves those of the system out if the user says so.
fn certificates(
    builder: ClientBuilder,
    options: &ClientOptions,
) -> object_store::Result<ClientBuilder> {
    let text = |key: ClientConfigKey| options.get_config_value(&key);
    let proxy = text(ClientConfigKey::ProxyCaCertificate);
    let proxy = proxy.map(|pem| reqwest::Certificate::from_pem(pem.as_bytes()));
    let proxy = proxy.transpose().map_err(of_client)?;
    let without_system = text(ClientConfigKey::NoSystemCertificates);
    Ok(match (without_system.as_deref(), proxy) {
        (Some("true"), proxy) => builder.tls_certs_only(proxy),
        (_, Some(proxy)) => builder.tls_certs_merge([proxy]),
        (_, None) => builder,
    })
}

/// Returns the rule by which redirects are followed.
fn redirects(follows: bool) -> Policy {
    if !follows {
        return Policy::none();
    }
    // The client removes credentials itself when the host changes.
    Policy::custom(|attempt: Attempt<'_>| {
        let was_encrypted = attempt.previous().last().map(url::Url::scheme) == Some("https");
        if attempt.previous().len() > REDIRECTS {
            attempt.error("the server redirects without end")
        } else if was_encrypted && attempt.url().scheme() != "https" {
            attempt.error("the server redirects from https to http")
        } else {
            attempt.follow()
        }
    })
}

fn unusable(key: ClientConfigKey, value: &str) -> Error {
    of_client(format!("{value} is no value of {}", key.as_ref()))
}

fn of_client(source: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Error {
    Error::Generic {
        store: "HTTP client",
        source: source.into(),
    }
}
