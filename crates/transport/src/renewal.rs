//! Requests that S3 refuses because their credential has expired: they are signed with
//! another one and sent again, once.
//!
//! object_store signs a request once and may repeat it for minutes. The credential can
//! expire meanwhile, or before the time that the program named which gave it.

use http::header::{AUTHORIZATION, HeaderName};
use http::{Method, StatusCode};
use object_store::aws::AwsCredential;
use object_store::client::{HttpError, HttpErrorKind, HttpRequest, HttpResponse};

use crate::credentials::ProfileCredentials;
use crate::signer::sign;

/// The codes by which S3 and servers that speak it refuse such a credential.
const CODES: [&str; 3] = [
    "<Code>ExpiredToken</Code>",
    "<Code>ExpiredTokenException</Code>",
    "<Code>TokenRefreshRequired</Code>",
];

const TOKEN: HeaderName = HeaderName::from_static("x-amz-security-token");

/// Signs requests anew.
#[derive(Clone, Debug)]
pub struct Renewal {
    /// The credentials that are renewed.
    pub credentials: ProfileCredentials,
    /// The region that the signature names.
    pub region: String,
}

impl Renewal {
    /// Reads the answer to `request`. Returns the answer, and the request with another
    /// signature if it is to be sent again.
    ///
    /// # Errors
    /// The answer breaks off, or there is no other credential.
    pub async fn after(
        &self,
        mut request: HttpRequest,
        answer: HttpResponse,
    ) -> Result<(HttpResponse, Option<HttpRequest>), HttpError> {
        let status = answer.status();
        let refusals = [
            StatusCode::BAD_REQUEST,
            StatusCode::UNAUTHORIZED,
            StatusCode::FORBIDDEN,
        ];
        // What was not signed gets no signature: it may go to a foreign server.
        if !refusals.contains(&status) || !request.headers().contains_key(AUTHORIZATION) {
            return Ok((answer, None));
        }
        let Some(kept) = self.credentials.kept() else {
            return Ok((answer, None));
        };
        let is_signed_with_it = is_signed_with(&request, &kept.credential);
        let (parts, body) = answer.into_parts();
        let body = body.bytes().await?;
        let answer = HttpResponse::from_parts(parts, body.clone().into());
        let told = String::from_utf8_lossy(&body);
        let is_expired = CODES.iter().any(|code| told.contains(code))
            || kept.has_expired()
            || !is_signed_with_it
            // The answer to HEAD has no code, and nothing else is wrong with the request.
            || (request.method() == Method::HEAD && status == StatusCode::BAD_REQUEST);
        if !is_expired {
            return Ok((answer, None));
        }
        let other = match is_signed_with_it {
            true => self.credentials.renewed(&kept.credential).await,
            false => Ok(Some(kept.credential)),
        };
        let other = other.map_err(|error| HttpError::new(HttpErrorKind::Unknown, error))?;
        let Some(other) = other else {
            return Ok((answer, None));
        };
        sign(&mut request, &other, &self.region)?;
        Ok((answer, Some(request)))
    }
}

/// Whether a request is signed with that credential.
fn is_signed_with(request: &HttpRequest, credential: &AwsCredential) -> bool {
    let header = |name| {
        request
            .headers()
            .get(name)
            .and_then(|value| value.to_str().ok())
    };
    let key = format!("Credential={}/", credential.key_id);
    header(AUTHORIZATION).is_some_and(|signature| signature.contains(&key))
        && header(TOKEN) == credential.token.as_deref()
}

#[cfg(test)]
mod tests {
    use object_store::CredentialProvider;

    use super::*;
    use crate::credentials::CredentialSource;
    use crate::test_runtime::runtime;

    /// Credentials whose key is the number of the run of a program.
    fn renewal(folder: &tempfile::TempDir) -> Renewal {
        let runs = folder.path().join("runs").display().to_string();
        let command = format!(
            "echo >> '{runs}'; printf '{{\"Version\": 1, \"AccessKeyId\": \"k%s\", \
             \"SecretAccessKey\": \"s\", \"SessionToken\": \"t\"}}' $(wc -l < '{runs}')"
        );
        Renewal {
            credentials: ProfileCredentials::of(&CredentialSource::Process {
                profile: "lab".to_owned(),
                command,
            }),
            region: "us-east-1".to_owned(),
        }
    }

    fn put(headers: &[(&'static str, &str)]) -> HttpRequest {
        let mut request = http::Request::put("http://host/bucket/key");
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        request.body("123".to_owned().into()).unwrap()
    }

    fn refusal(status: u16, code: &str) -> HttpResponse {
        let body = format!("<Error><Code>{code}</Code></Error>").into_bytes();
        let body = bytes::Bytes::from(body);
        http::Response::builder()
            .status(status)
            .body(body.into())
            .unwrap()
    }

    /// Returns the headers of the request that is sent again, if one is.
    fn again(
        renewal: &Renewal,
        request: HttpRequest,
        answer: HttpResponse,
    ) -> Option<http::HeaderMap> {
        let (status, runtime) = (answer.status(), runtime().unwrap());
        let (answer, again) = runtime.block_on(renewal.after(request, answer)).unwrap();
        assert_eq!(answer.status(), status);
        let body = runtime.block_on(answer.into_body().bytes()).unwrap();
        assert!(body.starts_with(b"<Error>"), "the answer is whole");
        again.map(|request| request.headers().clone())
    }

    const SIGNED: [(&str, &str); 4] = [
        (
            "authorization",
            "AWS4-HMAC-SHA256 Credential=k1/x, Signature=old",
        ),
        ("x-amz-security-token", "t"),
        ("x-amz-content-sha256", "UNSIGNED-PAYLOAD"),
        ("if-match", "\"tag\""),
    ];

    #[test]
    fn a_request_with_an_expired_token_is_signed_anew() {
        let folder = tempfile::tempdir().unwrap();
        let renewal = renewal(&folder);
        let first = runtime()
            .unwrap()
            .block_on(renewal.credentials.get_credential());
        assert_eq!(first.unwrap().key_id, "k1");
        assert_eq!(
            again(&renewal, put(&SIGNED), refusal(403, "AccessDenied")),
            None
        );
        assert_eq!(
            again(&renewal, put(&SIGNED), refusal(500, "ExpiredToken")),
            None
        );
        let sent = again(&renewal, put(&SIGNED), refusal(400, "ExpiredToken")).unwrap();
        let signature = sent["authorization"].to_str().unwrap();
        assert!(signature.contains("Credential=k2/"), "{signature}");
        assert!(
            signature.contains("if-match"),
            "conditions are signed: {signature}"
        );
        assert_eq!(sent["x-amz-content-sha256"], "UNSIGNED-PAYLOAD");
        assert_eq!(sent["x-amz-security-token"], "t");
        // The hash of the content stays, too.
        let hash = "ab".repeat(32);
        let mut hashed = SIGNED;
        hashed[2].1 = &hash;
        // The first key is no longer the current one, whatever the code is.
        let sent = again(&renewal, put(&hashed), refusal(403, "AccessDenied")).unwrap();
        assert_eq!(sent["x-amz-content-sha256"], *hash);
        assert!(
            sent["authorization"]
                .to_str()
                .unwrap()
                .contains("Credential=k2/")
        );
    }

    #[test]
    fn a_request_without_a_signature_gets_none() {
        let folder = tempfile::tempdir().unwrap();
        let renewal = renewal(&folder);
        let first = runtime()
            .unwrap()
            .block_on(renewal.credentials.get_credential());
        assert_eq!(first.unwrap().key_id, "k1");
        assert_eq!(
            again(&renewal, put(&[]), refusal(403, "ExpiredToken")),
            None
        );
    }
}
