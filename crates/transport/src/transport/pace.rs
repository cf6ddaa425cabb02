//! The rule by which a try that is too slow has failed.

use std::future::Future;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use http::Method;
use object_store::client::{HttpError, HttpErrorKind, HttpRequest};
use tokio::time::timeout;

use super::host::host;
use super::sent::Sent;

/// The time for which a store may work on a copy and on the completion of an upload.
const LONG_WORK: Duration = Duration::from_secs(600);

/// The least number of bytes that a try of a request must move in a time.
///
/// The time in which this program itself does not read or write does not count, nor does
/// the time for which a limit of bandwidth holds bytes back. A store may take
/// much longer for a copy and for the completion of an upload.
#[derive(Clone, Copy, Debug)]
pub struct Pace {
    /// The time in which so many bytes must move.
    pub window: Duration,
    /// The least number of bytes in a window.
    pub least_bytes: u64,
}

impl Default for Pace {
    fn default() -> Self {
        Self {
            window: Duration::from_secs(30),
            least_bytes: 30_000,
        }
    }
}

/// A try that was too slow.
#[derive(Debug, thiserror::Error)]
enum TooSlow {
    #[error("{host} does not answer within {seconds} s")]
    NoAnswer { host: String, seconds: u64 },
    #[error("the connection with {host} moved less than {bytes} bytes in {seconds} s")]
    Slow {
        host: String,
        bytes: u64,
        seconds: u64,
    },
}

impl Pace {
    /// Returns the rule for one request. `has_worked` is set when an answer has been
    /// received whole.
    pub(super) fn of(self, request: &HttpRequest, has_worked: Arc<AtomicBool>) -> RequestPace {
        let headers = [
            "x-amz-copy-source",
            "x-goog-copy-source",
            "x-ms-copy-source",
        ];
        let copies = headers
            .iter()
            .any(|name| request.headers().contains_key(*name));
        let query = request.uri().query().unwrap_or_default();
        let completes = request.method() == Method::POST && query.contains("uploadId=");
        RequestPace {
            pace: self,
            host: host(request.uri()),
            may_take_long: copies || completes,
            has_worked,
        }
    }
}

/// The rule for one request.
#[derive(Clone, Debug)]
pub(super) struct RequestPace {
    pace: Pace,
    host: String,
    may_take_long: bool,
    has_worked: Arc<AtomicBool>,
}

impl RequestPace {
    /// Waits for the answer to a request, as long as the bytes that are `sent` are enough.
    /// When all of them are sent, a part of them can still be on its way in the buffers of
    /// the system: the answer may take as much longer as sending took.
    pub(super) async fn watch<T>(
        &self,
        answer: impl Future<Output = T>,
        sent: &Sent,
    ) -> Result<T, HttpError> {
        let Pace { window, .. } = self.pace;
        let begun = Instant::now();
        let mut answer = Box::pin(answer);
        loop {
            let before = sent.bytes();
            if let Ok(answer) = timeout(window, &mut answer).await {
                return Ok(answer);
            }
            if sent.was_held_back() || sent.bytes() - before >= self.pace.least_bytes {
                continue;
            }
            match sent.completed() {
                Some(at) if self.may_take_long && at.elapsed() < LONG_WORK => {}
                Some(at) if at.elapsed() < window + at.duration_since(begun) => {}
                Some(_) => {
                    return Err(self.failed(TooSlow::NoAnswer {
                        host: self.host.clone(),
                        seconds: window.as_secs(),
                    }));
                }
                None => return Err(self.slow()),
            }
        }
    }

    /// Returns for how long this program may wait for bytes after it has `waited` for so
    /// long.
    pub(super) fn left(&self, waited: Duration) -> Duration {
        self.pace.window.saturating_sub(waited)
    }

    /// Whether so many bytes are enough for a window.
    pub(super) fn is_enough(&self, bytes: u64) -> bool {
        bytes >= self.pace.least_bytes
    }

    /// Notes that an answer was received whole.
    pub(super) fn worked(&self) {
        self.has_worked.store(true, Ordering::Relaxed);
    }

    /// Returns the error of a try that moved too few bytes.
    pub(super) fn slow(&self) -> HttpError {
        self.failed(TooSlow::Slow {
            host: self.host.clone(),
            bytes: self.pace.least_bytes,
            seconds: self.pace.window.as_secs(),
        })
    }

    /// Before an answer was ever received whole, the request is not repeated.
    fn failed(&self, error: TooSlow) -> HttpError {
        let kind = match self.has_worked.load(Ordering::Relaxed) {
            true => HttpErrorKind::Timeout,
            false => HttpErrorKind::Unknown,
        };
        HttpError::new(kind, error)
    }
}
