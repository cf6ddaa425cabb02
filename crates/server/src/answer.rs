//! One request, answered.

use std::convert::Infallible;
use std::io;
use std::ops::Range;
use std::sync::{Arc, mpsc};

use bytes::Bytes;
use futures_util::stream;
use http::header::{
    ACCEPT_RANGES, ACCESS_CONTROL_ALLOW_HEADERS, ACCESS_CONTROL_ALLOW_METHODS,
    ACCESS_CONTROL_ALLOW_ORIGIN, ACCESS_CONTROL_EXPOSE_HEADERS, ACCESS_CONTROL_MAX_AGE, ALLOW,
    CACHE_CONTROL, CONTENT_LENGTH, CONTENT_RANGE, CONTENT_SECURITY_POLICY, CONTENT_TYPE, ETAG,
    HeaderName, LOCATION, REFERRER_POLICY, SET_COOKIE, VARY, X_CONTENT_TYPE_OPTIONS,
};
use http::request::Parts;
use http::{HeaderMap, HeaderValue, Method, Request, Response, StatusCode};
use http_body::Frame;
use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt, Empty, Full, StreamBody};
use rxrx_storage::StoreError;
use tokio::task::spawn_blocking;

use crate::access::{Access, Verdict, without_secret};
use crate::content_type::content_type;
use crate::key::{Named, named};
use crate::objects::{Objects, Seen};
use crate::range::{Wanted, wanted};

/// The body of a response.
pub(crate) type Body = UnsyncBoxBody<Bytes, io::Error>;

/// The page of a dataset.
const PAGE: &str = "index.html";
const PLAIN: &str = "text/plain; charset=utf-8";
/// The page may use what is in it and on this server, and nothing else.
const POLICY: &str = "default-src 'self' 'unsafe-inline' data: blob:; object-src 'none'; \
    base-uri 'none'; form-action 'none'; frame-ancestors 'self'";
/// What `/` is for a dataset without a page.
const NO_PAGE: &str = "This dataset has no page to look at: an earlier version of rxrx2zarr \
    made it. Its objects are here all the same, for programs:\n\
    images.zarr/zarr.json, metadata.parquet, planes.parquet, README.md\n";

/// What answers the requests of a server.
pub(crate) struct Answerer {
    pub(crate) access: Access,
    pub(crate) objects: Objects,
    /// Receives the failures of the store.
    pub(crate) failed: mpsc::Sender<StoreError>,
    /// As many copies as requests that are being answered, and one.
    pub(crate) active: Arc<()>,
}

impl Answerer {
    /// Answers a request.
    pub(crate) async fn answer<B>(
        self: Arc<Self>,
        request: Request<B>,
    ) -> Result<Response<Body>, Infallible> {
        let active = self.active.clone();
        let (request, _) = request.into_parts();
        let mut response = match self.access.judge(&request) {
            Verdict::Refuse(reason) => said(StatusCode::FORBIDDEN, reason),
            Verdict::Preflight => preflight(),
            Verdict::GiveCookie => self.with_cookie(&request),
            Verdict::Serve => match (&request.method, named(request.uri.path())) {
                (&Method::GET | &Method::HEAD, None) => not_found(),
                (&Method::GET | &Method::HEAD, Some(named)) => {
                    self.clone().object(named, &request, active).await
                }
                _ => not_allowed(),
            },
        };
        self.add_headers(&request, response.headers_mut());
        if request.method == Method::HEAD {
            *response.body_mut() = nothing();
        }
        Ok(response)
    }

    /// Sends an object, or a part of it.
    async fn object(
        self: Arc<Self>,
        named: Named,
        request: &Parts,
        active: Arc<()>,
    ) -> Response<Body> {
        let (is_page, key) = match named {
            Named::Page => (true, PAGE.to_owned()),
            Named::Object(key) => (false, key),
        };
        let (answerer, looked_at) = (self.clone(), key.clone());
        let looked = spawn_blocking(move || answerer.objects.look(&looked_at)).await;
        let seen = match looked {
            Ok(Ok(Some(seen))) => seen,
            Ok(Ok(None)) if is_page => return said(StatusCode::OK, NO_PAGE),
            Ok(Ok(None)) => return not_found(),
            Ok(Err(error)) => return self.store_failed(error),
            Err(_) => {
                return said(
                    StatusCode::INTERNAL_SERVER_ERROR,
                    "the program has an error",
                );
            }
        };
        let e_tag = seen.e_tag();
        let size = seen.size;
        let wanted = wanted(&request.headers, size, e_tag.as_deref());
        let (status, range) = match wanted {
            Wanted::All => (StatusCode::OK, 0..size),
            Wanted::Part(range) => (StatusCode::PARTIAL_CONTENT, range),
            Wanted::NotThere => (StatusCode::RANGE_NOT_SATISFIABLE, 0..0),
            Wanted::NotModified => (StatusCode::NOT_MODIFIED, 0..0),
            Wanted::OtherVersion => (StatusCode::PRECONDITION_FAILED, 0..0),
        };
        let mut response = Response::new(nothing());
        *response.status_mut() = status;
        let headers = response.headers_mut();
        headers.insert(ACCEPT_RANGES, HeaderValue::from_static("bytes"));
        set(headers, ETAG, e_tag);
        match status {
            StatusCode::PARTIAL_CONTENT => {
                let last = range.end.saturating_sub(1);
                let of = format!("bytes {}-{last}/{size}", range.start);
                set(headers, CONTENT_RANGE, Some(of));
            }
            StatusCode::RANGE_NOT_SATISFIABLE => {
                set(headers, CONTENT_RANGE, Some(format!("bytes */{size}")));
            }
            _ => {}
        }
        if status != StatusCode::NOT_MODIFIED {
            headers.insert(CONTENT_LENGTH, (range.end - range.start).into());
            headers.insert(CONTENT_TYPE, HeaderValue::from_static(content_type(&key)));
        }
        if request.method == Method::GET && !range.is_empty() {
            *response.body_mut() = self.pieces(key, range, seen, active);
        }
        response
    }

    /// Returns a body that reads its pieces while they are sent.
    fn pieces(
        self: Arc<Self>,
        key: String,
        range: Range<u64>,
        seen: Seen,
        active: Arc<()>,
    ) -> Body {
        let state = (self, key, range, seen, active);
        let pieces = stream::unfold(Some(state), |state| async move {
            let (answerer, key, mut range, seen, active) = state?;
            if range.is_empty() {
                return None;
            }
            let read = spawn_blocking(move || {
                let piece = answerer.objects.piece(&key, &range, &seen);
                (piece, answerer, key, range, seen)
            });
            let (piece, answerer, key, read, seen) = match read.await {
                Ok(read) => read,
                Err(error) => return Some((Err(io::Error::other(error)), None)),
            };
            range = read;
            match piece {
                Ok(bytes) if !bytes.is_empty() => {
                    range.start = range.start.saturating_add(bytes.len() as u64);
                    let state = Some((answerer, key, range, seen, active));
                    Some((Ok(Frame::data(Bytes::from(bytes))), state))
                }
                Ok(_) => Some((Err(io::ErrorKind::UnexpectedEof.into()), None)),
                // The connection is cut, so that nobody takes a part for the whole.
                Err(error) => {
                    let cut = io::Error::other(error.to_string());
                    answerer.tell(error);
                    Some((Err(cut), None))
                }
            }
        });
        StreamBody::new(pieces).boxed_unsync()
    }

    /// Gives the cookie, and sends the client to the address without the token. The cookie has
    /// no path: behind a proxy the browser takes the one that it sees.
    fn with_cookie(&self, request: &Parts) -> Response<Body> {
        let Access {
            cookie, secrets, ..
        } = &self.access;
        let cookie = format!("{cookie}={}; HttpOnly; SameSite=Strict", secrets.session);
        let mut response = said(StatusCode::SEE_OTHER, "");
        let headers = response.headers_mut();
        set(headers, SET_COOKIE, Some(cookie));
        set(headers, LOCATION, Some(without_secret(request)));
        response
    }

    /// Adds what each response has.
    fn add_headers(&self, request: &Parts, headers: &mut HeaderMap) {
        let mut add = |name, value| headers.insert(name, HeaderValue::from_static(value));
        // The browser asks each time whether its copy is the version that is here.
        add(CACHE_CONTROL, "private, no-cache");
        add(X_CONTENT_TYPE_OPTIONS, "nosniff");
        add(REFERRER_POLICY, "no-referrer");
        add(CONTENT_SECURITY_POLICY, POLICY);
        add(VARY, "Origin");
        let embedding = HeaderName::from_static("cross-origin-resource-policy");
        match self.access.cors_origin(&request.headers) {
            None => drop(add(embedding, "same-origin")),
            Some(origin) => {
                add(embedding, "cross-origin");
                add(
                    ACCESS_CONTROL_EXPOSE_HEADERS,
                    "Accept-Ranges, Content-Length, Content-Range, ETag",
                );
                set(
                    headers,
                    ACCESS_CONTROL_ALLOW_ORIGIN,
                    Some(origin.to_owned()),
                );
            }
        }
    }

    fn store_failed(&self, error: StoreError) -> Response<Body> {
        self.tell(error);
        said(
            StatusCode::BAD_GATEWAY,
            "the object cannot be read; the terminal of rxrx2zarr serve says why",
        )
    }

    fn tell(&self, error: StoreError) {
        // Nobody hears it when the server has ended.
        let _ = self.failed.send(error);
    }
}

/// Tells a browser what the page of a named origin may ask.
fn preflight() -> Response<Body> {
    let mut response = said(StatusCode::NO_CONTENT, "");
    for (name, value) in [
        (ACCESS_CONTROL_ALLOW_METHODS, "GET, HEAD"),
        (
            ACCESS_CONTROL_ALLOW_HEADERS,
            "Authorization, If-Match, If-None-Match, If-Range, Range",
        ),
        (ACCESS_CONTROL_MAX_AGE, "600"),
        (
            HeaderName::from_static("access-control-allow-private-network"),
            "true",
        ),
    ] {
        let value = HeaderValue::from_static(value);
        response.headers_mut().insert(name, value);
    }
    response
}

fn not_found() -> Response<Body> {
    said(StatusCode::NOT_FOUND, "the dataset has no such object")
}

fn not_allowed() -> Response<Body> {
    let text = "this server answers GET and HEAD only";
    let mut response = said(StatusCode::METHOD_NOT_ALLOWED, text);
    let allowed = HeaderValue::from_static("GET, HEAD");
    response.headers_mut().insert(ALLOW, allowed);
    response
}

/// A response that says one line.
fn said(status: StatusCode, text: &'static str) -> Response<Body> {
    let line = match text {
        "" => Bytes::new(),
        text => Bytes::from(format!("{}\n", text.trim_end())),
    };
    let length = line.len();
    let body = Full::new(line)
        .map_err(|never| match never {})
        .boxed_unsync();
    let mut response = Response::new(body);
    *response.status_mut() = status;
    if length > 0 {
        let headers = response.headers_mut();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static(PLAIN));
        headers.insert(CONTENT_LENGTH, length.into());
    }
    response
}

fn nothing() -> Body {
    Empty::new().map_err(|never| match never {}).boxed_unsync()
}

/// Sets a header whose value we have made; one that no header can have is left out.
fn set(headers: &mut HeaderMap, name: HeaderName, value: Option<String>) {
    if let Some(value) = value.and_then(|value| HeaderValue::try_from(value).ok()) {
        headers.insert(name, value);
    }
}
