//! Errors of stores in one line, with advice where it is known.

use std::error::Error as StdError;

use object_store::Error;
use object_store::client::HttpError;
use rxrx_transport::{CredentialError, causes, innermost, is_redirect, is_unimplemented};

use super::fence::FenceError;
use crate::store::StoreErrorKind;

/// Address of the service that hands out credentials on machines of a cloud. The
/// clients ask it last, when they have found no other credentials.
const METADATA_SERVICE: &str = "169.254.169.254";

/// The codes of S3 that say that a credential has expired.
const EXPIRED: [&str; 2] = ["ExpiredToken", "TokenRefreshRequired"];

/// Longest text of a store that is repeated in an error.
const TEXT_BYTES_AT_MOST: usize = 2000;

/// An error of a store with its kind and advice.
#[derive(Debug, thiserror::Error)]
#[error("{text}")]
pub(super) struct AdvisedError {
    text: String,
    pub(super) kind: StoreErrorKind,
}

impl From<Error> for AdvisedError {
    fn from(error: Error) -> Self {
        // A write that was not allowed has its own words, and a program without credentials.
        let refused = FenceError::in_causes(&error).map(ToString::to_string);
        let absent = CredentialError::in_causes(&error).map(ToString::to_string);
        let said = refused.or(absent).unwrap_or_else(|| said(&error));
        let advice = advice(&error, &said);
        let text = advice.map_or_else(|| said.clone(), |advice| format!("{advice} ({said})"));
        Self {
            text: without_users(&text),
            kind: kind(&error, &said),
        }
    }
}

/// Returns `text` with `***` in place of the user and the password of each URL in it: an
/// endpoint can have them.
pub(super) fn without_users(text: &str) -> String {
    let mut parts = text.split("://");
    let mut shown = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        shown.push_str("://");
        // The host ends here; `@` after it belongs to a key.
        let end = part.find(|c: char| "/?#\"'<>()".contains(c) || c.is_whitespace());
        let (host, rest) = part.split_at(end.unwrap_or(part.len()));
        match host.rsplit_once('@') {
            Some((_, host)) => shown.extend(["***@", host, rest]),
            None => shown.push_str(part),
        }
    }
    shown
}

/// Returns the kind of an error whose cause is the text `said`.
fn kind(error: &Error, said: &str) -> StoreErrorKind {
    match error {
        _ if FenceError::in_causes(error).is_some() => StoreErrorKind::Changed,
        _ if CredentialError::in_causes(error).is_some() => StoreErrorKind::Denied,
        _ if is_unimplemented(error) => StoreErrorKind::Unsupported,
        _ if is_absent_bucket(said) => StoreErrorKind::NotFound,
        _ if is_archived(said) => StoreErrorKind::Denied,
        _ if is_denied(error, said) || said.contains(METADATA_SERVICE) => StoreErrorKind::Denied,
        Error::NotFound { .. } => StoreErrorKind::NotFound,
        Error::Precondition { .. } | Error::AlreadyExists { .. } => StoreErrorKind::Changed,
        Error::NotImplemented { .. } | Error::NotSupported { .. } => StoreErrorKind::Unsupported,
        _ if sends_whole_files(said) => StoreErrorKind::Unsupported,
        // An answer came: a web server redirects what asks for a list.
        _ if is_redirect(said) => StoreErrorKind::Other,
        _ if is_connection_error(error) => StoreErrorKind::Unreachable,
        _ => StoreErrorKind::Other,
    }
}

/// Whether a server takes no notice of ranges.
fn sends_whole_files(said: &str) -> bool {
    said.contains("non-partial response") || said.contains("Range request not supported")
}

/// Whether no answer came, or an incomplete one.
fn is_connection_error(error: &(dyn StdError + 'static)) -> bool {
    causes(error).any(|cause| cause.is::<HttpError>())
}

/// Returns advice for the user, if there is any.
fn advice(error: &Error, said: &str) -> Option<&'static str> {
    match error {
        _ if CredentialError::in_causes(error).is_some() => None,
        _ if EXPIRED.iter().any(|code| said.contains(code)) => Some(
            "the credentials have expired: renew them and run the same command again, which \
             goes on",
        ),
        _ if said.contains(METADATA_SERVICE) => Some(
            "no credentials were found: set those of the store (for S3 AWS_ACCESS_KEY_ID and \
             AWS_SECRET_ACCESS_KEY, or AWS_PROFILE), or read what is public by \
             --store-option skip_signature=true",
        ),
        _ if is_absent_bucket(said) => Some("there is no such bucket: create it first"),
        _ if is_archived(said) => Some(
            "the object is in an archive class and cannot be read at once: restore it (at Amazon \
             aws s3api restore-object; at Azure change its access tier), and run the same command \
             again when it is restored",
        ),
        _ if is_denied(error, said) => {
            Some("the store refuses it: see to the credentials and what they allow")
        }
        _ if sends_whole_files(said) => Some(
            "the server sends whole files only (it takes no notice of ranges): \
             download the file, or put it on another server",
        ),
        Error::Precondition { .. } => Some("it was replaced meanwhile"),
        _ if is_unimplemented(error) || is_of_checksum(said) => Some(
            "the store does not know this request or one of its headers: if it is the checksum, \
             choose one by --store-option checksum=none, md5, crc64nvme or sha256; if it is a \
             condition, give --store-option conditional_put=disabled",
        ),
        _ => None,
    }
}

/// Whether the answer complains about the checksum of an upload.
fn is_of_checksum(said: &str) -> bool {
    ["x-amz-checksum", "x-amz-sdk-checksum", "Checksum algorithm"]
        .iter()
        .any(|name| said.contains(name))
}

/// Whether the answer says that the object has to be restored first.
fn is_archived(said: &str) -> bool {
    said.contains("InvalidObjectState") || said.contains("BlobArchived")
}

/// Whether the answer says that the bucket or container does not exist.
fn is_absent_bucket(said: &str) -> bool {
    said.contains("NoSuchBucket") || said.contains("ContainerNotFound")
}

/// Whether credentials are missing or not sufficient. The error of a listing has
/// no kind of its own; its code says it.
fn is_denied(error: &Error, said: &str) -> bool {
    const CODES: [&str; 7] = [
        "AccessDenied",
        "SignatureDoesNotMatch",
        "InvalidAccessKeyId",
        "ExpiredToken",
        "TokenRefreshRequired",
        "AuthenticationFailed",
        "403 Forbidden",
    ];
    matches!(
        error,
        Error::PermissionDenied { .. } | Error::Unauthenticated { .. }
    ) || CODES.iter().any(|code| said.contains(code))
}

/// Returns the cause in one line; for an answer in XML its code and message.
fn said(error: &Error) -> String {
    // Each error repeats its cause; the innermost is without the wrapping.
    let mut cause: &dyn StdError = error;
    while let Some(source) = cause.source() {
        // Below the request there is how a socket failed, without its address.
        if source.downcast_ref::<std::io::Error>().is_some() {
            break;
        }
        cause = source;
    }
    let text = cause.to_string();
    let part = |name: &str| {
        let (_, rest) = text.split_once(&format!("<{name}>"))?;
        Some(rest.split_once('<')?.0)
    };
    match (part("Code"), part("Message")) {
        (Some(code), Some(message)) => format!("{code}: {message}"),
        (Some(code), None) => code.to_owned(),
        // Repeats say how often and for how long it was tried.
        _ if text.len() < 40 => with_cause(&error.to_string(), error),
        _ => with_cause(&text, error),
    }
}

/// Returns `text`, and the innermost cause of `error` where it does not say that.
fn with_cause(text: &str, error: &Error) -> String {
    let mut text = text.replace('\n', " ");
    let cause = innermost(error).replace('\n', " ");
    if text.len() > TEXT_BYTES_AT_MOST {
        text.truncate(text.floor_char_boundary(TEXT_BYTES_AT_MOST));
        text.push('…');
    } else if !text.contains(&cause) {
        text = format!("{text}: {cause}");
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_in_xml_is_told_in_one_line() {
        let xml = "Server returned non-2xx status code: 404 Not Found: <?xml version=\"1.0\"?>\n\
                   <Error><Code>NoSuchBucket</Code><Message>None of that name</Message></Error>";
        let inner = Error::Generic {
            store: "S3",
            source: xml.into(),
        };
        let error = AdvisedError::from(Error::PermissionDenied {
            path: "x".to_owned(),
            source: Box::new(inner),
        });
        let text = "there is no such bucket: create it first (NoSuchBucket: None of that name)";
        assert_eq!(error.to_string(), text);
        assert_eq!(error.kind, StoreErrorKind::NotFound);
    }

    fn advised(code: &str) -> AdvisedError {
        let answer = format!("<Error><Code>{code}</Code><Message>No</Message></Error>");
        AdvisedError::from(Error::Generic {
            store: "S3",
            source: answer.into(),
        })
    }

    #[test]
    fn the_code_of_an_answer_decides_on_kind_and_advice() {
        for (code, kind, advice) in [
            ("NoSuchBucket", StoreErrorKind::NotFound, "create it first"),
            (
                "ContainerNotFound",
                StoreErrorKind::NotFound,
                "create it first",
            ),
            (
                "AccessDenied",
                StoreErrorKind::Denied,
                "see to the credentials",
            ),
            (
                "SignatureDoesNotMatch",
                StoreErrorKind::Denied,
                "see to the credentials",
            ),
            (
                "ExpiredToken",
                StoreErrorKind::Denied,
                "renew them and run the same command again",
            ),
            ("SlowDown", StoreErrorKind::Other, "SlowDown: No"),
            ("InvalidObjectState", StoreErrorKind::Denied, "restore it"),
            ("BlobArchived", StoreErrorKind::Denied, "restore it"),
        ] {
            let error = advised(code);
            assert_eq!(error.kind, kind, "{code}");
            assert!(error.to_string().contains(advice), "{error}");
        }
    }

    #[test]
    fn a_checksum_that_is_refused_is_told_with_the_option() {
        let answer = "<Code>InvalidArgument</Code><Message>Unsupported header \
                      'x-amz-checksum-sha256' received for this API call.</Message>";
        let error = AdvisedError::from(Error::Generic {
            store: "S3",
            source: answer.into(),
        });
        let said = error.to_string();
        assert!(said.contains("--store-option checksum=none"), "{said}");
    }

    #[test]
    fn users_and_passwords_of_urls_are_not_shown() {
        for (text, shown) in [
            (
                "GET http://me:pa@ss@h:1/b?x=@ in",
                "GET http://***@h:1/b?x=@ in",
            ),
            (
                "(https://me@h) and https://h/a@b",
                "(https://***@h) and https://h/a@b",
            ),
            ("mail me@here", "mail me@here"),
            ("http://", "http://"),
        ] {
            let error = AdvisedError::from(Error::Generic {
                store: "S3",
                source: text.into(),
            });
            let said = error.to_string();
            assert!(said.ends_with(shown), "{said}");
        }
    }

    #[test]
    fn a_short_cause_keeps_what_surrounds_it() {
        let error = AdvisedError::from(Error::Generic {
            store: "S3",
            source: "timed out".into(),
        });
        assert_eq!(error.to_string(), "Generic S3 error: timed out");
    }
}
