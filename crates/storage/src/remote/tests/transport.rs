use std::io::Write;
use std::net::TcpStream;
use std::sync::Mutex;
use std::sync::mpsc::channel;
use std::thread;
use std::time::Instant;

use bytes::Bytes;
use http::Method;

use super::server::{fails, remote, send, serve};
use super::{Remote, runtime};
use crate::location::Location;
use object_store::client::{HttpError, HttpErrorKind, HttpService};
use object_store::{ClientConfigKey, ClientOptions};
use rxrx_transport::{Bandwidth, Pace, Transport, TransportSettings};
use std::sync::Arc;
use std::time::Duration;

fn settings(pace: Pace) -> TransportSettings {
    TransportSettings {
        pace,
        ..TransportSettings::default()
    }
}

/// A pace that only connections without any progress miss.
fn short() -> Pace {
    Pace {
        window: Duration::from_millis(200),
        least_bytes: 30_000,
    }
}

/// Installs the cryptography that every client needs.
fn install() {
    let _ = rustls::crypto::ring::default_provider().install_default();
}

fn transport(settings: TransportSettings) -> Transport {
    install();
    Transport::new(&ClientOptions::new().with_allow_http(true), settings).unwrap()
}

/// Sends a request and reads the whole answer.
fn ask(
    transport: &Transport,
    method: Method,
    url: &str,
    body: Vec<u8>,
) -> Result<Bytes, HttpError> {
    let request = http::Request::builder().method(method).uri(url);
    let length = body.len();
    let request = request.header("content-length", length).body(body.into());
    let answer = async {
        let answer = transport.call(request.unwrap()).await?;
        answer.into_body().bytes().await
    };
    runtime().unwrap().block_on(answer)
}

fn answer(stream: &mut TcpStream, head: &str) -> std::io::Result<()> {
    write!(stream, "HTTP/1.1 {head}\r\nContent-Length: 0\r\n\r\n")
}

/// Reads that many bytes of a body that the server has not looked at.
fn skip(stream: &mut TcpStream, bytes: usize) -> std::io::Result<()> {
    let body = std::io::Read::take(&mut *stream, bytes as u64);
    std::io::copy(&mut { body }, &mut std::io::sink()).map(drop)
}

#[test]
fn a_redirect_of_a_store_is_not_followed() {
    let (asked, requests) = channel();
    let asked = Mutex::new(asked);
    let other = serve(move |stream, request| {
        asked.lock().unwrap().send(request.number).unwrap();
        send(stream, "stolen")
    });
    let head = format!("307 Temporary Redirect\r\nLocation: http://localhost:{other}/b?secret=1");
    let port = serve(move |stream, _| answer(stream, &head));
    let text = format!("redirects to localhost:{other}, and");
    fails(|| remote("http", port).get("a"), &text);
    fails(|| remote("http", port).put("a", "1".into()), &text);
    fails(|| remote("http", port).list(), &text);
    assert!(requests.try_recv().is_err());
    let port = serve(|stream, _| {
        answer(
            stream,
            "301 Moved Permanently\r\nx-amz-bucket-region: eu-west-3",
        )
    });
    fails(|| remote("http", port).get("a"), "set AWS_REGION=eu-west-3");
}

/// Returns a file on a web server.
fn file(url: &str) -> Remote {
    match Location::parse(url.as_ref(), &Arc::default()) {
        Ok(Location::Remote(address)) => Remote::object(&address).unwrap(),
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_redirect_of_a_web_server_is_followed_without_its_address() {
    let (asked, requests) = channel();
    let asked = Mutex::new(asked);
    let other = serve(move |stream, request| {
        let referer = request.header("referer").map(str::to_owned);
        asked.lock().unwrap().send(referer).unwrap();
        let modified = "Last-Modified: Sun, 06 Nov 1994 08:49:37 GMT";
        write!(
            stream,
            "HTTP/1.1 200 OK\r\n{modified}\r\nContent-Length: 5\r\n\r\nbytes"
        )
    });
    let head = format!("302 Found\r\nLocation: http://localhost:{other}/elsewhere");
    let port = serve(move |stream, _| answer(stream, &head));
    let read = file(&format!("http://127.0.0.1:{port}/x")).get("").unwrap();
    assert_eq!(read.unwrap(), "bytes");
    assert_eq!(requests.recv().unwrap(), None);
    let around = serve(|stream, request| {
        let host = request.header("host").unwrap().to_owned();
        answer(
            stream,
            &format!("302 Found\r\nLocation: http://{host}/again"),
        )
    });
    let around = file(&format!("http://127.0.0.1:{around}/x"));
    fails(|| around.get(""), "redirects without end");
}

#[test]
fn an_answer_that_trickles_fails_and_is_repeated_if_the_store_has_worked() {
    let trickle = |stream: &mut TcpStream| {
        write!(stream, "HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n")?;
        loop {
            stream.write_all(b"x")?;
            thread::sleep(Duration::from_millis(5));
        }
    };
    let port = serve(move |stream, request| match &*request.lines[0] {
        "GET /works HTTP/1.1" => send(stream, "works"),
        _ => trickle(stream),
    });
    let transport = transport(settings(Pace {
        window: Duration::from_secs(2),
        ..short()
    }));
    let get = |path| {
        ask(
            &transport,
            Method::GET,
            &format!("http://127.0.0.1:{port}{path}"),
            vec![],
        )
    };
    let error = get("/slow").unwrap_err();
    assert_eq!(error.kind(), HttpErrorKind::Unknown, "{error}");
    assert!(
        error.to_string().contains("moved less than 30000 bytes"),
        "{error}"
    );
    assert_eq!(get("/works").unwrap(), "works");
    assert_eq!(get("/slow").unwrap_err().kind(), HttpErrorKind::Timeout);
}

#[test]
fn a_request_that_the_store_does_not_read_fails() {
    // The body is larger than all buffers between.
    let port = serve(|_, _| {
        loop {
            thread::sleep(Duration::from_secs(1));
        }
    });
    let transport = transport(settings(short()));
    let url = format!("http://127.0.0.1:{port}/b");
    let error = ask(&transport, Method::PUT, &url, vec![1; 64 << 20]).unwrap_err();
    assert!(
        error.to_string().contains("moved less than 30000 bytes"),
        "{error}"
    );
}

#[test]
fn a_completion_may_take_longer_than_another_answer() {
    let port = serve(|stream, _| {
        thread::sleep(5 * short().window);
        send(stream, "done")
    });
    let transport = transport(settings(short()));
    let url = format!("http://127.0.0.1:{port}/b?uploadId=1");
    assert_eq!(ask(&transport, Method::POST, &url, vec![]).unwrap(), "done");
    let error = ask(&transport, Method::PUT, &url, vec![]).unwrap_err();
    assert!(
        error.to_string().contains("does not answer within"),
        "{error}"
    );
}

#[test]
fn a_busy_store_is_asked_again_when_it_says() {
    let port = serve(|stream, request| match request.number {
        0 => answer(stream, "429 Too Many Requests\r\nRetry-After: 2"),
        _ => send(stream, "<ListBucketResult></ListBucketResult>"),
    });
    let begun = Instant::now();
    assert_eq!(remote("http", port).list().unwrap(), []);
    assert!(begun.elapsed() >= Duration::from_secs(2));
}

#[test]
fn a_limit_of_bandwidth_holds_for_both_directions_together_and_is_not_too_slow() {
    const BYTES: usize = 100_000;
    const RATE: u64 = 80_000;
    let port = serve(|stream, request| match &request.lines[0][..3] {
        "GET" => send(stream, &"x".repeat(BYTES)),
        _ => {
            skip(stream, BYTES)?;
            send(stream, "")
        }
    });
    let transport = transport(TransportSettings {
        bandwidth: Some(Bandwidth::shared(RATE)),
        // The limit makes the connection miss this pace.
        ..settings(Pace {
            window: Duration::from_secs(3),
            least_bytes: 1_000_000,
        })
    });
    let url = format!("http://127.0.0.1:{port}/b");
    let begun = Instant::now();
    thread::scope(|scope| {
        for method in [Method::GET, Method::PUT, Method::GET, Method::PUT] {
            let body = vec![1; if method == Method::PUT { BYTES } else { 0 }];
            scope.spawn(|| ask(&transport, method, &url, body).unwrap());
        }
    });
    // The last of the pieces passes after the time of all others.
    let least = (4 * BYTES - 32_768) as f64 / RATE as f64 - 0.1;
    assert!(begun.elapsed() >= Duration::from_secs_f64(least));
}

#[test]
fn an_option_that_cannot_be_used_is_named() {
    install();
    for (key, value) in [
        (ClientConfigKey::Timeout, "soon"),
        (ClientConfigKey::ProxyUrl, "::"),
        (ClientConfigKey::PoolMaxIdlePerHost, "many"),
    ] {
        let options = ClientOptions::new().with_config(key, value);
        let error = Transport::new(&options, TransportSettings::default()).unwrap_err();
        let text = format!("{error}: {:?}", std::error::Error::source(&error));
        assert!(
            text.contains(key.as_ref()) || text.contains("URL") || text.contains("builder"),
            "{text}"
        );
    }
}
