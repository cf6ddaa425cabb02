//! Checksums that the server compares with what arrives.
//!
//! The S3 client sends the SHA-256 of every object or part. The clients of Google
//! and Azure send no checksum. This module adds one to each object or part:
//! [`x-goog-hash`] with the CRC-32C, or [`Content-MD5`]. A request to Azure that is
//! signed with the key of the account cannot be changed after it is signed, and so
//! has no checksum.
//!
//! [`x-goog-hash`]: https://cloud.google.com/storage/docs/xml-api/reference-headers#xgooghash
//! [`Content-MD5`]: https://learn.microsoft.com/rest/api/storageservices/put-block#request-headers

use async_trait::async_trait;
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use http::header::{AUTHORIZATION, HeaderName, HeaderValue};
use http::{HeaderMap, Method};
use http_body_util::BodyExt;
use md5::{Digest, Md5};
use object_store::ClientOptions;
use object_store::client::{
    HttpClient, HttpConnector, HttpError, HttpRequest, HttpResponse, HttpService,
};

use super::guard::GuardedConnector;

/// The checksum that a cloud compares with what arrives.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum UploadChecksum {
    /// CRC-32C in `x-goog-hash`.
    Google,
    /// MD5 in `Content-MD5`.
    Azure,
}

impl HttpConnector for UploadChecksum {
    fn connect(&self, options: &ClientOptions) -> object_store::Result<HttpClient> {
        Ok(HttpClient::new(ChecksumService {
            cloud: *self,
            client: GuardedConnector::default().connect(options)?,
        }))
    }
}

/// A client that adds the checksum to what is put.
#[derive(Debug)]
struct ChecksumService {
    cloud: UploadChecksum,
    client: HttpClient,
}

#[async_trait]
impl HttpService for ChecksumService {
    async fn call(&self, mut request: HttpRequest) -> Result<HttpResponse, HttpError> {
        if request.method() == Method::PUT && self.cloud.may_add(request.headers()) {
            // The pieces are shared, not copied.
            let body = request.body().clone().collect().await?;
            let (name, sum) = self.cloud.sum(&body.to_bytes());
            if let Ok(sum) = HeaderValue::from_str(&sum) {
                request.headers_mut().insert(name, sum);
            }
        }
        self.client.execute(request).await
    }
}

impl UploadChecksum {
    /// Whether the headers of a request may be changed.
    fn may_add(self, headers: &HeaderMap) -> bool {
        let signed = headers.get(AUTHORIZATION);
        let by_key = signed.is_some_and(|value| value.as_bytes().starts_with(b"SharedKey "));
        !(self == Self::Azure && by_key)
    }

    /// Returns the name and the value of the header for `bytes`.
    fn sum(self, bytes: &[u8]) -> (HeaderName, String) {
        match self {
            Self::Google => {
                let crc = crc32c::crc32c(bytes).to_be_bytes();
                let sum = format!("crc32c={}", BASE64_STANDARD.encode(crc));
                (HeaderName::from_static("x-goog-hash"), sum)
            }
            Self::Azure => {
                let sum = BASE64_STANDARD.encode(Md5::digest(bytes));
                (HeaderName::from_static("content-md5"), sum)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use super::*;

    /// A client that keeps the headers of each request.
    #[derive(Clone, Debug, Default)]
    struct Recorder(Arc<Mutex<Vec<HeaderMap>>>);

    #[async_trait]
    impl HttpService for Recorder {
        async fn call(&self, request: HttpRequest) -> Result<HttpResponse, HttpError> {
            self.0.lock().unwrap().push(request.headers().clone());
            Ok(HttpResponse::new(bytes::Bytes::new().into()))
        }
    }

    fn headers_sent(cloud: UploadChecksum, request: http::request::Builder) -> HeaderMap {
        let recorder = Recorder::default();
        let client = HttpClient::new(recorder.clone());
        let service = ChecksumService { cloud, client };
        let request = request.body("123456789".to_owned().into()).unwrap();
        let answer = service.call(request);
        super::super::connection::runtime()
            .unwrap()
            .block_on(answer)
            .unwrap();
        recorder.0.lock().unwrap().pop().unwrap()
    }

    #[test]
    fn each_put_has_the_checksum_of_its_cloud() {
        let put = || http::Request::put("http://host/b/x");
        // The check values of CRC-32C and MD5.
        let google = headers_sent(
            UploadChecksum::Google,
            put().header(AUTHORIZATION, "Bearer x"),
        );
        assert_eq!(google["x-goog-hash"], "crc32c=4waSgw==");
        let azure = headers_sent(
            UploadChecksum::Azure,
            put().header(AUTHORIZATION, "Bearer x"),
        );
        assert_eq!(azure["content-md5"], "JfnnlDI7RTiF9RgfG2JNCw==");
        let signed = put().header(AUTHORIZATION, "SharedKey me:x");
        assert!(!headers_sent(UploadChecksum::Azure, signed).contains_key("content-md5"));
        let other = http::Request::post("http://host/b/x?uploads");
        assert!(headers_sent(UploadChecksum::Google, other).is_empty());
    }
}
