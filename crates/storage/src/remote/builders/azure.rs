//! The settings of Azure, from the environment variables and the login of its CLI.

use std::env;
use std::path::PathBuf;

use object_store::azure::{AzureConfigKey, MicrosoftAzureBuilder};

use crate::remote::own_options::OpenError;

/// Returns a builder with the environment variables that the object_store crate
/// reads, and with those of the Azure CLI.
pub(super) fn azure() -> Result<MicrosoftAzureBuilder, OpenError> {
    let mut builder = MicrosoftAzureBuilder::from_env();
    let set = [
        (AzureConfigKey::AccountName, "AZURE_STORAGE_ACCOUNT"),
        (AzureConfigKey::AccessKey, "AZURE_STORAGE_KEY"),
    ];
    for (key, variable) in set {
        if let Ok(value) = env::var(variable) {
            builder = builder.with_config(key, value);
        }
    }
    if let Ok(text) = env::var("AZURE_STORAGE_CONNECTION_STRING") {
        for part in text.split(';').filter(|part| !part.trim().is_empty()) {
            let Some((name, value)) = part.split_once('=') else {
                return Err(
                    "AZURE_STORAGE_CONNECTION_STRING is not of the form Name=Value;…".into(),
                );
            };
            let key = match name.trim() {
                "AccountName" => AzureConfigKey::AccountName,
                "AccountKey" => AzureConfigKey::AccessKey,
                "BlobEndpoint" => AzureConfigKey::Endpoint,
                "SharedAccessSignature" => AzureConfigKey::SasKey,
                _ => continue,
            };
            builder = builder.with_config(key, value);
        }
    }
    let credentials = [
        AzureConfigKey::AccessKey,
        AzureConfigKey::SasKey,
        AzureConfigKey::Token,
        AzureConfigKey::ClientSecret,
        AzureConfigKey::FederatedTokenFile,
        AzureConfigKey::MsiEndpoint,
    ];
    let has_credentials = credentials
        .iter()
        .any(|key| builder.get_config_value(key).is_some());
    let login = env::home_dir().map(|home| home.join(".azure/azureProfile.json"));
    if !has_credentials && login.is_some_and(|file: PathBuf| file.is_file()) {
        builder = builder.with_use_azure_cli(true);
    }
    Ok(builder)
}
