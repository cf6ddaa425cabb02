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

#[test]
fn the_clients_of_a_store_share_what_was_found_out_about_it() {
    struct Open;
    impl Fence for Open {
        fn left(&self) -> Result<std::time::Duration, Box<dyn std::error::Error + Send + Sync>> {
            Ok(std::time::Duration::MAX)
        }
    }
    let server = format!("http://127.0.0.1:{}", closed_port());
    let address = address("s3://bucket/x", &[("endpoint", server)]);
    let remote = Remote::folder(&address).unwrap();
    let fenced = remote.fenced(Arc::new(Open)).unwrap();
    let [plain, fenced] =
        [remote.beside(".work"), fenced].map(|remote| remote.connection().clone());
    assert!(Arc::ptr_eq(&plain.has_worked, &fenced.has_worked));
    plain.checksum.found(UploadChecksum::Md5);
    assert_eq!(fenced.checksum.get(), UploadChecksum::Md5);
    assert!(!fenced.checksum.is_open());
}

#[test]
fn a_checksum_is_looked_for_where_nobody_knows_it() {
    let server = |host: &str| ("endpoint", format!("https://{host}"));
    let checksum = |name: &str| ("checksum", name.to_owned());
    for (options, is_open) in [
        (vec![], false),
        (vec![server("s3.eu-west-3.amazonaws.com")], false),
        (vec![server("s3.amazonaws.com.example")], true),
        (vec![server("accounts.r2.cloudflarestorage.com")], true),
        (vec![server("example.org"), checksum("md5")], false),
        (
            vec![
                server("example.org"),
                ("checksum_algorithm", "sha256".to_owned()),
            ],
            false,
        ),
    ] {
        let remote = Remote::folder(&address("s3://bucket/x", &options)).unwrap();
        assert_eq!(
            remote.connection().checksum.is_open(),
            is_open,
            "{options:?}"
        );
    }
    let both = [checksum("md5"), ("checksum_algorithm", "sha256".to_owned())];
    let error = Remote::folder(&address("s3://bucket/x", &both))
        .err()
        .unwrap();
    assert!(error.source.to_string().contains("differ"), "{error:?}");
}

#[test]
fn a_class_that_has_to_be_restored_is_refused() {
    let class = |class: &str| [("storage_class", class.to_owned())];
    for (scheme, name, is_refused) in [
        ("s3", "GLACIER", true),
        ("s3", "deep_archive", true),
        ("s3", "GLACIER_IR", false),
        ("gs", "ARCHIVE", false),
    ] {
        let address = address(&format!("{scheme}://bucket/x"), &class(name));
        let error = Remote::folder(&address)
            .err()
            .map(|error| error.source.to_string());
        let refused = error.is_some_and(|error| error.contains("cannot be read at once"));
        assert_eq!(refused, is_refused, "{scheme} {name}");
    }
}
