//! Checksums that the server compares with what arrives.
//!
//! The S3 client sends the SHA-256 or the CRC-64 of every object or part, or nothing. The
//! clients of Google and Azure send no checksum. This module adds one to each object or
//! part: [`x-goog-hash`] with the CRC-32C, or [`Content-MD5`]. A request to Azure that is
//! signed with the key of the account cannot be changed after it is signed, and so
//! has no checksum.
//!
//! [`x-goog-hash`]: https://cloud.google.com/storage/docs/xml-api/reference-headers#xgooghash
//! [`Content-MD5`]: https://learn.microsoft.com/rest/api/storageservices/put-block#request-headers

use std::sync::OnceLock;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use http::Method;
use http::header::{AUTHORIZATION, ETAG, HeaderName, HeaderValue};
use http_body_util::BodyExt;
use md5::{Digest, Md5};
use object_store::client::{HttpError, HttpErrorKind, HttpRequest, HttpResponse};

use crate::checksum::UploadChecksum;
use crate::cloud::Cloud;

/// Adds the checksum to a request that puts something. `checksum` is the one of S3.
pub async fn add_checksum(
    cloud: Cloud,
    checksum: UploadChecksum,
    request: &mut HttpRequest,
) -> Result<(), HttpError> {
    let is_sealed = cloud.is_sealed(request.headers().get(AUTHORIZATION));
    let copies = request.headers().contains_key("x-amz-copy-source");
    if request.method() != Method::PUT || is_sealed || copies {
        return Ok(());
    }
    let sum: fn(&[u8]) -> (HeaderName, String) = match cloud {
        Cloud::Google => google,
        Cloud::Azure => content_md5,
        Cloud::S3 if checksum == UploadChecksum::Md5 => content_md5,
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

fn content_md5(bytes: &[u8]) -> (HeaderName, String) {
    let sum = BASE64_STANDARD.encode(Md5::digest(bytes));
    (HeaderName::from_static("content-md5"), sum)
}

/// Compares the ETags of a store with the MD5 sums that were sent, if the first of them
/// was one: some stores have other ETags, and an encrypted object has.
#[derive(Debug, Default)]
pub struct Md5Tags(OnceLock<bool>);

impl Md5Tags {
    /// Demands that the answer to a request with the MD5 sum `sent` has that sum as its
    /// ETag.
    pub fn check(
        &self,
        sent: Option<&HeaderValue>,
        answer: &HttpResponse,
    ) -> Result<(), HttpError> {
        let sent = sent.and_then(|sent| BASE64_STANDARD.decode(sent).ok());
        let tag = answer.headers().get(ETAG).and_then(|tag| tag.to_str().ok());
        let tag = tag.map(|tag| tag.trim_matches('"'));
        let (Some(sent), Some(tag), true) = (sent, tag, answer.status().is_success()) else {
            return Ok(());
        };
        let is_same = tag.eq_ignore_ascii_case(&hex::encode(sent));
        let are_md5 = *self.0.get_or_init(|| is_same);
        if is_same || !are_md5 {
            return Ok(());
        }
        let error = OtherBytes(tag.to_owned());
        Err(HttpError::new(HttpErrorKind::Unknown, error))
    }
}

/// A store kept other bytes than it was sent.
#[derive(Debug, thiserror::Error)]
#[error("the store has stored other bytes than were sent: the ETag is {0}")]
struct OtherBytes(String);

#[cfg(test)]
mod tests {
    use http::HeaderMap;

    use super::*;

    fn headers_sent(cloud: Cloud, request: http::request::Builder) -> HeaderMap {
        sent_with(cloud, UploadChecksum::Sha256, request)
    }

    fn sent_with(
        cloud: Cloud,
        checksum: UploadChecksum,
        request: http::request::Builder,
    ) -> HeaderMap {
        let mut request = request.body("123456789".to_owned().into()).unwrap();
        let runtime = crate::test_runtime::runtime().unwrap();
        let added = runtime.block_on(add_checksum(cloud, checksum, &mut request));
        added.unwrap();
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
        for checksum in UploadChecksum::ALL {
            let headers = sent_with(Cloud::S3, checksum, put());
            let md5 = headers
                .get("content-md5")
                .is_some_and(|sum| sum == azure["content-md5"]);
            assert_eq!(md5, checksum == UploadChecksum::Md5);
        }
        let other = http::Request::post("http://host/b/x?uploads");
        assert!(headers_sent(Cloud::Google, other).is_empty());
    }

    #[test]
    fn an_etag_that_is_another_md5_sum_is_an_error_once_one_was_right() {
        let answer = |tag: &str| {
            let answer = http::Response::builder().header(ETAG, tag);
            answer.body(bytes::Bytes::new().into()).unwrap()
        };
        let md5 = BASE64_STANDARD.encode(Md5::digest("123456789"));
        let md5 = HeaderValue::from_str(&md5).unwrap();
        let right = "\"25f9e794323b453885f5181f1b624d0b\"";
        let wrong = "\"00f9e794323b453885f5181f1b624d0b\"";
        let tags = Md5Tags::default();
        tags.check(Some(&md5), &answer(right)).unwrap();
        let error = tags.check(Some(&md5), &answer(wrong)).unwrap_err();
        assert!(error.to_string().contains("other bytes"), "{error}");
        tags.check(None, &answer(wrong)).unwrap();
        let other_tags = Md5Tags::default();
        other_tags.check(Some(&md5), &answer(wrong)).unwrap();
        other_tags.check(Some(&md5), &answer(wrong)).unwrap();
    }
}
