use super::*;
use crate::platform::shell;
use crate::test_runtime::runtime;

/// Keeps the runs of a command in a file of a folder.
struct Script {
    folder: tempfile::TempDir,
    credentials: ProfileCredentials,
}

impl Script {
    /// Makes a `credential_process` that prints what the shell makes of `text`. It can use
    /// the number of the run, `$run`.
    fn printing(text: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().display();
        let command = format!(
            "echo >> '{path}/runs'; run=$(wc -l < '{path}/runs' | tr -d ' '); printf '%s' \"{}\"",
            text.replace('"', "\\\"")
        );
        let profile = "lab".to_owned();
        Self {
            folder,
            credentials: ProfileCredentials::new(CredentialSource::Process { profile, command }),
        }
    }

    fn runs(&self) -> usize {
        let runs = std::fs::read_to_string(self.folder.path().join("runs"));
        runs.map_or(0, |runs| runs.lines().count())
    }

    fn key(&self) -> Result<String, String> {
        let credential = runtime()
            .unwrap()
            .block_on(self.credentials.get_credential());
        let credential = credential.map_err(|error| error.to_string())?;
        Ok(credential.key_id.clone())
    }

    fn renewed(&self, refused: &Fetched) -> Option<String> {
        let renewed = self.credentials.renewed(&refused.credential);
        let renewed = runtime().unwrap().block_on(renewed).unwrap();
        renewed.map(|credential| credential.key_id.clone())
    }

    fn kept(&self) -> Fetched {
        self.credentials.kept().unwrap()
    }
}

const FOR_EVER: &str = r#"{"Version": 1, "AccessKeyId": "k$run", "SecretAccessKey": "s"}"#;

/// A credential that has expired long ago.
const EXPIRED: &str = r#"{"Version": 1, "AccessKeyId": "k$run", "SecretAccessKey": "s",
    "SessionToken": "t", "Expiration": "2020-01-01T00:00:00Z"}"#;

#[test]
fn a_credential_without_an_end_is_fetched_once() {
    let script = Script::printing(FOR_EVER);
    assert_eq!(script.runs(), 0, "it is run when it is needed");
    for _ in 0..3 {
        assert_eq!(script.key().unwrap(), "k1");
    }
    assert_eq!(script.runs(), 1);
}

#[test]
fn a_credential_is_renewed_before_its_end() {
    let at = SystemTime::now();
    let lasting = |seconds: u64| Fetched {
        credential: Arc::new(AwsCredential {
            key_id: "k".to_owned(),
            secret_key: "s".to_owned(),
            token: None,
        }),
        at,
        expires: Some(at + Duration::from_secs(seconds)),
    };
    for (lasts, last_use) in [(3600, 3300), (20, 15)] {
        let fetched = lasting(lasts);
        let usable = |seconds| fetched.is_usable(at + Duration::from_secs(seconds));
        assert!(usable(0) && usable(last_use - 1), "{lasts}");
        assert!(!usable(last_use) && !usable(lasts + 1), "{lasts}");
    }
    // One that the clock takes for expired is used for a moment, not fetched for ever.
    assert!(lasting(0).is_usable(at));
    assert!(!lasting(0).is_usable(at + FRESH));
}

#[test]
fn an_expired_credential_is_fetched_again() {
    let script = Script::printing(EXPIRED);
    assert_eq!(script.key().unwrap(), "k1");
    std::thread::sleep(FRESH);
    assert_eq!(script.key().unwrap(), "k2");
    assert!(script.kept().has_expired());
}

#[test]
fn requests_do_not_wait_for_a_slow_program_before_the_end() {
    let folder = tempfile::tempdir().unwrap();
    let go = folder.path().join("go");
    let command = format!(
        "while [ ! -e '{}' ]; do sleep 0.05; done; \
         echo '{{\"Version\": 1, \"AccessKeyId\": \"new\", \"SecretAccessKey\": \"s\"}}'",
        go.display()
    );
    let profile = "lab".to_owned();
    let credentials = ProfileCredentials::new(CredentialSource::Process { profile, command });
    let now = SystemTime::now();
    credentials.0.kept().fetched = Some(Fetched {
        credential: Arc::new(AwsCredential {
            key_id: "old".to_owned(),
            secret_key: "s".to_owned(),
            token: None,
        }),
        at: now - Duration::from_secs(3400),
        expires: Some(now + Duration::from_secs(200)),
    });
    let key = || {
        let credential = runtime().unwrap().block_on(credentials.get_credential());
        credential.unwrap().key_id.clone()
    };
    for _ in 0..3 {
        assert_eq!(key(), "old");
    }
    std::fs::write(go, "").unwrap();
    while key() == "old" {
        std::thread::sleep(Duration::from_millis(20));
    }
    assert_eq!(key(), "new");
}

#[test]
fn a_refused_credential_is_renewed_once_for_all_requests() {
    let script = Script::printing(FOR_EVER);
    script.key().unwrap();
    let first = script.kept();
    assert_eq!(script.renewed(&first).as_deref(), Some("k2"));
    assert_eq!(script.renewed(&first).as_deref(), Some("k2"));
    assert_eq!(script.runs(), 2);
    let second = script.kept();
    assert_eq!(script.renewed(&second).as_deref(), Some("k3"));
}

#[test]
fn a_program_that_gives_the_refused_credential_again_is_not_run_for_every_request() {
    let same = FOR_EVER.replace("k$run", "k");
    let script = Script::printing(&same);
    script.key().unwrap();
    let refused = script.kept();
    for _ in 0..10 {
        assert_eq!(script.renewed(&refused), None);
    }
    assert_eq!(script.runs(), 2);
}

#[test]
fn what_is_no_credential_is_an_error() {
    for (text, told) in [
        ("", "no JSON of a credential"),
        (r#"{"Version": 1}"#, "no JSON of a credential"),
        (
            r#"{"Version": 2, "AccessKeyId": "k", "SecretAccessKey": "hidden"}"#,
            "version 2",
        ),
        (
            r#"{"Version": 1, "AccessKeyId": "k", "SecretAccessKey": "hidden", "Expiration": "soon"}"#,
            "an Expiration that is no time",
        ),
    ] {
        let error = Script::printing(text).key().unwrap_err();
        assert!(
            error.contains(told) && error.contains("profile lab"),
            "{error}"
        );
        assert!(!error.contains("hidden"), "{error}");
    }
}

#[test]
fn a_failure_of_the_program_is_told() {
    let error = run(
        shell("echo first >&2; echo log in again >&2; exit 3"),
        GIVE_WITHIN,
    );
    let error = error.unwrap_err().to_string();
    assert!(error.ends_with("3: log in again"), "{error}");
    let within = Duration::from_millis(50);
    let error = run(shell("exec sleep 1000"), within)
        .unwrap_err()
        .to_string();
    assert!(error.contains("does not end within 0.05 s"), "{error}");
    // More than a pipe holds.
    let much = run(shell("yes | head -c 1000000"), GIVE_WITHIN).unwrap();
    assert_eq!(much.len(), 64 << 10);
    let absent = std::process::Command::new("no-such-program-at-all");
    assert!(run(absent, GIVE_WITHIN).unwrap_err().is_absent());
}

#[test]
fn all_clients_of_a_source_share_the_credentials() {
    let source = |profile: &str| CredentialSource::AwsProgram {
        profile: profile.to_owned(),
    };
    let [one, same, other] = ["a", "a", "b"].map(|name| ProfileCredentials::of(&source(name)));
    assert!(Arc::ptr_eq(&one.0, &same.0) && !Arc::ptr_eq(&one.0, &other.0));
}

#[test]
fn keys_that_another_program_has_written_are_read_again_when_they_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("credentials");
    let write = |key: &str| {
        let text = format!("[lab]\naws_access_key_id = {key}\n");
        let text = text + "aws_secret_access_key = s\naws_session_token = t\n";
        std::fs::write(&path, text).unwrap();
    };
    let credentials = ProfileCredentials::new(CredentialSource::Files {
        profile: "lab".to_owned(),
        files: SharedFiles {
            credentials: Some(path.clone()),
            config: None,
        },
    });
    let key = || {
        let credential = runtime().unwrap().block_on(credentials.get_credential());
        credential.map_err(|error| error.to_string())
    };
    let error = key().unwrap_err();
    assert!(
        error.contains("profile lab") && error.contains("no aws_access_key_id"),
        "{error}"
    );
    write("k1");
    let first = key().unwrap();
    assert_eq!(
        (&first.key_id[..], first.token.as_deref()),
        ("k1", Some("t"))
    );
    write("k2");
    assert_eq!(key().unwrap().key_id, "k1", "it is not refused");
    let renewed = runtime().unwrap().block_on(credentials.renewed(&first));
    assert_eq!(renewed.unwrap().unwrap().key_id, "k2");
}
