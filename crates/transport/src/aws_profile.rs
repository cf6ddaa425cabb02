//! The profile of AWS that the environment names: settings, and the source of credentials.

use std::env;

use ini::Properties;
use object_store::aws::{AmazonS3Builder, AmazonS3ConfigKey};

use crate::credentials::CredentialSource;
use crate::shared_files::SharedFiles;

type OpenError = Box<dyn std::error::Error + Send + Sync>;

/// What a profile has that the environment does not give.
pub struct Profile {
    /// Settings of the store.
    pub settings: Vec<(AmazonS3ConfigKey, String)>,
    /// The source of credentials that are no settings.
    pub credentials: Option<CredentialSource>,
    /// Whether `AWS_PROFILE` names it.
    pub is_named: bool,
}

/// Reads the profile that the environment names, or the default one.
pub fn profile(builder: &AmazonS3Builder) -> Result<Profile, OpenError> {
    let asked = env::var("AWS_PROFILE").ok();
    let name = asked.as_deref().unwrap_or("default");
    let files = SharedFiles::find();
    let read = files.read()?;
    let found = read.profile(name);
    if asked.is_some() && found == [None, None] {
        return Err(format!("there is no AWS profile {name}, which AWS_PROFILE names").into());
    }
    let value = |name: &str| found.iter().flatten().find_map(|section| section.get(name));
    let is_set = |key: AmazonS3ConfigKey| builder.get_config_value(&key).is_some();

    let mut profile = Profile {
        settings: Vec::new(),
        credentials: None,
        is_named: asked.is_some(),
    };
    let settings = &mut profile.settings;
    if !is_set(AmazonS3ConfigKey::Region)
        && let Some(region) = value("region")
    {
        settings.push((AmazonS3ConfigKey::Region, region.to_owned()));
    }
    if !is_set(AmazonS3ConfigKey::Endpoint)
        && !is_set(AmazonS3ConfigKey::S3Endpoint)
        && let Some(endpoint) = value("endpoint_url")
    {
        settings.push((AmazonS3ConfigKey::Endpoint, endpoint.to_owned()));
    }
    let others = [
        AmazonS3ConfigKey::AccessKeyId,
        AmazonS3ConfigKey::WebIdentityTokenFile,
        AmazonS3ConfigKey::ContainerCredentialsRelativeUri,
        AmazonS3ConfigKey::ContainerCredentialsFullUri,
    ];
    if others.into_iter().any(is_set) {
        return Ok(profile);
    }
    profile.credentials = source(name, &files, found);
    if profile.credentials.is_none() {
        let secrets = [
            ("aws_access_key_id", AmazonS3ConfigKey::AccessKeyId),
            ("aws_secret_access_key", AmazonS3ConfigKey::SecretAccessKey),
            ("aws_session_token", AmazonS3ConfigKey::Token),
        ];
        for (name, key) in secrets {
            if let Some(secret) = value(name) {
                settings.push((key, secret.to_owned()));
            }
        }
    }
    Ok(profile)
}

/// Returns the source of the credentials of a profile, if they can expire. The order is
/// that of the AWS CLI: a role, SSO, keys of the file of credentials, a login, a process,
/// keys of the other file.
fn source(
    name: &str,
    files: &SharedFiles,
    [credentials, config]: [Option<&Properties>; 2],
) -> Option<CredentialSource> {
    let of_any = |key: &str| {
        [credentials, config]
            .iter()
            .flatten()
            .find_map(|section| section.get(key))
    };
    let aws = || CredentialSource::AwsProgram {
        profile: name.to_owned(),
    };
    let before_keys = ["role_arn", "sso_session", "sso_start_url"];
    if before_keys.iter().any(|key| of_any(key).is_some()) {
        return Some(aws());
    }
    let has_keys = |section: &&Properties| section.contains_key("aws_access_key_id");
    // Keys with a session token expire; another program writes them into the file.
    let of_file = |section: &Properties| {
        let expires = section.contains_key("aws_session_token");
        expires.then(|| CredentialSource::Files {
            profile: name.to_owned(),
            files: files.clone(),
        })
    };
    if let Some(section) = credentials.filter(has_keys) {
        return of_file(section);
    }
    if of_any("login_session").is_some() {
        return Some(aws());
    }
    if let Some(command) = of_any("credential_process") {
        return Some(CredentialSource::Process {
            profile: name.to_owned(),
            command: command.to_owned(),
        });
    }
    config.filter(has_keys).and_then(of_file)
}

#[cfg(test)]
mod tests {
    use ini::Ini;

    use super::*;

    #[test]
    fn the_source_is_the_one_that_the_aws_cli_takes_first() {
        let aws = Some(CredentialSource::AwsProgram {
            profile: "a".to_owned(),
        });
        let process = Some(CredentialSource::Process {
            profile: "a".to_owned(),
            command: "give".to_owned(),
        });
        let files = SharedFiles {
            credentials: None,
            config: None,
        };
        let file = Some(CredentialSource::Files {
            profile: "a".to_owned(),
            files: files.clone(),
        });
        let temporary = "aws_access_key_id = k\naws_session_token = t";
        for (credentials, config, expected) in [
            (temporary, "credential_process = give", file.clone()),
            ("", temporary, file.clone()),
            ("", "region = x", None),
            ("aws_access_key_id = k", "", None),
            ("", "aws_access_key_id = k", None),
            ("", "credential_process = give", process.clone()),
            (
                "credential_process = give",
                "aws_access_key_id = k",
                process.clone(),
            ),
            ("aws_access_key_id = k", "credential_process = give", None),
            (
                "aws_access_key_id = k",
                "role_arn = r\nsource_profile = a",
                aws.clone(),
            ),
            ("aws_access_key_id = k", "sso_session = s", aws.clone()),
            ("", "sso_start_url = u", aws.clone()),
            (
                "",
                "login_session = l\ncredential_process = give",
                aws.clone(),
            ),
        ] {
            let parsed =
                [credentials, config].map(|text| Ini::load_from_str_noescape(text).unwrap());
            let sections = [&parsed[0], &parsed[1]].map(|ini| ini.section(None::<&str>));
            assert_eq!(
                source("a", &files, sections),
                expected,
                "{credentials} {config}"
            );
        }
    }
}
