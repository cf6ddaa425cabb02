//! An open store and the threads that wait for its answers.

use std::future::Future;
use std::io;
use std::panic::catch_unwind;
use std::process;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, OnceLock, mpsc};
use std::thread;
use std::time::Duration;

use object_store::{Error, ObjectStore, RetryConfig};
use tokio::runtime::Runtime;

use super::hedge::Hedge;
use super::retry;
use rxrx_transport::ChosenChecksum;

/// The number of threads that wait for answers.
const THREADS: usize = 2;
/// The time for which the thread that looks up names is kept: for good.
const KEEP_ALIVE: Duration = Duration::from_secs(365 * 24 * 3600);
/// The time in which a new thread must begin to run.
const START_AT_MOST: Duration = Duration::from_secs(20);

/// An open store with the runtime that its requests run on.
#[derive(Clone)]
pub(super) struct Connection {
    pub(super) store: Arc<dyn ObjectStore>,
    pub(super) runtime: &'static Runtime,
    pub(super) retry: Arc<RetryConfig>,
    /// The time for a request with all its repeats, if it has a limit.
    pub(super) limit: Option<Duration>,
    /// What all copies of the connection share.
    shared: Arc<Shared>,
    /// The checksum of uploads to S3.
    pub(super) checksum: Arc<ChosenChecksum>,
    /// Whether the store has answered before.
    pub(super) has_worked: Arc<AtomicBool>,
}

#[derive(Default)]
struct Shared {
    /// Whether objects are created only where there is none, and replaced only as they
    /// were seen.
    has_conditions: AtomicBool,
    /// When ranges of bytes are asked for once more.
    hedge: Hedge,
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
            shared: Arc::default(),
            checksum: Arc::default(),
            has_worked: Arc::default(),
        })
    }

    /// Decides when a range of bytes is asked for once more.
    pub(super) fn hedge(&self) -> &Hedge {
        &self.shared.hedge
    }

    pub(super) fn has_conditions(&self) -> bool {
        self.shared.has_conditions.load(Ordering::Relaxed)
    }

    pub(super) fn set_conditions(&self, has_conditions: bool) {
        self.shared
            .has_conditions
            .store(has_conditions, Ordering::Relaxed);
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

/// The runtime of a process, and that of a process that was forked from it.
struct ProcessRuntime {
    process: u32,
    runtime: Runtime,
    of_fork: OnceLock<Box<ProcessRuntime>>,
}

/// Returns the runtime of the process, whose threads end with the program. A process that was
/// forked from one with a runtime starts its own, because a fork copies no threads. What was
/// connected before the fork must not be used after it: both processes would read the answers.
///
/// No lock is held while a runtime starts. If two threads start one at the same time, the
/// second ends its own.
pub(super) fn runtime() -> io::Result<&'static Runtime> {
    static FIRST: OnceLock<Box<ProcessRuntime>> = OnceLock::new();
    let process = process::id();
    let mut place = &FIRST;
    loop {
        match place.get() {
            Some(there) if there.process == process => return Ok(&there.runtime),
            Some(there) => place = &there.of_fork,
            None => {
                let started = Box::new(ProcessRuntime {
                    process,
                    runtime: start_runtime()?,
                    of_fork: OnceLock::new(),
                });
                if let Err(second) = place.set(started) {
                    second.runtime.shutdown_background();
                }
            }
        }
    }
}

/// Starts the runtime with all threads that it needs: [`THREADS`] and one that looks up
/// names, which it would start late and await for ever where the system gives none.
fn start_runtime() -> io::Result<Runtime> {
    let no_thread = |error: io::Error| {
        let text = format!("cannot start the threads that wait for its answers: {error}");
        io::Error::new(error.kind(), text)
    };
    // Tokio panics if it gets no thread. Here it does so only when the threads were taken
    // between the two calls.
    demand_threads(THREADS + 1).map_err(no_thread)?;
    let runtime = catch_unwind(|| {
        tokio::runtime::Builder::new_multi_thread()
            .worker_threads(THREADS)
            .thread_name("remote")
            .thread_keep_alive(KEEP_ALIVE)
            .enable_all()
            .build()
    });
    let runtime = runtime.map_err(|_| no_thread(io::ErrorKind::WouldBlock.into()))??;
    let (started, starts) = mpsc::channel();
    runtime.spawn_blocking(move || started.send(()));
    let wait = starts.recv_timeout(START_AT_MOST);
    wait.map_err(|_| no_thread(io::ErrorKind::WouldBlock.into()))?;
    Ok(runtime)
}

/// Fails if the system does not give `count` threads at the same time.
fn demand_threads(count: usize) -> io::Result<()> {
    let (end, ended) = mpsc::channel::<()>();
    let ended = Arc::new(Mutex::new(ended));
    let threads = (0..count).map(|_| {
        let ended = ended.clone();
        // Each thread waits until all of them were started.
        thread::Builder::new().spawn(move || ended.lock().is_ok_and(|ended| ended.recv().is_ok()))
    });
    let threads: Vec<_> = threads.collect();
    drop(end);
    let threads = threads.into_iter().map(|thread| {
        let _ = thread?.join();
        Ok(())
    });
    threads.collect::<Vec<_>>().into_iter().collect()
}
