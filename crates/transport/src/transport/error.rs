//! The kinds of errors of the HTTP client, by which object_store decides on repeats.

use std::error::Error;
use std::io;

use object_store::client::{HttpError, HttpErrorKind};

use crate::causes::causes;

/// Returns the error of a request without its address, which can be a secret.
pub(super) fn of_reqwest(error: reqwest::Error) -> HttpError {
    HttpError::new(kind(&error), error.without_url())
}

fn kind(error: &reqwest::Error) -> HttpErrorKind {
    if error.is_timeout() {
        return HttpErrorKind::Timeout;
    } else if error.is_connect() {
        return HttpErrorKind::Connect;
    } else if error.is_decode() {
        return HttpErrorKind::Decode;
    }
    let kind = causes(error).skip(1).find_map(kind_of_cause);
    kind.unwrap_or(HttpErrorKind::Unknown)
}

fn kind_of_cause(error: &(dyn Error + 'static)) -> Option<HttpErrorKind> {
    if let Some(error) = error.downcast_ref::<hyper::Error>() {
        if error.is_closed() || error.is_incomplete_message() || error.is_body_write_aborted() {
            return Some(HttpErrorKind::Request);
        } else if error.is_timeout() {
            return Some(HttpErrorKind::Timeout);
        }
    }
    match error.downcast_ref::<io::Error>()?.kind() {
        io::ErrorKind::TimedOut => Some(HttpErrorKind::Timeout),
        io::ErrorKind::ConnectionAborted
        | io::ErrorKind::ConnectionReset
        | io::ErrorKind::BrokenPipe
        | io::ErrorKind::UnexpectedEof => Some(HttpErrorKind::Interrupted),
        _ => None,
    }
}
