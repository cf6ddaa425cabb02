//! Small servers on the loopback interface for tests.

use std::io::{self, BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use super::Remote;
use crate::location::{Address, Location, StoreOption};
use crate::store::StoreError;

/// The head of a request.
pub(super) struct Request {
    /// The number of requests before this one.
    pub(super) number: usize,
    /// The first line and the headers.
    pub(super) lines: Vec<String>,
}

impl Request {
    /// Returns the value of a header.
    pub(super) fn header(&self, name: &str) -> Option<&str> {
        let mut fields = self.lines.iter().filter_map(|line| line.split_once(": "));
        let field = fields.find(|(field, _)| field.eq_ignore_ascii_case(name));
        field.map(|(_, value)| value)
    }
}

/// Starts a server on a free port that hands the head of each request to `answer`, and
/// does not read its body. Returns the port. The server ends with the test.
pub(super) fn serve(
    answer: impl Fn(&mut TcpStream, &Request) -> io::Result<()> + Send + Sync + 'static,
) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let shared = Arc::new((answer, AtomicUsize::new(0)));
    thread::spawn(move || {
        for stream in listener.incoming() {
            let (mut stream, shared) = (stream.unwrap(), shared.clone());
            thread::spawn(move || {
                let mut lines = BufReader::new(stream.try_clone()?).lines();
                let mut head = Vec::new();
                while let Some(line) = lines.next().transpose()? {
                    if !line.is_empty() {
                        head.push(line);
                        continue;
                    }
                    let request = Request {
                        number: shared.1.fetch_add(1, Ordering::Relaxed),
                        lines: std::mem::take(&mut head),
                    };
                    (shared.0)(&mut stream, &request)?;
                }
                io::Result::Ok(())
            });
        }
    });
    port
}

/// Sends an answer with that body.
pub(super) fn send(stream: &mut TcpStream, body: &str) -> io::Result<()> {
    let length = body.len();
    write!(
        stream,
        "HTTP/1.1 200 OK\r\nContent-Length: {length}\r\n\r\n{body}"
    )
}

/// Returns the objects below a prefix of the server at `port`, with the default times of
/// retries.
pub(super) fn remote(scheme: &str, port: u16) -> Remote {
    Remote::folder(&address(scheme, port)).unwrap()
}

/// Returns the address of a prefix in a bucket of that server.
pub(super) fn address(scheme: &str, port: u16) -> Address {
    let options = ["skip_signature=true"].map(|option| StoreOption::parse(option).unwrap());
    let text = format!("{scheme}://127.0.0.1:{port}/bucket/x");
    match Location::parse(text.as_ref(), &Arc::from(options)) {
        Ok(Location::Remote(address)) => address,
        other => panic!("{other:?}"),
    }
}

/// Demands that a call fails with `text`.
#[track_caller]
pub(super) fn fails<T: std::fmt::Debug>(call: impl FnOnce() -> Result<T, StoreError>, text: &str) {
    let error = call().unwrap_err();
    let said = format!("{error}: {}", error.source);
    assert!(said.contains(text), "{said}");
    // The text must not fill the screen.
    assert!(said.len() < 3000, "{} bytes", said.len());
}
