//! Signatures of requests to S3.
//!
//! S3 refuses a header `x-amz-…` that the signature does not cover, and object_store signs
//! before this program adds its headers.

use std::sync::{Arc, OnceLock};

use http::header::{AUTHORIZATION, HeaderName};
use object_store::aws::{AwsAuthorizer, AwsCredential, AwsCredentialProvider};
use object_store::client::{HttpError, HttpErrorKind, HttpRequest};

const HASH: HeaderName = HeaderName::from_static("x-amz-content-sha256");
const TOKEN: HeaderName = HeaderName::from_static("x-amz-security-token");

/// Signs requests of one store anew.
#[derive(Clone, Debug)]
pub struct Signer {
    /// The credentials of the store, once it is open.
    pub credentials: Arc<OnceLock<AwsCredentialProvider>>,
    /// The region that the signature names.
    pub region: String,
}

impl Signer {
    /// Replaces the signature of a request.
    ///
    /// # Errors
    /// There is no credential any more.
    pub async fn sign(&self, request: &mut HttpRequest) -> Result<(), HttpError> {
        let Some(credentials) = self.credentials.get() else {
            return Ok(());
        };
        let credential = credentials.get_credential().await;
        let credential =
            credential.map_err(|error| HttpError::new(HttpErrorKind::Unknown, error))?;
        sign(request, &credential, &self.region)
    }
}

/// Replaces the signature of a request.
///
/// # Errors
/// The credential cannot sign.
pub(crate) fn sign(
    request: &mut HttpRequest,
    credential: &AwsCredential,
    region: &str,
) -> Result<(), HttpError> {
    let headers = request.headers_mut();
    headers.remove(AUTHORIZATION);
    headers.remove(TOKEN);
    // The SHA-256 of the content stays, or that it is not signed.
    let hash = headers.remove(HASH);
    let hash = hash.and_then(|hash| hex::decode(hash.as_bytes()).ok());
    let signer = AwsAuthorizer::new(credential, "s3", region).with_sign_payload(hash.is_some());
    let signed = signer.try_authorize(request, hash.as_deref());
    signed.map_err(|error| HttpError::new(HttpErrorKind::Unknown, error))
}
