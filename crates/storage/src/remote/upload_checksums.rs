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

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use http::Method;
use http::header::{AUTHORIZATION, HeaderName, HeaderValue};
use http_body_util::BodyExt;
use md5::{Digest, Md5};
use object_store::client::{HttpError, HttpRequest};

use super::cloud::Cloud;

/// Adds the checksum to a request that puts something.
pub(super) async fn add(cloud: Cloud, request: &mut HttpRequest) -> Result<(), HttpError> {
    let is_sealed = cloud.is_sealed(request.headers().get(AUTHORIZATION));
    if request.method() != Method::PUT || is_sealed {
        return Ok(());
    }
    let sum: fn(&[u8]) -> (HeaderName, String) = match cloud {
        Cloud::Google => google,
        Cloud::Azure => azure,
        Cloud::S3 => return Ok(()),
    };
    // The pieces are shared, not copied.
    let body = request.body().clone().collect().await?;
    let (name, sum) = sum(&body.to_bytes());
    if let Ok(sum) = HeaderValue::from_str(&sum) {
        request.headers_mut().insert(name, sum);
    }
    Ok(())
}

fn google(bytes: &[u8]) -> (HeaderName, String) {
    let crc = crc32c::crc32c(bytes).to_be_bytes();
    let sum = format!("crc32c={}", BASE64_STANDARD.encode(crc));
    (HeaderName::from_static("x-goog-hash"), sum)
}

fn azure(bytes: &[u8]) -> (HeaderName, String) {
    let sum = BASE64_STANDARD.encode(Md5::digest(bytes));
    (HeaderName::from_static("content-md5"), sum)
}

#[cfg(test)]
mod tests {
    use http::HeaderMap;

    use super::*;

    fn headers_sent(cloud: Cloud, request: http::request::Builder) -> HeaderMap {
        let mut request = request.body("123456789".to_owned().into()).unwrap();
        let runtime = super::super::connection::runtime().unwrap();
        runtime.block_on(add(cloud, &mut request)).unwrap();
        request.headers().clone()
    }

    #[test]
    fn each_put_has_the_checksum_of_its_cloud() {
        let put = || http::Request::put("http://host/b/x");
        // The check values of CRC-32C and MD5.
        let google = headers_sent(Cloud::Google, put().header(AUTHORIZATION, "Bearer x"));
        assert_eq!(google["x-goog-hash"], "crc32c=4waSgw==");
        let azure = headers_sent(Cloud::Azure, put().header(AUTHORIZATION, "Bearer x"));
        assert_eq!(azure["content-md5"], "JfnnlDI7RTiF9RgfG2JNCw==");
        let signed = put().header(AUTHORIZATION, "SharedKey me:x");
        assert!(!headers_sent(Cloud::Azure, signed).contains_key("content-md5"));
        let other = http::Request::post("http://host/b/x?uploads");
        assert!(headers_sent(Cloud::Google, other).is_empty());
    }
}
