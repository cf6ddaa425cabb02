//! Conditions on requests to which object_store adds none.

use std::future::Future;

use http::header::{AUTHORIZATION, IF_MATCH};
use http::{HeaderMap, HeaderName, HeaderValue, Method};

use super::connector::Cloud;

tokio::task_local! {
    static CONDITION: Condition;
}

/// The version that an object must have, so that the store removes it.
///
/// A future that is run by [`Self::of`] carries the condition, and the connector adds it
/// to each of its requests that removes something.
#[derive(Clone, Debug)]
pub(super) struct Condition {
    pub(super) e_tag: Option<String>,
    /// The generation of an object at Google.
    pub(super) generation: Option<String>,
}

impl Condition {
    /// Runs `request` under this condition.
    pub(super) fn of<F: Future>(self, request: F) -> impl Future<Output = F::Output> {
        CONDITION.scope(self, request)
    }

    /// Adds the condition under which the current future runs, if any, to a request. A
    /// request to Azure that is signed with the key of the account cannot be changed.
    pub(super) fn add(cloud: Cloud, method: &Method, headers: &mut HeaderMap) {
        if method != Method::DELETE || cloud.is_sealed(headers.get(AUTHORIZATION)) {
            return;
        }
        let _ = CONDITION.try_with(|condition| {
            let (name, value) = match cloud {
                Cloud::Google => (
                    HeaderName::from_static("x-goog-if-generation-match"),
                    condition.generation.as_ref(),
                ),
                Cloud::S3 | Cloud::Azure | Cloud::Web => (IF_MATCH, condition.e_tag.as_ref()),
            };
            if let Some(value) = value.and_then(|value| HeaderValue::from_str(value).ok()) {
                headers.insert(name, value);
            }
        });
    }
}
