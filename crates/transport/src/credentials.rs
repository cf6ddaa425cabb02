//! Credentials of an AWS profile that expire: a program gives them, or has written them
//! into the shared files.
//!
//! A credential is kept until shortly before it expires: five minutes, or a quarter of
//! its time if that is less. Then the program is run again, and requests use the former
//! credential meanwhile, until it expires. All clients with the same source share the
//! credential.
//! The clock of the machine is compared with the time at which the credential expires. If
//! it is wrong, the store says that the credential has expired, and it is renewed then.
//!
//! Source: <https://docs.aws.amazon.com/sdkref/latest/guide/feature-process-credentials.html>

mod expiry;
mod process;

use std::collections::HashMap;
use std::error::Error as StdError;
use std::fmt;
use std::process::Command;
use std::sync::{Arc, Mutex as Lock, MutexGuard, OnceLock, PoisonError};
use std::time::{Duration, SystemTime};

use async_trait::async_trait;
use object_store::aws::AwsCredential;
use object_store::{CredentialProvider, Error};
use serde::Deserialize;
use tokio::sync::Mutex;

pub use self::expiry::parse_time;
use self::process::run;
use crate::causes::causes;
use crate::shared_files::SharedFiles;

/// The longest time before the end of a credential at which it is renewed.
const MARGIN: Duration = Duration::from_secs(300);
/// A credential that was fetched so recently is used, though the clock says that it has
/// expired.
const FRESH: Duration = Duration::from_secs(1);
/// The time after which a program is run again that has failed while its last credential is
/// good, or has given a refused credential again.
const PAUSE: Duration = Duration::from_secs(30);
/// The time in which a program must give a credential.
const GIVE_WITHIN: Duration = Duration::from_secs(60);

/// Where the credentials of a profile come from.
#[derive(Clone, PartialEq, Eq, Hash)]
pub enum CredentialSource {
    /// A command of the shell: `credential_process`.
    Process {
        /// The name of the profile.
        profile: String,
        /// The command, for the shell.
        command: String,
    },
    /// The program `aws`, for a profile with SSO, a role or a login.
    AwsProgram {
        /// The name of the profile.
        profile: String,
    },
    /// Keys with a session token in the shared files, which another program writes.
    Files {
        /// The name of the profile.
        profile: String,
        /// The files in which the keys are.
        files: SharedFiles,
    },
}

impl CredentialSource {
    /// Whether another program is run.
    pub fn is_program(&self) -> bool {
        !matches!(self, Self::Files { .. })
    }
}

/// Shows the profile. The command may have a secret in it.
impl fmt::Debug for CredentialSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (Self::Process { profile, .. }
        | Self::AwsProgram { profile }
        | Self::Files { profile, .. }) = self;
        f.debug_tuple("CredentialSource").field(profile).finish()
    }
}

/// A program gave no credential.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct CredentialError(String);

impl CredentialError {
    /// Finds the error in the causes of another one.
    pub fn in_causes<'a>(error: &'a (dyn StdError + 'static)) -> Option<&'a Self> {
        causes(error).find_map(|cause| cause.downcast_ref())
    }
}

/// A credential that was fetched.
#[derive(Clone)]
pub struct Fetched {
    pub credential: Arc<AwsCredential>,
    at: SystemTime,
    /// When it expires, if it does.
    expires: Option<SystemTime>,
}

impl Fetched {
    /// Whether it is to be used at that time.
    fn is_usable(&self, now: SystemTime) -> bool {
        let Some(expires) = self.expires else {
            return true;
        };
        let lasts = expires.duration_since(self.at).unwrap_or_default();
        let left = expires.duration_since(now).unwrap_or_default();
        // A clock that was set back does not say that it is fresh.
        let is_fresh = now.duration_since(self.at).is_ok_and(|age| age < FRESH);
        left > MARGIN.min(lasts / 4) || is_fresh
    }

    /// Whether the clock of the machine says that it has expired.
    pub fn has_expired(&self) -> bool {
        self.expires
            .is_some_and(|expires| expires <= SystemTime::now())
    }
}

/// Gives the credentials of one source.
#[derive(Clone)]
pub struct ProfileCredentials(Arc<Shared>);

/// What the clients of one source share. The lock is held for moments only: a request
/// whose credential is still good does not wait for the program.
struct Shared {
    source: CredentialSource,
    kept: Lock<Kept>,
    /// Held while the program runs, so that it runs once.
    running: Mutex<()>,
}

#[derive(Default)]
struct Kept {
    fetched: Option<Fetched>,
    /// When the program was last run ahead of the end.
    run_ahead: Option<SystemTime>,
    /// When the program gave a refused credential again.
    given_again: Option<SystemTime>,
}

/// What a request does for a credential.
enum Step {
    Use(Arc<AwsCredential>),
    /// Use it, and run the program meanwhile.
    UseAndRenew(Arc<AwsCredential>),
    /// Wait for the program.
    Fetch,
}

impl fmt::Debug for ProfileCredentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.source.fmt(f)
    }
}

impl ProfileCredentials {
    /// Returns the credentials of a source, the same for every caller in this process.
    pub fn of(source: &CredentialSource) -> Self {
        static KNOWN: OnceLock<Lock<HashMap<CredentialSource, ProfileCredentials>>> =
            OnceLock::new();
        let known = KNOWN.get_or_init(Lock::default);
        let mut known = known.lock().unwrap_or_else(PoisonError::into_inner);
        let credentials = known
            .entry(source.clone())
            .or_insert_with(|| Self::new(source.clone()));
        credentials.clone()
    }

    fn new(source: CredentialSource) -> Self {
        Self(Arc::new(Shared {
            source,
            kept: Lock::default(),
            running: Mutex::default(),
        }))
    }

    /// Returns the credential that is kept, without fetching another one.
    pub fn kept(&self) -> Option<Fetched> {
        self.0.kept().fetched.clone()
    }

    /// Fetches a credential in place of `refused`, which the store does not accept any
    /// more. Returns the one that another request has fetched meanwhile, if it did; `None`
    /// if there is no other.
    pub async fn renewed(
        &self,
        refused: &AwsCredential,
    ) -> Result<Option<Arc<AwsCredential>>, CredentialError> {
        let _running = self.0.running.lock().await;
        let now = SystemTime::now();
        {
            let kept = self.0.kept();
            if let Some(fetched) = &kept.fetched
                && *fetched.credential != *refused
            {
                return Ok(Some(fetched.credential.clone()));
            }
            if is_recent(kept.given_again, now) {
                return Ok(None);
            }
        }
        let fetched = self.0.fetch().await?;
        let credential = fetched.credential.clone();
        let is_other = *credential != *refused;
        *self.0.kept() = Kept {
            given_again: (!is_other).then_some(fetched.at),
            fetched: Some(fetched),
            run_ahead: None,
        };
        Ok(is_other.then_some(credential))
    }
}

/// Whether it was less than [`PAUSE`] ago.
fn is_recent(at: Option<SystemTime>, now: SystemTime) -> bool {
    at.is_some_and(|at| now.duration_since(at).is_ok_and(|age| age < PAUSE))
}

impl Shared {
    fn kept(&self) -> MutexGuard<'_, Kept> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Returns the next step of a request at that time. Notes when the program is to be
    /// run ahead of the end.
    fn next(&self, now: SystemTime) -> Step {
        let mut kept = self.kept();
        let Some(fetched) = &kept.fetched else {
            return Step::Fetch;
        };
        let credential = fetched.credential.clone();
        if fetched.is_usable(now) {
            return Step::Use(credential);
        }
        if fetched.expires.is_some_and(|expires| expires <= now) {
            return Step::Fetch;
        }
        if is_recent(kept.run_ahead, now) {
            return Step::Use(credential);
        }
        kept.run_ahead = Some(now);
        Step::UseAndRenew(credential)
    }

    /// Fetches a credential and keeps it, unless another request has just done so.
    async fn replace(&self) -> Result<Arc<AwsCredential>, CredentialError> {
        let _running = self.running.lock().await;
        let now = SystemTime::now();
        let usable = self.kept().fetched.clone();
        if let Some(usable) = usable.filter(|fetched| fetched.is_usable(now)) {
            return Ok(usable.credential);
        }
        let fetched = self.fetch().await?;
        let credential = fetched.credential.clone();
        *self.kept() = Kept {
            fetched: Some(fetched),
            ..Kept::default()
        };
        Ok(credential)
    }

    async fn fetch(&self) -> Result<Fetched, CredentialError> {
        let command = match &self.source {
            CredentialSource::Process { command, .. } => crate::platform::shell(command),
            CredentialSource::AwsProgram { profile } => export(profile),
            CredentialSource::Files { profile, files } => {
                let credential =
                    of_files(profile, files).map_err(|told| self.error(told, false))?;
                return Ok(Fetched {
                    credential: Arc::new(credential),
                    at: SystemTime::now(),
                    expires: None,
                });
            }
        };
        let run = move || run(command, GIVE_WITHIN);
        let given = tokio::task::spawn_blocking(run).await;
        let given = given.unwrap_or(Err(process::Failure::Defect));
        let at = SystemTime::now();
        let given =
            given.map_err(|failure| self.error(failure.to_string(), failure.is_absent()))?;
        let given: Given = serde_json::from_slice(&given)
            .map_err(|_| self.error("it gives no JSON of a credential".to_owned(), false))?;
        let expires = given.expires.as_deref().map(|text| {
            let told = || format!("it gives an Expiration that is no time: {text:?}");
            parse_time(text).ok_or_else(|| self.error(told(), false))
        });
        if given.version != 1 {
            let told = format!("it gives version {}, not 1", given.version);
            return Err(self.error(told, false));
        }
        Ok(Fetched {
            credential: Arc::new(AwsCredential {
                key_id: given.key_id,
                secret_key: given.secret_key,
                token: given.token,
            }),
            at,
            expires: expires.transpose()?,
        })
    }

    /// Makes the error of a program, which may not be installed.
    fn error(&self, told: String, is_absent: bool) -> CredentialError {
        CredentialError(match &self.source {
            CredentialSource::Process { profile, .. } => format!(
                "the credential_process of the AWS profile {profile} gives no credentials: {told}"
            ),
            CredentialSource::Files { profile, .. } => {
                format!("the AWS profile {profile} has no usable keys any more: {told}")
            }
            CredentialSource::AwsProgram { profile } if is_absent => format!(
                "the AWS profile {profile} gets its credentials by SSO, a login or a role: install \
                 the AWS CLI (version 2), which is asked for them, or put them into the environment \
                 by  eval \"$(aws configure export-credentials --profile {profile} --format env)\""
            ),
            CredentialSource::AwsProgram { profile } => format!(
                "the AWS CLI gives no credentials of the profile {profile} (log in by  aws sso \
                 login --profile {profile}  or  aws login --profile {profile}  and run the same \
                 command again): {told}"
            ),
        })
    }
}

/// Reads keys with a session token from the shared files.
fn of_files(profile: &str, files: &SharedFiles) -> Result<AwsCredential, String> {
    let read = files.read()?;
    let mut sections = read.profile(profile).into_iter().flatten();
    let keys = sections.find(|section| section.contains_key("aws_access_key_id"));
    let value = |name: &str| {
        keys.and_then(|section| section.get(name))
            .map(str::to_owned)
    };
    let needed = |name: &str| value(name).ok_or_else(|| format!("it has no {name}"));
    Ok(AwsCredential {
        key_id: needed("aws_access_key_id")?,
        secret_key: needed("aws_secret_access_key")?,
        token: value("aws_session_token"),
    })
}

/// Returns the command that gives the credentials of any profile.
fn export(profile: &str) -> Command {
    let mut command = Command::new("aws");
    let format = ["configure", "export-credentials", "--format", "process"];
    command.args(format).args(["--profile", profile]);
    command
}

/// What a program prints.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Given {
    version: u32,
    #[serde(rename = "AccessKeyId")]
    key_id: String,
    #[serde(rename = "SecretAccessKey")]
    secret_key: String,
    #[serde(rename = "SessionToken")]
    token: Option<String>,
    #[serde(rename = "Expiration")]
    expires: Option<String>,
}

#[async_trait]
impl CredentialProvider for ProfileCredentials {
    type Credential = AwsCredential;

    async fn get_credential(&self) -> object_store::Result<Arc<AwsCredential>> {
        match self.0.next(SystemTime::now()) {
            Step::Use(credential) => Ok(credential),
            Step::UseAndRenew(credential) => {
                let shared = self.0.clone();
                // An error is told when the credential has expired.
                tokio::spawn(async move { shared.replace().await.map(drop) });
                Ok(credential)
            }
            Step::Fetch => self.0.replace().await.map_err(|error| Error::Generic {
                store: "S3",
                source: error.into(),
            }),
        }
    }
}

#[cfg(test)]
mod tests;
