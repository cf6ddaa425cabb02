//! The host of a request.

use http::Uri;

/// Returns the host of a request for messages.
pub(crate) fn host(uri: &Uri) -> String {
    let host = uri.authority().map(ToString::to_string);
    // A user and a password are not shown.
    let host = host.map(|host| match host.rsplit_once('@') {
        Some((_, host)) => host.to_owned(),
        None => host,
    });
    host.unwrap_or_else(|| "the store".to_owned())
}
