//! An open store and the threads that wait for its answers.

use std::future::Future;
use std::io;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use object_store::{Error, ObjectStore, RetryConfig};
use tokio::runtime::Runtime;

use super::retry;

/// The number of threads that wait for answers.
const THREADS: usize = 2;

/// An open store with the runtime that its requests run on.
#[derive(Clone)]
pub(super) struct Connection {
    pub(super) store: Arc<dyn ObjectStore>,
    pub(super) runtime: &'static Runtime,
    pub(super) retry: Arc<RetryConfig>,
    /// The time for a request with all its repeats, if it has a limit.
    pub(super) limit: Option<Duration>,
    /// Whether objects are created only where there is none, and replaced only as they
    /// were seen.
    pub(super) has_conditions: bool,
}

impl Connection {
    /// Connects `store` with the runtime of the process.
    ///
    /// # Errors
    /// The operating system gives no threads.
    pub(super) fn new(store: Arc<dyn ObjectStore>, retry: RetryConfig) -> io::Result<Self> {
        Ok(Self {
            store,
            runtime: runtime()?,
            retry: Arc::new(retry),
            limit: None,
            has_conditions: false,
        })
    }

    /// Waits for an answer.
    pub(super) fn wait<T>(&self, answer: impl Future<Output = T>) -> T {
        self.runtime.block_on(answer)
    }

    /// Waits for an answer, and repeats the request when the connection breaks.
    pub(super) fn ask<T, A>(&self, ask: impl FnMut() -> A) -> object_store::Result<T>
    where
        A: Future<Output = object_store::Result<T>>,
    {
        let answer = retry::retry(&self.retry, ask);
        let Some(limit) = self.limit else {
            return self.wait(answer);
        };
        let late = |_| {
            Err(Error::Generic {
                store: "store",
                source: format!("there was no answer within {} s", limit.as_secs_f32()).into(),
            })
        };
        // The timer belongs to the runtime.
        self.wait(async { tokio::time::timeout(limit, answer).await })
            .unwrap_or_else(late)
    }
}

/// Returns the runtime of the process, whose threads end with the program.
pub(super) fn runtime() -> io::Result<&'static Runtime> {
    static RUNTIME: OnceLock<io::Result<Runtime>> = OnceLock::new();
    let runtime = RUNTIME.get_or_init(|| {
        tokio::runtime::Builder::new_multi_thread()
            .worker_threads(THREADS)
            .thread_name("remote")
            .enable_all()
            .build()
    });
    let failed = |error: &io::Error| io::Error::new(error.kind(), error.to_string());
    runtime.as_ref().map_err(failed)
}
