//! Conditions on requests to which object_store adds none.

use std::future::Future;

use http::header::{AUTHORIZATION, IF_MATCH, IF_NONE_MATCH};
use http::{HeaderName, HeaderValue, Method};
use object_store::client::HttpRequest;

use super::cloud::Cloud;
use crate::version::Version;

tokio::task_local! {
    static CONDITION: Condition;
}

/// What an object must be, so that the store changes it.
///
/// A future that is run by [`Self::of`] carries the condition, and the connector adds it
/// to each of its requests that removes an object or completes an upload.
#[derive(Clone, Debug)]
pub(super) enum Condition {
    /// There is no object.
    Absent,
    /// It has that version.
    Version(Version),
}

impl Condition {
    /// Runs `request` under this condition.
    pub(super) fn of<F: Future>(self, request: F) -> impl Future<Output = F::Output> {
        CONDITION.scope(self, request)
    }

    /// Returns the ETag of the version that the current future demands, if it demands one.
    pub(super) fn current_e_tag() -> Option<String> {
        let e_tag = CONDITION.try_with(|condition| match condition {
            Self::Absent => None,
            Self::Version(version) => version.e_tag.clone(),
        });
        e_tag.ok().flatten()
    }

    /// Adds the condition under which the current future runs, if any, to a request. A
    /// request to Azure that is signed with the key of the account cannot be changed.
    pub(super) fn add(cloud: Cloud, request: &mut HttpRequest) {
        let is_completion = request.method() == Method::POST && cloud == Cloud::S3;
        let is_removal = request.method() == Method::DELETE;
        let is_sealed = cloud.is_sealed(request.headers().get(AUTHORIZATION));
        if is_sealed || !(is_removal || is_completion) {
            return;
        }
        let _ = CONDITION.try_with(|condition| {
            let (name, value) = match (condition, cloud) {
                (Self::Absent, Cloud::Google) => return,
                (Self::Absent, _) => (IF_NONE_MATCH, Some("*")),
                (Self::Version(version), Cloud::Google) => (
                    HeaderName::from_static("x-goog-if-generation-match"),
                    version.generation.as_deref(),
                ),
                (Self::Version(version), _) => (IF_MATCH, version.e_tag.as_deref()),
            };
            if let Some(value) = value.and_then(|value| HeaderValue::from_str(value).ok()) {
                request.headers_mut().insert(name, value);
            }
        });
    }
}
