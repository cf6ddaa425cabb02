use std::ffi::OsStr;
use std::net::TcpListener;
use std::sync::Arc;
use std::time::Instant;

use super::*;
use crate::location::{Location, StoreOption};
use crate::remote::Remote;
use crate::remote::own_options::RETRY_FOR;
use crate::store::{StoreError, StoreErrorKind};

/// A port of this machine at which no server listens.
fn closed_port() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    listener.local_addr().unwrap().port()
}

/// Makes an address whose requests are tried once and not signed.
fn address(text: &str, options: &[(&str, String)]) -> Address {
    let once = [
        ("max_retries", "0"),
        ("retry_timeout", "0"),
        ("skip_signature", "true"),
    ];
    let is_web = text.starts_with("http");
    let common = once.map(|(key, value)| (key, value.to_owned()));
    let options: Vec<StoreOption> = common
        .iter()
        .chain(options)
        .filter(|(key, _)| !is_web || *key != "skip_signature")
        .map(|(key, value)| StoreOption {
            key: (*key).to_owned(),
            value: value.clone(),
        })
        .collect();
    match Location::parse(OsStr::new(text), &Arc::from(options)).unwrap() {
        Location::Remote(address) => address,
        Location::Local(path) => panic!("{} is a path", path.display()),
    }
}

/// Returns the error of the first request.
fn first_error(remote: Result<Remote, StoreError>) -> StoreError {
    remote.unwrap().get("a").unwrap_err()
}

#[test]
fn every_kind_of_address_reaches_its_first_request() {
    let begun = Instant::now();
    let server = format!("http://127.0.0.1:{}", closed_port());
    let addresses = [
        address(
            "s3://bucket/x",
            &[
                ("endpoint", server.clone()),
                ("region", "us-east-1".to_owned()),
            ],
        ),
        address(
            "gs://bucket/x",
            &[
                ("base_url", server.clone()),
                ("allow_http", "true".to_owned()),
            ],
        ),
        address(
            "az://container/x",
            &[
                ("endpoint", format!("{server}/me")),
                ("account_name", "me".to_owned()),
            ],
        ),
    ];
    for address in &addresses {
        let error = first_error(Remote::folder(address));
        assert_eq!(error.kind, StoreErrorKind::Unreachable, "{error:?}");
    }
    for scheme in ["http", "https"] {
        let text = format!("{scheme}://127.0.0.1:{}/bucket/x", closed_port());
        let error = first_error(Remote::object(&address(&text, &[])));
        assert_eq!(error.kind, StoreErrorKind::Unreachable, "{error:?}");
        let unsigned = [("aws_skip_signature", "true".to_owned())];
        let error = first_error(Remote::folder(&address(&text, &unsigned)));
        assert_eq!(error.kind, StoreErrorKind::Unreachable, "{error:?}");
    }
    assert!(begun.elapsed() < RETRY_FOR, "requests were repeated");
}

#[test]
fn a_store_without_conditions_has_no_create_only_put() {
    let server = format!("http://127.0.0.1:{}", closed_port());
    let options = [
        ("endpoint", server),
        ("conditional_put", "disabled".to_owned()),
    ];
    let remote = Remote::folder(&address("s3://bucket/x", &options)).unwrap();
    let error = remote.put_new("a", "1".into()).unwrap_err();
    assert_eq!(error.kind, StoreErrorKind::Unsupported, "{error:?}");
}

#[test]
fn an_unknown_option_is_named() {
    let address = address("s3://bucket/x", &[("regoin", "x".to_owned())]);
    let error = Remote::folder(&address).err().unwrap();
    assert_eq!(error.kind, StoreErrorKind::Other);
    assert!(
        error.source.to_string().contains("no store option regoin"),
        "{error:?}"
    );
}
