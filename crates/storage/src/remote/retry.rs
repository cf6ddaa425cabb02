//! Repeats requests that [`object_store`] does not repeat.
//!
//! That crate repeats a request that got no answer, if the request may be done
//! twice. If the answer with the content of an object breaks off, it reads on from
//! that byte, if the object has an ETag. It does not repeat
//!
//! - a list whose answer breaks off,
//! - the request that begins an upload,
//! - a create-only put, because the first request may have been done.

use std::error::Error as StdError;
use std::future::Future;
use std::time::Instant;

use object_store::client::{HttpError, HttpErrorKind};
use object_store::{Result, RetryConfig};
use rxrx_transport::causes;

/// Sends a request until it succeeds or fails for another reason than a broken
/// connection, as often and as long as `retry` allows. The request must be one
/// that may be done twice.
pub(super) async fn retry<T, A>(retry: &RetryConfig, mut ask: impl FnMut() -> A) -> Result<T>
where
    A: Future<Output = Result<T>>,
{
    let begun = Instant::now();
    let mut pause = retry.backoff.init_backoff;
    let mut repeated = 0;
    loop {
        match ask().await {
            Err(error)
                if is_broken_connection(&error)
                    && repeated < retry.max_retries
                    && begun.elapsed() + pause < retry.retry_timeout =>
            {
                tokio::time::sleep(pause).await;
                pause = pause.mul_f64(retry.backoff.base);
                pause = pause.min(retry.backoff.max_backoff);
                repeated += 1;
            }
            answer => return answer,
        }
    }
}

/// Whether the connection broke during the request or the answer.
fn is_broken_connection(error: &(dyn StdError + 'static)) -> bool {
    let kind = causes(error).find_map(|cause| Some(cause.downcast_ref::<HttpError>()?.kind()));
    matches!(
        kind,
        Some(HttpErrorKind::Interrupted | HttpErrorKind::Timeout)
    )
}

#[cfg(test)]
mod tests;
