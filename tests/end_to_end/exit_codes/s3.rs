//! An S3 server in memory, with as much of the protocol as `publish` needs.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread;

use sha2::{Digest, Sha256};

/// A running server; its thread ends with the test process.
pub(super) struct Server {
    address: String,
    objects: Objects,
}

type Objects = Arc<Mutex<BTreeMap<String, Object>>>;

/// An object with the headers that belong to it.
#[derive(Clone, Default)]
struct Object {
    bytes: Vec<u8>,
    metadata: Vec<String>,
}

impl Object {
    /// The ETag in quotes: other bytes have another one.
    fn etag(&self) -> String {
        let digest = Sha256::digest(&self.bytes);
        let hex: String = digest.iter().map(|byte| format!("{byte:02x}")).collect();
        format!("\"{hex}\"")
    }
}

/// One HTTP request.
struct Request {
    method: String,
    /// `bucket/key`, decoded.
    path: String,
    query: BTreeMap<String, String>,
    headers: BTreeMap<String, String>,
    body: Vec<u8>,
}

/// Status line and headers, and the body.
struct Response(String, Vec<u8>);

impl Server {
    pub(super) fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = format!("http://{}", listener.local_addr().unwrap());
        let objects = Objects::default();
        let shared = Arc::clone(&objects);
        thread::spawn(move || {
            for stream in listener.incoming() {
                let objects = Arc::clone(&shared);
                thread::spawn(move || serve(stream.unwrap(), &objects));
            }
        });
        Self { address, objects }
    }

    /// The address of a name in the bucket `test`.
    pub(super) fn url(&self, name: &str) -> String {
        format!("{}/test/{name}", self.address)
    }

    /// Keys below a name in the bucket.
    pub(super) fn keys(&self, name: &str) -> Vec<String> {
        let prefix = format!("test/{name}/");
        let objects = self.objects.lock().unwrap();
        let keys = objects.keys().filter_map(|key| key.strip_prefix(&prefix));
        keys.map(str::to_owned).collect()
    }

    /// Replaces an object below a name in the bucket, or removes it.
    pub(super) fn change(&self, name: &str, key: &str, bytes: Option<&[u8]>) {
        let path = format!("test/{name}/{key}");
        let mut objects = self.objects.lock().unwrap();
        objects.remove(&path);
        if let Some(bytes) = bytes {
            let bytes = bytes.to_vec();
            let metadata = Vec::new();
            objects.insert(path, Object { bytes, metadata });
        }
    }
}

/// Answers one request and closes the connection.
fn serve(stream: TcpStream, objects: &Objects) {
    let Some(request) = Request::read(&stream) else {
        return;
    };
    let Response(head, body) = answer(&request, &mut objects.lock().unwrap());
    let length = match request.method.as_str() {
        // The length of an object is in its own header.
        "HEAD" => String::new(),
        _ => format!("Content-Length: {}\r\n", body.len()),
    };
    let head = format!("HTTP/1.1 {head}\r\n{length}Connection: close\r\n\r\n");
    let mut stream = stream;
    // The client may be gone.
    let _ = stream.write_all(head.as_bytes());
    let _ = stream.write_all(&body);
}

impl Request {
    fn read(stream: &TcpStream) -> Option<Self> {
        let mut reader = BufReader::new(stream);
        let mut line = String::new();
        reader.read_line(&mut line).ok()?;
        let mut words = line.split_whitespace();
        let (method, target) = (words.next()?.to_owned(), words.next()?.to_owned());
        let mut headers = BTreeMap::new();
        loop {
            let mut line = String::new();
            reader.read_line(&mut line).ok()?;
            let Some((name, value)) = line.trim_end().split_once(':') else {
                break;
            };
            headers.insert(name.to_lowercase(), value.trim().to_owned());
        }
        let length = headers.get("content-length");
        let length = length.map_or(0, |length| length.parse().unwrap());
        let mut body = vec![0; length];
        reader.read_exact(&mut body).ok()?;
        let (path, query) = target.split_once('?').unwrap_or((&target, ""));
        let query = query.split('&').map(|pair| {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            (name.to_owned(), decoded(value))
        });
        Some(Self {
            method,
            path: decoded(path.trim_start_matches('/')),
            query: query.collect(),
            headers,
            body,
        })
    }
}

impl Request {
    /// Whether the object that is there is the one that the request asks for with
    /// `If-Match`.
    fn matches(&self, found: Option<&Object>) -> bool {
        let asked = self.headers.get("if-match");
        asked.is_none_or(|asked| found.is_some_and(|found| found.etag() == *asked))
    }
}

fn answer(request: &Request, objects: &mut BTreeMap<String, Object>) -> Response {
    let found = objects.get(&request.path).cloned();
    match request.method.as_str() {
        "GET" if request.query.contains_key("list-type") => list(request, objects),
        "HEAD" | "GET" => match found {
            Some(object) => get(request, object),
            None => error("404 Not Found", "NoSuchKey"),
        },
        "PUT" if request.headers.contains_key("x-amz-copy-source") => {
            error("501 Not Implemented", "NotImplemented")
        }
        // Uploads in parts are begun and given up, and none is completed.
        "POST" if request.query.contains_key("uploads") => {
            let id = "<UploadId>1</UploadId>";
            let text =
                format!("<InitiateMultipartUploadResult>{id}</InitiateMultipartUploadResult>");
            Response("200 OK".to_owned(), text.into_bytes())
        }
        "PUT" if request.query.contains_key("partNumber") => {
            Response("200 OK\r\nETag: \"part\"".to_owned(), Vec::new())
        }
        "DELETE" if request.query.contains_key("uploadId") => {
            Response("204 No Content".to_owned(), Vec::new())
        }
        "PUT" if found.is_some() && request.headers.contains_key("if-none-match") => {
            error("412 Precondition Failed", "PreconditionFailed")
        }
        "PUT" | "DELETE" if !request.matches(found.as_ref()) => {
            error("412 Precondition Failed", "PreconditionFailed")
        }
        "PUT" => {
            let metadata = request.headers.iter().filter_map(|(name, value)| {
                let is_metadata = name.starts_with("x-amz-meta-");
                is_metadata.then(|| format!("{name}: {value}\r\n"))
            });
            let object = Object {
                bytes: request.body.clone(),
                metadata: metadata.collect(),
            };
            let head = format!("200 OK\r\nETag: {}", object.etag());
            objects.insert(request.path.clone(), object);
            Response(head, Vec::new())
        }
        "DELETE" => {
            objects.remove(&request.path);
            Response("204 No Content".to_owned(), Vec::new())
        }
        "POST" if request.query.contains_key("delete") => delete(request, objects),
        other => panic!("no answer to {other} {} {:?}", request.path, request.query),
    }
}

/// One object, or a range `bytes=FIRST-LAST` of it.
fn get(request: &Request, object: Object) -> Response {
    let size = object.bytes.len();
    let metadata: String = object.metadata.concat();
    let etag = object.etag();
    let common =
        format!("ETag: {etag}\r\n{metadata}Last-Modified: Thu, 01 Jan 2026 00:00:00 GMT\r\n");
    let common = common.trim_end();
    if request.method == "HEAD" {
        let head = format!("200 OK\r\n{common}\r\nContent-Length: {size}");
        return Response(head, Vec::new());
    }
    let Some(range) = request.headers.get("range") else {
        return Response(format!("200 OK\r\n{common}"), object.bytes);
    };
    let (first, last) = range["bytes=".len()..].split_once('-').unwrap();
    let first: usize = first.parse().unwrap();
    let last = last
        .parse()
        .map_or(size - 1, |last: usize| last.min(size - 1));
    let head =
        format!("206 Partial Content\r\n{common}\r\nContent-Range: bytes {first}-{last}/{size}");
    Response(head, object.bytes[first..=last].to_vec())
}

/// The keys below `prefix`; with a delimiter, the folders instead of what is in
/// them.
fn list(request: &Request, objects: &BTreeMap<String, Object>) -> Response {
    let bucket = format!("{}/", request.path.trim_end_matches('/'));
    let parameter = |name: &str| request.query.get(name).cloned();
    let prefix = parameter("prefix").unwrap_or_else(String::new);
    let delimiter = parameter("delimiter");
    let start_after = parameter("start-after").unwrap_or_else(String::new);
    let mut xml = String::from("<ListBucketResult><IsTruncated>false</IsTruncated>");
    let mut last_folder = String::new();
    for (key, object) in objects {
        let Some(key) = key.strip_prefix(&bucket) else {
            continue;
        };
        let Some(rest) = key.strip_prefix(&prefix) else {
            continue;
        };
        if *key <= *start_after {
            continue;
        }
        if let Some((folder, _)) = delimiter.as_ref().and_then(|d| rest.split_once(d)) {
            let folder = format!("{prefix}{folder}/");
            if folder != last_folder {
                xml += &format!("<CommonPrefixes><Prefix>{folder}</Prefix></CommonPrefixes>");
                last_folder = folder;
            }
            continue;
        }
        xml += &format!(
            "<Contents><Key>{key}</Key><LastModified>2026-01-01T00:00:00.000Z</LastModified>\
             <ETag>{}</ETag><Size>{}</Size></Contents>",
            object.etag(),
            object.bytes.len()
        );
    }
    xml += "</ListBucketResult>";
    Response("200 OK".to_owned(), xml.into_bytes())
}

/// Removes the keys that the body names.
fn delete(request: &Request, objects: &mut BTreeMap<String, Object>) -> Response {
    let bucket = request.path.trim_end_matches('/');
    let body = std::str::from_utf8(&request.body).unwrap();
    let mut xml = String::from("<DeleteResult>");
    for part in body.split("<Key>").skip(1) {
        let key = part.split("</Key>").next().unwrap();
        objects.remove(&format!("{bucket}/{key}"));
        xml += &format!("<Deleted><Key>{key}</Key></Deleted>");
    }
    xml += "</DeleteResult>";
    Response("200 OK".to_owned(), xml.into_bytes())
}

fn error(status: &str, code: &str) -> Response {
    let xml = format!("<Error><Code>{code}</Code><Message>{code}</Message></Error>");
    Response(status.to_owned(), xml.into_bytes())
}

/// Undoes percent-encoding.
fn decoded(text: &str) -> String {
    let mut bytes = Vec::new();
    let mut rest = text.as_bytes();
    while let Some((&byte, after)) = rest.split_first() {
        if byte == b'%' {
            let digits = std::str::from_utf8(&after[..2]).unwrap();
            bytes.push(u8::from_str_radix(digits, 16).unwrap());
            rest = &after[2..];
        } else {
            bytes.push(byte);
            rest = after;
        }
    }
    String::from_utf8(bytes).unwrap()
}
