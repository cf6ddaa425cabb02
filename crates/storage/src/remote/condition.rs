//! Conditions on requests to which object_store adds none.

use std::future::Future;

use http::header::{AUTHORIZATION, IF_MATCH, IF_NONE_MATCH};
use http::{HeaderName, HeaderValue, Method};
use object_store::client::HttpRequest;

use crate::version::Version;
use rxrx_transport::Cloud;

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
    /// For a copy: the source has the first version, and the object the second one, or is
    /// absent.
    Copy(Version, Option<Version>),
}

/// A request that copies an object names its source in one of these headers.
const SOURCES: [(Cloud, &str); 3] = [
    (Cloud::S3, "x-amz-copy-source"),
    (Cloud::Google, "x-goog-copy-source"),
    (Cloud::Azure, "x-ms-copy-source"),
];

impl Condition {
    /// Runs `request` under this condition.
    pub(super) fn of<F: Future>(self, request: F) -> impl Future<Output = F::Output> {
        CONDITION.scope(self, request)
    }

    /// Returns the ETag of the version that the current future demands, if it demands one.
    pub(super) fn current_e_tag() -> Option<String> {
        let e_tag = CONDITION.try_with(|condition| match condition {
            Self::Version(version) => version.e_tag.clone(),
            Self::Absent | Self::Copy(..) => None,
        });
        e_tag.ok().flatten()
    }

    /// Adds the condition under which the current future runs, if any, to a request. A
    /// request to Azure that is signed with the key of the account cannot be changed.
    /// Returns whether a request to S3 must be signed again: its signature must cover a
    /// header that was added.
    pub(super) fn add(cloud: Cloud, request: &mut HttpRequest) -> bool {
        let is_completion = request.method() == Method::POST && cloud == Cloud::S3;
        let is_removal = request.method() == Method::DELETE;
        let mut sources = SOURCES.iter();
        let is_copy =
            sources.any(|(of, header)| *of == cloud && request.headers().contains_key(*header));
        let is_sealed = cloud.is_sealed(request.headers().get(AUTHORIZATION));
        if is_sealed || !(is_removal || is_completion || is_copy) {
            return false;
        }
        let added = CONDITION.try_with(|condition| {
            let headers: Vec<_> = condition.headers(cloud).into_iter().flatten().collect();
            let is_signed = headers
                .iter()
                .any(|(name, _)| name.as_str().starts_with("x-amz-"));
            for (name, value) in headers {
                if let Ok(value) = HeaderValue::from_str(&value) {
                    request.headers_mut().insert(name, value);
                }
            }
            is_signed && request.headers().contains_key(AUTHORIZATION)
        });
        added.unwrap_or(false)
    }

    /// Returns the headers that state the condition.
    fn headers(&self, cloud: Cloud) -> [Option<(HeaderName, String)>; 2] {
        let generation = HeaderName::from_static("x-goog-if-generation-match");
        let is = |version: &Version| match cloud {
            Cloud::Google => Some((generation.clone(), version.generation.clone()?)),
            Cloud::S3 | Cloud::Azure => Some((IF_MATCH, version.e_tag.clone()?)),
        };
        let absent = || (IF_NONE_MATCH, "*".to_owned());
        match self {
            Self::Absent if cloud == Cloud::Google => [None, None],
            Self::Absent => [Some(absent()), None],
            Self::Version(version) => [is(version), None],
            Self::Copy(source, there) => {
                let (name, value) = match cloud {
                    Cloud::S3 => ("x-amz-copy-source-if-match", &source.e_tag),
                    Cloud::Azure => ("x-ms-source-if-match", &source.e_tag),
                    Cloud::Google => ("x-goog-copy-source-if-generation-match", &source.generation),
                };
                let source = (
                    HeaderName::from_static(name),
                    value.clone().unwrap_or_default(),
                );
                let there = match there {
                    Some(version) => is(version),
                    None if cloud == Cloud::Google => Some((generation, "0".to_owned())),
                    None => Some(absent()),
                };
                [Some(source), there]
            }
        }
    }
}
