//! A file on a web server whose address has a query.
//!
//! The query can be a signature: of that address, byte for byte, and of the method `GET`
//! alone. object_store knows neither, so each request is changed below it.

use std::fmt;

use async_trait::async_trait;
use http::header::{CONTENT_LENGTH, CONTENT_RANGE, HeaderValue, RANGE};
use http::{Method, StatusCode, Uri};
use object_store::ClientOptions;
use object_store::client::{
    HttpClient, HttpConnector, HttpError, HttpRequest, HttpResponse, HttpService,
};
use url::Url;

use crate::guard::GuardedConnector;
use crate::transport::TransportSettings;

/// Makes clients that ask for one address only.
#[derive(Clone)]
pub struct OneFileConnector {
    url: Uri,
    transport: TransportSettings,
}

impl OneFileConnector {
    /// Makes the connector for `url`, which can be a secret.
    ///
    /// # Errors
    /// The address cannot be that of a request.
    pub fn new(url: &Url, transport: TransportSettings) -> Result<Self, http::uri::InvalidUri> {
        Ok(Self {
            url: url.as_str().parse()?,
            transport,
        })
    }
}

/// Shows no address.
impl fmt::Debug for OneFileConnector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("OneFileConnector")
    }
}

impl HttpConnector for OneFileConnector {
    fn connect(&self, options: &ClientOptions) -> object_store::Result<HttpClient> {
        Ok(HttpClient::new(OneFileService {
            connector: self.clone(),
            client: GuardedConnector::new(self.transport.clone()).connect(options)?,
        }))
    }
}

#[derive(Debug)]
struct OneFileService {
    connector: OneFileConnector,
    client: HttpClient,
}

#[async_trait]
impl HttpService for OneFileService {
    async fn call(&self, mut request: HttpRequest) -> Result<HttpResponse, HttpError> {
        *request.uri_mut() = self.connector.url.clone();
        if request.method() != Method::HEAD {
            return self.client.execute(request).await;
        }
        *request.method_mut() = Method::GET;
        let first = HeaderValue::from_static("bytes=0-0");
        request.headers_mut().insert(RANGE, first);
        Ok(described(self.client.execute(request).await?))
    }
}

/// Turns the answer with the first byte into one that only describes the file.
fn described(answer: HttpResponse) -> HttpResponse {
    let (mut parts, _) = answer.into_parts();
    let range = parts.headers.remove(CONTENT_RANGE);
    let size = range
        .as_ref()
        .and_then(|range| range.to_str().ok()?.rsplit_once('/'));
    let size = size.and_then(|(_, size)| HeaderValue::from_str(size).ok());
    let partial = [
        StatusCode::PARTIAL_CONTENT,
        StatusCode::RANGE_NOT_SATISFIABLE,
    ];
    if let (Some(size), true) = (size, partial.contains(&parts.status)) {
        parts.status = StatusCode::OK;
        parts.headers.insert(CONTENT_LENGTH, size);
    }
    HttpResponse::from_parts(parts, bytes::Bytes::new().into())
}
