//! The shared files of AWS: `~/.aws/credentials` and `~/.aws/config`.
//!
//! Source: <https://docs.aws.amazon.com/sdkref/latest/guide/file-format.html>

use std::env;
use std::path::PathBuf;

use ini::{Ini, Properties};
use object_store::aws::{AmazonS3Builder, AmazonS3ConfigKey};

type OpenError = Box<dyn std::error::Error + Send + Sync>;

/// Returns the settings of the profile that the environment does not give.
pub(super) fn settings(
    builder: &AmazonS3Builder,
) -> Result<Vec<(AmazonS3ConfigKey, String)>, OpenError> {
    let asked = env::var("AWS_PROFILE").ok();
    let name = asked.as_deref().unwrap_or("default");
    let credentials = file("AWS_SHARED_CREDENTIALS_FILE", ".aws/credentials")?;
    let config = file("AWS_CONFIG_FILE", ".aws/config")?;
    let section = match name {
        "default" => "default".to_owned(),
        name => format!("profile {name}"),
    };
    let found = [
        credentials.section(Some(name)),
        config.section(Some(&section)),
    ];
    if asked.is_some() && found == [None, None] {
        return Err(format!("there is no AWS profile {name}, which AWS_PROFILE names").into());
    }
    let value = |name: &str| found.iter().flatten().find_map(|section| section.get(name));
    let is_set = |key: AmazonS3ConfigKey| builder.get_config_value(&key).is_some();

    let mut settings = Vec::new();
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
        return Ok(settings);
    }
    let secrets = [
        ("aws_access_key_id", AmazonS3ConfigKey::AccessKeyId),
        ("aws_secret_access_key", AmazonS3ConfigKey::SecretAccessKey),
        ("aws_session_token", AmazonS3ConfigKey::Token),
    ];
    let has_key = value("aws_access_key_id").is_some();
    if asked.is_some() && !has_key && found.iter().flatten().any(is_indirect) {
        return Err(format!(
            "the AWS profile {name} gets its credentials from somewhere else: put them into the \
             environment by  eval \"$(aws configure export-credentials --profile {name} --format env)\""
        )
        .into());
    }
    for (name, key) in secrets {
        if let Some(secret) = value(name) {
            settings.push((key, secret.to_owned()));
        }
    }
    Ok(settings)
}

/// Whether the section names another source of credentials.
fn is_indirect(section: &&Properties) -> bool {
    [
        "sso_session",
        "sso_start_url",
        "credential_process",
        "source_profile",
        "login_session",
    ]
    .iter()
    .any(|name| section.contains_key(name))
}

/// Reads a shared file; an absent file has no settings.
fn file(variable: &str, usual: &str) -> Result<Ini, OpenError> {
    let named = env::var_os(variable).map(PathBuf::from);
    let path = named.or_else(|| Some(env::home_dir()?.join(usual)));
    let Some(path) = path.filter(|path| path.is_file()) else {
        return Ok(Ini::new());
    };
    Ini::load_from_file_noescape(&path)
        .map_err(|error| format!("cannot read {}: {error}", path.display()).into())
}
