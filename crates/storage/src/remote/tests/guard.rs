//! Hostile servers on the loopback interface.

use std::io::{self, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::Duration;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use object_store::ClientConfigKey;
use object_store::http::HttpBuilder;
use rustls::pki_types::PrivatePkcs8KeyDer;
use rustls::{ServerConfig, ServerConnection};

use super::server::{address, fails, remote, send, serve};
use super::{Remote, builders};
use crate::store::StoreErrorKind;
use rxrx_transport::{GuardedConnector, Pace, TransportSettings};

/// Sends `piece` again and again until the client closes the connection.
fn send_without_end(stream: &mut TcpStream, status: &str, piece: &str) -> io::Result<()> {
    write!(
        stream,
        "HTTP/1.1 {status}\r\nTransfer-Encoding: chunked\r\n\r\n"
    )?;
    loop {
        write!(stream, "{:x}\r\n{piece}\r\n", piece.len())?;
    }
}

fn page(next: &str, keys: &str) -> String {
    format!(
        "<ListBucketResult xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\"><Name>b</Name>\
         <IsTruncated>true</IsTruncated><NextContinuationToken>{next}</NextContinuationToken>\
         {keys}</ListBucketResult>"
    )
}

fn entry(key: &str) -> String {
    format!(
        "<Contents><Key>{key}</Key><LastModified>2026-01-01T00:00:00.000Z</LastModified>\
         <ETag>x</ETag><Size>1</Size></Contents>"
    )
}

#[test]
fn a_token_that_is_repeated_ends_the_list() {
    let port = serve(|stream, _| send(stream, &page("same", &entry("x/a"))));
    fails(|| remote("http", port).list(), "repeats a part of its list");
    fails(|| remote("http", port).list_wide(), "repeats a part");
    fails(|| remote("http", port).entries(), "repeats a part");
}

#[test]
fn empty_pages_without_end_end_the_list() {
    let port =
        serve(|stream, request| send(stream, &page(&format!("token {}", request.number), "")));
    fails(|| remote("http", port).list(), "empty parts of its list");
}

#[test]
fn a_list_without_end_is_refused() {
    let piece = entry(&"k".repeat(900)).repeat(100);
    let port = serve(move |stream, _| send_without_end(stream, "200 OK", &piece));
    fails(|| remote("http", port).list(), "larger than 67108864 bytes");
}

#[test]
fn an_error_without_end_is_read_in_part() {
    let begin = "<Error><Code>AccessDenied</Code><Message>é";
    let port =
        serve(move |stream, _| send_without_end(stream, "403 Forbidden", &begin.repeat(100)));
    let error = remote("http", port).get("a").unwrap_err();
    assert_eq!(error.kind, StoreErrorKind::Denied, "{error:?}");
    fails(|| remote("http", port).get("a"), "AccessDenied");
    fails(|| remote("http", port).list(), "AccessDenied");
}

#[test]
fn a_server_without_tls_is_not_asked_again() {
    let port = serve(|stream, _| send(stream, "no TLS"));
    // Only the first line of a handshake is sent: it has no empty line.
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let plain = listener.local_addr().unwrap().port();
    let asked = Arc::new(AtomicUsize::new(0));
    let count = asked.clone();
    thread::spawn(move || {
        for stream in listener.incoming() {
            count.fetch_add(1, Ordering::Relaxed);
            let _ = send(&mut stream.unwrap(), "no TLS");
        }
    });
    fails(|| remote("https", plain).get("a"), "the TLS handshake with");
    assert_eq!(asked.load(Ordering::Relaxed), 1);
    assert!(remote("http", port).get("a").is_ok());
}

#[test]
fn a_store_that_never_answers_is_not_waited_for() {
    let port = serve(|_, _| Ok(()));
    let store = HttpBuilder::new()
        .with_url(format!("http://127.0.0.1:{port}"))
        .with_config(ClientConfigKey::AllowHttp, "true")
        .with_http_connector(GuardedConnector::new(TransportSettings {
            pace: Pace {
                window: Duration::from_secs(2),
                ..Pace::default()
            },
            ..TransportSettings::default()
        }));
    // Installs the cryptography that every client needs.
    builders::folder(&address("https", port), &builders::Opening::default()).unwrap();
    let remote = Remote::on(Arc::new(store.build().unwrap()), "x");
    fails(|| remote.get("a"), "does not answer within 2 s");
}

#[test]
fn a_closed_port_is_not_tried_for_long_and_named() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    drop(listener);
    for get in [Remote::get as fn(&Remote, &str) -> _, |remote, _| {
        remote.list().map(|_| None)
    }] {
        let text = format!("cannot connect to 127.0.0.1:{port}: Connection refused");
        fails(|| get(&remote("http", port), "a"), &text);
    }
}

/// A certificate that its own key has signed, for 127.0.0.1 and for this test alone, and
/// the key: `openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes`.
const CERTIFICATE: &str = "\
    MIIBhjCCASygAwIBAgIUQ1BcMx+cyo1rh6L9ir1d60/Dn/swCgYIKoZIzj0EAwIwDzENMAsGA1UEAwwEdGVzdDAgFw0y\
    NjExMjcyMzA2NDRaGA8yMTI2MTEwMzIzMDY0NFowDzENMAsGA1UEAwwEdGVzdDBZMBMGByqGSM49AgEGCCqGSM49AwEH\
    A0IABJ+CiAJV7gYYnUftHb7lKP497dDy6Lo5UUpjPYggcQbX1WUIIJYTE6LIOZTaHsbc5VTW9vf6UF646lMSkYLX1jej\
    ZDBiMB0GA1UdDgQWBBRqSz4Aa2oc69Qxaj9IbONCUelffzAfBgNVHSMEGDAWgBRqSz4Aa2oc69Qxaj9IbONCUelffzAP\
    BgNVHRMBAf8EBTADAQH/MA8GA1UdEQQIMAaHBH8AAAEwCgYIKoZIzj0EAwIDSAAwRQIhAJGqCyQmJRsMVw2J3Enva8q1\
    1nKw2bXeKvbn7fdxcwJ2AiBGUdGSZfG1Jz1BpJHpgDGdFGQfKc0lYbXRMqoRu2rNrA==";
const KEY: &str = "\
    MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgq/GonbkeWyQQWWal0jmptHWQc4URNjbARGaE5LU7BOqh\
    RANCAASfgogCVe4GGJ1H7R2+5Sj+Pe3Q8ui6OVFKYz2IIHEG19VlCCCWExOiyDmU2h7G3OVU1vb3+lBeuOpTEpGC19Y3";

#[test]
fn a_certificate_that_nobody_trusts_is_named_and_not_asked_for_again() {
    let _ = rustls::crypto::ring::default_provider().install_default();
    let decode = |text: &str| BASE64_STANDARD.decode(text.replace(' ', "")).unwrap();
    let chain = vec![decode(CERTIFICATE).into()];
    let key = PrivatePkcs8KeyDer::from(decode(KEY)).into();
    let server = ServerConfig::builder().with_no_client_auth();
    let server = Arc::new(server.with_single_cert(chain, key).unwrap());
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let asked = Arc::new(AtomicUsize::new(0));
    let count = asked.clone();
    thread::spawn(move || {
        for stream in listener.incoming() {
            count.fetch_add(1, Ordering::Relaxed);
            let mut connection = ServerConnection::new(server.clone()).unwrap();
            // The client refuses the certificate.
            let _ = connection.complete_io(&mut stream.unwrap());
        }
    });
    fails(
        || remote("https", port).get("a"),
        "invalid peer certificate",
    );
    assert_eq!(asked.load(Ordering::Relaxed), 1);
}
