use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};
use std::thread;
use std::time::Instant;

use super::*;
use crate::remote::connection::runtime;

/// A fence that a test opens and closes.
#[derive(Default)]
struct Gate {
    /// How long writes may last; `None` when the lease is lost.
    left: Mutex<Option<Duration>>,
    asked: AtomicUsize,
}

impl Gate {
    fn set(&self, left: Option<Duration>) {
        *self.left.lock().unwrap_or_else(PoisonError::into_inner) = left;
    }
}

impl Fence for Gate {
    fn left(&self) -> Result<Duration, Box<dyn std::error::Error + Send + Sync>> {
        self.asked.fetch_add(1, Ordering::Relaxed);
        let left = *self.left.lock().unwrap_or_else(PoisonError::into_inner);
        left.ok_or_else(|| "somebody else has the lease".into())
    }
}

/// A server that counts requests and answers them, or never does.
#[derive(Clone, Debug)]
struct Server {
    requests: Arc<AtomicUsize>,
    answers: bool,
}

#[async_trait]
impl HttpService for Server {
    async fn call(&self, _request: HttpRequest) -> Result<HttpResponse, HttpError> {
        self.requests.fetch_add(1, Ordering::Relaxed);
        if !self.answers {
            std::future::pending::<()>().await;
        }
        Ok(HttpResponse::new(bytes::Bytes::new().into()))
    }
}

struct Setup {
    gate: Arc<Gate>,
    requests: Arc<AtomicUsize>,
    service: StoreService,
}

fn setup(left: Option<Duration>, answers: bool) -> Setup {
    let gate = Arc::new(Gate::default());
    gate.set(left);
    let requests = Arc::new(AtomicUsize::new(0));
    let server = Server {
        requests: requests.clone(),
        answers,
    };
    let service = StoreService {
        connector: StoreConnector {
            cloud: Cloud::S3,
            fence: Some(gate.clone()),
            renewal: None,
            signer: None,
            transport: TransportSettings::default(),
            checksum: UploadChecksum::Sha256,
        },
        tags: Md5Tags::default(),
        client: HttpClient::new(server),
    };
    Setup {
        gate,
        requests,
        service,
    }
}

impl Setup {
    fn send(&self, method: Method) -> Result<HttpResponse, HttpError> {
        let request = http::Request::builder().method(method).uri("http://host/b");
        let request = request.body(bytes::Bytes::new().into()).unwrap();
        runtime().unwrap().block_on(self.service.call(request))
    }

    fn requests(&self) -> usize {
        self.requests.load(Ordering::Relaxed)
    }
}

const WRITES: [Method; 3] = [Method::PUT, Method::POST, Method::DELETE];
const LONG: Duration = Duration::from_secs(600);

#[test]
fn every_try_of_every_write_asks_the_fence_and_no_read_does() {
    let setup = setup(Some(LONG), true);
    for method in WRITES {
        for _ in 0..2 {
            let before = setup.gate.asked.load(Ordering::Relaxed);
            setup.send(method.clone()).unwrap();
            assert!(setup.gate.asked.load(Ordering::Relaxed) > before);
        }
    }
    setup.gate.set(None);
    for method in [Method::GET, Method::HEAD] {
        setup.send(method).unwrap();
    }
    assert_eq!(setup.requests(), 8);
}

#[test]
fn a_write_without_the_lease_is_not_sent_and_not_repeated() {
    let setup = setup(None, true);
    for method in WRITES {
        let error = setup.send(method).unwrap_err();
        assert_eq!(error.kind(), HttpErrorKind::Unknown);
        let cause = FenceError::in_causes(&error).unwrap().to_string();
        assert_eq!(cause, "somebody else has the lease");
    }
    assert_eq!(setup.requests(), 0);
}

#[test]
fn a_write_waits_until_the_lease_is_renewed() {
    let setup = setup(Some(Duration::ZERO), true);
    thread::scope(|scope| {
        let sent = scope.spawn(|| setup.send(Method::PUT));
        while setup.gate.asked.load(Ordering::Relaxed) < 3 {
            thread::sleep(Duration::from_millis(1));
        }
        assert_eq!(setup.requests(), 0);
        setup.gate.set(Some(LONG));
        sent.join().unwrap().unwrap();
    });
    assert_eq!(setup.requests(), 1);
}

#[test]
fn a_write_without_an_answer_is_given_up_when_the_lease_is_not_renewed() {
    let setup = setup(Some(LONG), false);
    thread::scope(|scope| {
        let sent = scope.spawn(|| setup.send(Method::PUT));
        while setup.requests() == 0 {
            thread::sleep(Duration::from_millis(1));
        }
        // As long as the lease is renewed, the request may take its time.
        let asked = setup.gate.asked.load(Ordering::Relaxed);
        while setup.gate.asked.load(Ordering::Relaxed) < asked + 1 {
            thread::sleep(Duration::from_millis(1));
        }
        assert!(!sent.is_finished());
        setup.gate.set(Some(Duration::ZERO));
        let begun = Instant::now();
        let error = sent.join().unwrap().unwrap_err();
        // It may be sent again when the lease has been renewed.
        assert_eq!(error.kind(), HttpErrorKind::Interrupted);
        assert!(begun.elapsed() < LONG / 4);
    });
}
