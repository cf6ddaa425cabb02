//! Files at addresses with a query.

use std::io::Write;
use std::sync::Arc;

use super::server::{fails, serve};
use crate::location::Location;
use crate::remote::{Remote, RemoteBytes};

const QUERY: &str = "/b/x%2By.zip?X-Amz-Signature=secret&response=a%2Fb";

fn address(port: u16, path: &str) -> crate::location::Address {
    let text = format!("http://127.0.0.1:{port}{path}");
    match Location::parse(text.as_ref(), &Arc::default()) {
        Ok(Location::Remote(address)) => address,
        other => panic!("{other:?}"),
    }
}

/// A server that answers one address and one method, as a signature allows.
fn signed() -> u16 {
    serve(|stream, request| {
        let content = b"0123456789";
        if request.lines[0] != format!("GET {QUERY} HTTP/1.1") {
            let head = "HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n";
            return stream.write_all(head.as_bytes());
        }
        let range = request
            .header("range")
            .unwrap()
            .strip_prefix("bytes=")
            .unwrap();
        let (first, last) = range.split_once('-').unwrap();
        let part = first.parse().unwrap()..=last.parse().unwrap();
        let part = &content[part];
        let length = part.len();
        write!(
            stream,
            "HTTP/1.1 206 Partial Content\r\nETag: \"e\"\r\nContent-Length: {length}\r\n\
             Content-Range: bytes {range}/10\r\n\r\n"
        )?;
        stream.write_all(part)
    })
}

#[test]
fn a_signed_address_is_asked_for_as_it_is_and_by_get_only() {
    let port = signed();
    let bytes = RemoteBytes::find(&address(port, QUERY)).unwrap().unwrap();
    assert_eq!(bytes.length(), 10);
    assert_eq!(bytes.parts(&[2..5, 0..1]).unwrap(), ["234", "0"]);
    let other = address(port, "/b/x%2By.zip?X-Amz-Signature=guessed-secret");
    let error = RemoteBytes::find(&other).err().unwrap();
    let said = format!("{error:?} {error}: {}", error.source);
    assert!(said.contains("403") && !said.contains("secret"), "{said}");
    fails(
        || Remote::folder(&address(port, QUERY)).map(|_| ()),
        "names one file",
    );
}
