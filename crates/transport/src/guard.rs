//! Bounds what a store can do to this program: answers without end, and connections that
//! will never come about.
//!
//! | the store | the request |
//! |---|---|
//! | repeats a continuation token, or sends empty pages for ever | fails |
//! | sends a list of more than 64 MiB | fails |
//! | sends an error of more than 64 KiB | ends after these |
//! | has a certificate that is not trusted, or refuses TLS | fails, and is not repeated |
//! | has never answered, and cannot be connected to | is repeated for 5 seconds |
//! | answers 501 | fails, and is not repeated |
//! | redirects to another address | fails, unless it is a file on a web server |
//! | moves less than 30 kB in 30 seconds | fails; it is repeated if the store has answered before |

mod pages;

use std::error::Error as StdError;
use std::io;
use std::sync::{Mutex, OnceLock, PoisonError};
use std::time::{Duration, Instant};

use async_trait::async_trait;
use bytes::Bytes;
use futures_util::StreamExt;
use http::{HeaderMap, StatusCode, Uri};
use object_store::ClientOptions;
use object_store::client::{
    HttpClient, HttpConnector, HttpError, HttpErrorKind, HttpRequest, HttpResponse,
    HttpResponseBody, HttpService,
};

use self::pages::{Pages, continuation_token, is_list};
use crate::causes::causes;
use crate::transport::{Transport, TransportSettings, host};
use crate::waiting::Asked;

/// Largest page of a list: four times 5,000 objects with names of 1,024 bytes that take
/// two bytes each.
const LIST_BYTES_AT_MOST: usize = 64 << 20;
/// Most bytes that are read of the answer that says what failed.
const ERROR_BYTES_AT_MOST: usize = 64 << 10;

/// Makes clients with these bounds.
#[derive(Clone, Debug)]
pub struct GuardedConnector {
    /// The time for which a connection is tried before the store has ever answered.
    connect_for: Duration,
    transport: TransportSettings,
}

impl GuardedConnector {
    /// Makes a connector of clients with these settings.
    pub fn new(transport: TransportSettings) -> Self {
        Self {
            connect_for: Duration::from_secs(5),
            transport,
        }
    }
}

impl HttpConnector for GuardedConnector {
    fn connect(&self, options: &ClientOptions) -> object_store::Result<HttpClient> {
        Ok(HttpClient::new(GuardedService {
            client: HttpClient::new(Transport::new(options, self.transport.clone())?),
            connect_for: self.connect_for,
            pages: Mutex::default(),
            answered: OnceLock::new(),
            asked: OnceLock::new(),
        }))
    }
}

/// An error after which the request is not repeated.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
struct FinalError(String);

impl From<FinalError> for HttpError {
    fn from(error: FinalError) -> Self {
        // Errors of this kind are never repeated.
        Self::new(HttpErrorKind::Unknown, error)
    }
}

/// The answer that the store has no such request or no such header.
#[derive(Debug, thiserror::Error)]
#[error("501 Not Implemented: {0}")]
struct Unimplemented(String);

/// Whether the cause of an error is that the store has no such request or header.
pub fn is_unimplemented(error: &(dyn StdError + 'static)) -> bool {
    causes(error).any(|cause| cause.is::<Unimplemented>())
}

/// A client with bounds. No lock is held while it waits.
#[derive(Debug)]
struct GuardedService {
    client: HttpClient,
    connect_for: Duration,
    /// The lists that are under way.
    pages: Mutex<Pages>,
    /// Set when the store has answered once.
    answered: OnceLock<()>,
    /// The time of the first request.
    asked: OnceLock<Instant>,
}

#[async_trait]
impl HttpService for GuardedService {
    async fn call(&self, request: HttpRequest) -> Result<HttpResponse, HttpError> {
        let asked = *self.asked.get_or_init(Instant::now);
        let is_list = is_list(request.method(), request.uri());
        let token = continuation_token(request.uri());
        let host = host(request.uri());
        let pending = Asked::new(&host);
        let answer = self.client.execute(request).await;
        match &answer {
            Ok(answer) if is_busy(answer.status()) => {
                pending.failed(|| answer.status().to_string())
            }
            Ok(_) => pending.answered(),
            Err(error) => pending.failed(|| innermost(error).to_string()),
        }
        let answer = answer.map_err(|error| {
            let is_late = self.answered.get().is_none() && asked.elapsed() > self.connect_for;
            of_connection(error, &host, is_late)
        })?;
        self.answered.get_or_init(|| ());
        let (parts, body) = answer.into_parts();
        let body = if parts.status.is_success() && is_list {
            let page = read_list(body).await?;
            let mut pages = self.pages.lock().unwrap_or_else(PoisonError::into_inner);
            pages.add(token.as_deref(), &page).map_err(FinalError)?;
            page.into()
        } else if parts.status.is_success() || parts.status == StatusCode::NOT_MODIFIED {
            body
        } else if parts.status.is_redirection() {
            return Err(redirected(&host, &parts.headers).into());
        } else if parts.status == StatusCode::NOT_IMPLEMENTED {
            let text = read_error(body).await?;
            let text = String::from_utf8_lossy(&text).into_owned();
            // No repeat helps.
            return Err(HttpError::new(HttpErrorKind::Unknown, Unimplemented(text)));
        } else {
            read_error(body).await?.into()
        };
        Ok(HttpResponse::from_parts(parts, body))
    }
}

/// Whether a store asks for another try.
fn is_busy(status: StatusCode) -> bool {
    status.is_server_error() && status != StatusCode::NOT_IMPLEMENTED
        || status == StatusCode::TOO_MANY_REQUESTS
}

/// What the error of a redirect says.
const NOT_FOLLOWED: &str = "a redirect of a store is not followed";

/// Whether an error, whose innermost cause says `said`, is a redirect that was not followed.
pub fn is_redirect(said: &str) -> bool {
    said.contains(NOT_FOLLOWED)
}

/// Returns the error of an answer that names another address.
fn redirected(host: &str, headers: &HeaderMap) -> FinalError {
    let text = |name: &str| Some(headers.get(name)?.to_str().ok()?.to_owned());
    // The rest of the address can have a secret in it.
    let target = text("location").and_then(|target| target.parse::<Uri>().ok());
    let target = target.filter(|target| target.authority().is_some());
    FinalError(match (text("x-amz-bucket-region"), target) {
        (Some(region), _) => format!(
            "the bucket is in the region {region}: set AWS_REGION={region}, or give \
             --store-option region={region}"
        ),
        (None, Some(target)) => format!(
            "{host} redirects to {}, and {NOT_FOLLOWED}, because it would \
             carry credentials to another host: see to the endpoint and the region",
            self::host(&target)
        ),
        (None, None) => format!(
            "{host} redirects to another address, and {NOT_FOLLOWED}: see \
             to the endpoint and the region"
        ),
    })
}

/// Reads a page of a list.
async fn read_list(body: HttpResponseBody) -> Result<Bytes, HttpError> {
    match read(body, LIST_BYTES_AT_MOST).await? {
        (page, true) => Ok(page),
        (_, false) => Err(FinalError(format!(
            "the store sends a page of a list that is larger than {LIST_BYTES_AT_MOST} bytes"
        ))
        .into()),
    }
}

/// Reads the text of an error, or as much as there may be of it.
async fn read_error(body: HttpResponseBody) -> Result<Bytes, HttpError> {
    let (mut text, is_whole) = read(body, ERROR_BYTES_AT_MOST).await?;
    if !is_whole && let Err(cut) = std::str::from_utf8(&text) {
        // The last character is cut.
        text.truncate(cut.valid_up_to());
    }
    Ok(text)
}

/// Reads at most `at_most` bytes; also returns whether they are all.
async fn read(body: HttpResponseBody, at_most: usize) -> Result<(Bytes, bool), HttpError> {
    let mut pieces = body.bytes_stream();
    let mut bytes = Vec::new();
    while let Some(piece) = pieces.next().await {
        let piece = piece?;
        let room = at_most - bytes.len();
        if piece.len() > room {
            bytes.extend(piece.iter().take(room));
            return Ok((bytes.into(), false));
        }
        bytes.extend_from_slice(&piece);
    }
    Ok((bytes.into(), true))
}

/// Returns the error of a request without an answer: one that is not repeated for a TLS
/// handshake that fails, and for a store that was not reached in time.
fn of_connection(error: HttpError, host: &str, is_late: bool) -> HttpError {
    if error.kind() != HttpErrorKind::Connect {
        return error;
    }
    let cause = innermost(&error);
    if is_tls(&error) {
        let text = format!(
            "the TLS handshake with {host} failed: {cause}; see to the certificate of the \
             server, and whether it speaks https"
        );
        return FinalError(text).into();
    }
    if is_late {
        return FinalError(format!("cannot connect to {host}: {cause}")).into();
    }
    error
}

/// Whether TLS failed, and not the connection below it.
fn is_tls(error: &(dyn StdError + 'static)) -> bool {
    let mut cause = Some(error);
    while let Some(error) = cause {
        let inside = error.downcast_ref::<io::Error>();
        let inside = inside.and_then(io::Error::get_ref);
        if error.is::<rustls::Error>() || inside.is_some_and(|inside| inside.is::<rustls::Error>())
        {
            return true;
        }
        // An error of input and output shows the error inside it, and not as its source.
        cause = match inside {
            Some(inside) => Some(inside as &(dyn StdError + 'static)),
            None => error.source(),
        };
    }
    false
}

/// Returns the innermost cause of an error.
pub fn innermost(error: &(dyn StdError + 'static)) -> String {
    causes(error).last().unwrap_or(error).to_string()
}
