//! What a store said, in one line, with what to do about it where that is known.

use std::error::Error as StdError;

use object_store::Error;
use object_store::client::HttpError;

use crate::store::StoreErrorKind;

/// Address of the service that hands out credentials on machines of a cloud: it
/// is asked last, when no other credentials were found.
const METADATA_SERVICE: &str = "169.254.169.254";

/// A store refused or failed.
#[derive(Debug, thiserror::Error)]
#[error("{text}")]
pub struct Refusal {
    text: String,
    pub kind: StoreErrorKind,
}

impl From<Error> for Refusal {
    fn from(error: Error) -> Self {
        let said = said(&error);
        let advice = advice(&error, &said);
        Self {
            text: advice.map_or_else(|| said.clone(), |advice| format!("{advice} ({said})")),
            kind: kind(&error, &said),
        }
    }
}

fn kind(error: &Error, said: &str) -> StoreErrorKind {
    match error {
        _ if is_refused(error, said) || said.contains(METADATA_SERVICE) => StoreErrorKind::Denied,
        Error::NotFound { .. } => StoreErrorKind::NotFound,
        Error::Precondition { .. } | Error::AlreadyExists { .. } => StoreErrorKind::Changed,
        Error::NotImplemented { .. } | Error::NotSupported { .. } => StoreErrorKind::Unsupported,
        _ if is_connection_error(error) => StoreErrorKind::Unreachable,
        _ => StoreErrorKind::Other,
    }
}

/// Whether no answer came, or none that was whole.
fn is_connection_error(error: &(dyn StdError + 'static)) -> bool {
    let mut cause = Some(error);
    while let Some(error) = cause {
        if error.downcast_ref::<HttpError>().is_some() {
            return true;
        }
        cause = error.source();
    }
    false
}

fn advice(error: &Error, said: &str) -> Option<&'static str> {
    match error {
        _ if said.contains(METADATA_SERVICE) => Some(
            "no credentials were found: set those of the store (for S3 AWS_ACCESS_KEY_ID and \
             AWS_SECRET_ACCESS_KEY, or AWS_PROFILE), or read what is public by \
             --store-option skip_signature=true",
        ),
        _ if said.contains("NoSuchBucket") || said.contains("ContainerNotFound") => {
            Some("there is no such bucket: create it first")
        }
        _ if is_refused(error, said) => {
            Some("the store refuses it: see to the credentials and what they allow")
        }
        _ if said.contains("non-partial response")
            || said.contains("Range request not supported") =>
        {
            Some(
                "the server sends whole files only (it takes no notice of ranges): \
                 download the file, or put it on another server",
            )
        }
        Error::Precondition { .. } => Some("it was replaced meanwhile"),
        _ => None,
    }
}

/// Whether it is a matter of credentials; of a listing only the code says so.
fn is_refused(error: &Error, said: &str) -> bool {
    const CODES: [&str; 6] = [
        "AccessDenied",
        "SignatureDoesNotMatch",
        "InvalidAccessKeyId",
        "ExpiredToken",
        "AuthenticationFailed",
        "403 Forbidden",
    ];
    matches!(
        error,
        Error::PermissionDenied { .. } | Error::Unauthenticated { .. }
    ) || CODES.iter().any(|code| said.contains(code))
}

/// The cause in one line: of an answer in XML, its code and message.
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
        _ if text.len() < 40 => error.to_string().replace('\n', " "),
        _ => text.replace('\n', " "),
    }
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
        let refusal = Refusal::from(Error::PermissionDenied {
            path: "x".to_owned(),
            source: Box::new(inner),
        });
        let text = "there is no such bucket: create it first (NoSuchBucket: None of that name)";
        assert_eq!(refusal.to_string(), text);
        assert_eq!(refusal.kind, StoreErrorKind::Denied);
    }

    #[test]
    fn a_refusal_without_a_kind_is_known_by_its_code() {
        let refusal = Refusal::from(Error::Generic {
            store: "S3",
            source: "<Error><Code>SignatureDoesNotMatch</Code><Message>No</Message></Error>".into(),
        });
        let text = refusal.to_string();
        assert!(text.contains("see to the credentials"), "{text}");
    }

    #[test]
    fn a_short_cause_keeps_what_surrounds_it() {
        let refusal = Refusal::from(Error::Generic {
            store: "S3",
            source: "timed out".into(),
        });
        assert_eq!(refusal.to_string(), "Generic S3 error: timed out");
    }
}
