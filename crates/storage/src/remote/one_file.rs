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

use super::guard::GuardedConnector;
use super::transport::TransportSettings;

/// Makes clients that ask for one address only.
#[derive(Clone)]
pub(super) struct OneFileConnector {
    url: Uri,
    transport: TransportSettings,
}

impl OneFileConnector {
    /// Makes the connector for `url`, which can be a secret.
    ///
    /// # Errors
    /// The address cannot be that of a request.
    pub(super) fn new(
        url: &Url,
        transport: TransportSettings,
    ) -> Result<Self, http::uri::InvalidUri> {
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

#[cfg(test)]
mod tests {
    use std::io::Write;
    use std::sync::Arc;

    use crate::location::Location;
    use crate::remote::test_server::{fails, serve};
    use crate::remote::{Remote, RemoteBytes};

    const QUERY: &str = "/b/x%2By.zip?X-Amz-Signature=secret&response=a%2Fb";

    fn address(port: u16, path: &str) -> crate::location::Address {
        let text = format!("http://127.0.0.1:{port}{path}");
        match Location::parse(text.as_ref(), &Arc::default()) {
            Ok(Location::Remote(address)) => address,
            other => panic!("{other:?}"),
        }
    }

    /// A server that answers one address and one method, as a signature allows.
    fn signed() -> u16 {
        serve(|stream, request| {
            let content = b"0123456789";
            if request.lines[0] != format!("GET {QUERY} HTTP/1.1") {
                let head = "HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n";
                return stream.write_all(head.as_bytes());
            }
            let range = request
                .header("range")
                .unwrap()
                .strip_prefix("bytes=")
                .unwrap();
            let (first, last) = range.split_once('-').unwrap();
            let part = first.parse().unwrap()..=last.parse().unwrap();
            let part = &content[part];
            let length = part.len();
            write!(
                stream,
                "HTTP/1.1 206 Partial Content\r\nETag: \"e\"\r\nContent-Length: {length}\r\n\
                 Content-Range: bytes {range}/10\r\n\r\n"
            )?;
            stream.write_all(part)
        })
    }

    #[test]
    fn a_signed_address_is_asked_for_as_it_is_and_by_get_only() {
        let port = signed();
        let bytes = RemoteBytes::find(&address(port, QUERY)).unwrap().unwrap();
        assert_eq!(bytes.length(), 10);
        assert_eq!(bytes.parts(&[2..5, 0..1]).unwrap(), ["234", "0"]);
        let other = address(port, "/b/x%2By.zip?X-Amz-Signature=guessed-secret");
        let error = RemoteBytes::find(&other).err().unwrap();
        let said = format!("{error:?} {error}: {}", error.source);
        assert!(said.contains("403") && !said.contains("secret"), "{said}");
        fails(
            || Remote::folder(&address(port, QUERY)).map(|_| ()),
            "names one file",
        );
    }
}
