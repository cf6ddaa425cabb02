//! The socket, its connections, and their end.

use std::io;
use std::net::{IpAddr, SocketAddr, TcpListener};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, mpsc};
use std::time::{Duration, Instant};

use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use rxrx_storage::{Location, StoreError, new_nonce};
use tokio::runtime::Runtime;
use tokio::sync::Semaphore;
use tokio::task::spawn;
use tokio::time::sleep;

use crate::access::{Access, Secrets};
use crate::answer::Answerer;
use crate::objects::Objects;

/// Connections at the same time. More of them wait.
const CONNECTIONS: usize = 256;
/// Threads that read, at most.
const READERS: usize = 32;
/// The time in which a client must send the head of a request.
const HEAD_AT_MOST: Duration = Duration::from_secs(30);
/// How often the request to stop is looked at.
const TICK: Duration = Duration::from_millis(50);
/// The time in which answers that are being sent may end after a stop.
const GRACE: Duration = Duration::from_secs(2);

/// Where a server listens and for whom.
#[derive(Clone, Debug)]
pub struct ServeOptions {
    /// The address of this machine on which connections are accepted.
    pub bind: IpAddr,
    /// The port; 0 for one that is free.
    pub port: u16,
    /// Names of hosts that requests may be for, beside loopback and `bind`.
    pub allowed_hosts: Vec<String>,
    /// Origins, such as `https://example.org`, whose pages may read.
    pub cors: Vec<String>,
}

/// The server cannot run.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ServeError {
    /// The address or the port cannot be used.
    #[error("cannot listen on {address}: choose another --port or --bind, or leave --port out")]
    Listen {
        /// The address with the port.
        address: SocketAddr,
        /// The cause.
        source: io::Error,
    },
    /// The system does not give what the server needs to run.
    #[error("cannot start the server")]
    Start(#[source] io::Error),
    /// The dataset or the random numbers cannot be read.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// An object that could not be sent.
pub type Failed = StoreError;

/// A server that listens, and answers when it runs.
pub struct Server {
    listener: TcpListener,
    address: SocketAddr,
    answerer: Answerer,
    failed: mpsc::Receiver<StoreError>,
}

impl Server {
    /// Opens the dataset at `location` and listens. Requests wait until [`Self::run`].
    ///
    /// # Errors
    /// [`ServeError`]: the port is in use, or the dataset cannot be opened.
    pub fn bind(location: &Location, options: &ServeOptions) -> Result<Self, ServeError> {
        let objects = Objects::open(location)?;
        let wanted = SocketAddr::new(options.bind, options.port);
        let refused = |source| ServeError::Listen {
            address: wanted,
            source,
        };
        let listener = TcpListener::bind(wanted).map_err(refused)?;
        let address = listener.local_addr().map_err(refused)?;
        let (tell, failed) = mpsc::channel();
        Ok(Self {
            listener,
            address,
            answerer: Answerer {
                access: Access {
                    secrets: Secrets {
                        token: new_nonce()?,
                        session: new_nonce()?,
                        ticket: Mutex::new(Some(new_nonce()?)),
                    },
                    allowed_hosts: (options.allowed_hosts.iter())
                        .map(|host| host.to_ascii_lowercase())
                        .collect(),
                    bound: as_host(options.bind),
                    cors: options.cors.clone(),
                    cookie: format!("rxrx2zarr-{}", address.port()),
                },
                objects,
                failed: tell,
                active: Arc::new(()),
            },
            failed,
        })
    }

    /// The address on which the server listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The token, which opens the dataset: as the parameter `access` of an address, or as the
    /// header `Authorization: Bearer TOKEN`.
    pub fn token(&self) -> &str {
        &self.answerer.access.secrets.token
    }

    /// A ticket, which opens the dataset once, as the parameter `ticket` of an address.
    pub fn ticket(&self) -> Option<String> {
        let ticket = self.answerer.access.secrets.ticket.lock();
        ticket.ok().and_then(|ticket| ticket.clone())
    }

    /// Answers requests until `stop` is true. Answers that are being sent then may end within
    /// two seconds. `failed` receives the objects that could not be sent.
    ///
    /// # Errors
    /// [`ServeError::Start`]: the system gives no threads or no sockets.
    pub fn run(self, stop: &AtomicBool, failed: &dyn Fn(&Failed)) -> Result<(), ServeError> {
        let Self {
            listener,
            answerer,
            failed: failures,
            ..
        } = self;
        let runtime = runtime().map_err(ServeError::Start)?;
        let active = answerer.active.clone();
        runtime
            .block_on(async {
                listener.set_nonblocking(true)?;
                let listener = tokio::net::TcpListener::from_std(listener)?;
                let accepting = spawn(accept(listener, Arc::new(answerer)));
                while !stop.load(Ordering::Relaxed) {
                    sleep(TICK).await;
                    failures.try_iter().for_each(|failure| failed(&failure));
                }
                accepting.abort();
                let end = Instant::now() + GRACE;
                // One copy is here and one is the answerer's.
                while Arc::strong_count(&active) > 2 && Instant::now() < end {
                    sleep(TICK).await;
                }
                Ok(())
            })
            .map_err(ServeError::Start)?;
        // What is still being read ends with the process.
        runtime.shutdown_background();
        Ok(())
    }
}

/// An address as the host of a URL; nothing for one that stands for all addresses.
fn as_host(address: IpAddr) -> String {
    match address {
        address if address.is_unspecified() => String::new(),
        IpAddr::V4(address) => address.to_string(),
        IpAddr::V6(address) => format!("[{address}]"),
    }
}

/// A runtime on the calling thread; only reading from the store has threads of its own.
fn runtime() -> io::Result<Runtime> {
    tokio::runtime::Builder::new_current_thread()
        .max_blocking_threads(READERS)
        .thread_name("serve")
        .enable_io()
        .enable_time()
        .build()
}

/// Accepts connections for ever.
async fn accept(listener: tokio::net::TcpListener, answerer: Arc<Answerer>) {
    let free = Arc::new(Semaphore::new(CONNECTIONS));
    loop {
        let Ok(one) = free.clone().acquire_owned().await else {
            return;
        };
        let stream = match listener.accept().await {
            Ok((stream, _)) => stream,
            // A connection that was closed at once, or no file is left: others may close.
            Err(_) => {
                sleep(TICK).await;
                continue;
            }
        };
        let answerer = answerer.clone();
        spawn(async move {
            let service = service_fn(|request| answerer.clone().answer(request));
            let mut connection = http1::Builder::new();
            connection
                .timer(TokioTimer::new())
                .header_read_timeout(HEAD_AT_MOST);
            // The client sees what is wrong with its connection.
            let _ = connection
                .serve_connection(TokioIo::new(stream), service)
                .await;
            drop(one);
        });
    }
}
