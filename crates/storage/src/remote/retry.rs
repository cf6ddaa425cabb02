//! Asking again where [`object_store`] does not.
//!
//! The crate repeats a request that got no answer, if it may be done twice, and
//! goes on with the content of an object where it broke off, if that has an
//! ETag. It does not repeat a listing whose answer broke off, the beginning of an
//! upload likewise, nor a put of what must not be there, which may have been
//! done.

use std::error::Error as StdError;
use std::future::Future;
use std::time::Instant;

use object_store::client::{HttpError, HttpErrorKind};
use object_store::{Result, RetryConfig};

/// Asks until there is an answer, or an error that another try would not mend,
/// as often and as long as `retry` allows. What is asked for must bear to be
/// done twice.
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
                if broke_off(&error)
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

/// Whether the connection broke while there was a request or an answer on it.
fn broke_off(error: &(dyn StdError + 'static)) -> bool {
    let mut cause = Some(error);
    while let Some(error) = cause {
        if let Some(http) = error.downcast_ref::<HttpError>() {
            let kind = http.kind();
            return matches!(kind, HttpErrorKind::Interrupted | HttpErrorKind::Timeout);
        }
        cause = error.source();
    }
    false
}

#[cfg(test)]
mod tests;
