//! The store options of this program, beside those of the object_store crate.
//!
//! | key | value |
//! |---|---|
//! | `retry_timeout` | seconds for which a failed request is repeated |
//! | `max_retries` | how often it is repeated |
//! | `max_bandwidth` | bytes a second, such as `50MB` |
//! | `checksum` | the checksum of uploads: see [`UploadChecksum`] |
//! | `storage_class` | the class of the objects of OUTPUT |

use std::env;
use std::error::Error;
use std::time::Duration;

use object_store::RetryConfig;
use rxrx_transport::{Bandwidth, TransportSettings, UploadChecksum};

use crate::byte_rate::bytes_a_second;
use crate::location::{Address, StoreOption};

/// The reason why a store cannot be opened.
pub(super) type OpenError = Box<dyn Error + Send + Sync>;

/// The time for which a failed request is repeated.
pub(super) const RETRY_FOR: Duration = Duration::from_secs(180);

const RETRY_TIMEOUT: &str = "retry_timeout";
const MAX_RETRIES: &str = "max_retries";
const CHECKSUM: &str = "checksum";
const STORAGE_CLASS: &str = "storage_class";
const OWN: [&str; 5] = [
    RETRY_TIMEOUT,
    MAX_RETRIES,
    StoreOption::MAX_BANDWIDTH,
    CHECKSUM,
    STORAGE_CLASS,
];

/// Whether object_store does not know the key, which is in lower case.
pub(super) fn is_own(key: &str) -> bool {
    OWN.contains(&key)
}

/// Returns the text of an unknown key.
pub(super) fn unknown(key: &str) -> String {
    let own = OWN.join(", ");
    format!(
        "there is no store option {key} here: use those of the object_store crate, such as \
         endpoint, region, skip_signature, allow_http or timeout, or one of {own}"
    )
}

/// Returns the value of the last option with one of these keys, which are in lower case.
fn value<'a>(address: &'a Address, keys: &[&str]) -> Option<&'a str> {
    let mut options = address.options().iter().rev();
    let option = options.find(|option| keys.contains(&&*option.key.to_ascii_lowercase()));
    option.map(|option| option.value.as_str())
}

/// Returns how often and how long a failed request is repeated.
pub(super) fn retry(address: &Address) -> Result<RetryConfig, OpenError> {
    let number = |key: &str| {
        let refused = |_| format!("--store-option {key} is not a whole number");
        let value = value(address, &[key]);
        value
            .map(|value| value.parse::<u64>().map_err(refused))
            .transpose()
    };
    let max_retries = number(MAX_RETRIES)?.map_or(Ok(usize::MAX), usize::try_from)?;
    Ok(RetryConfig {
        retry_timeout: number(RETRY_TIMEOUT)?.map_or(RETRY_FOR, Duration::from_secs),
        max_retries,
        ..RetryConfig::default()
    })
}

/// Returns the checksum of uploads that the user has chosen.
pub(super) fn checksum(address: &Address) -> Result<Option<UploadChecksum>, OpenError> {
    let chosen = value(address, &[CHECKSUM]).map(|name| {
        let unknown =
            || format!("{name} is no checksum of uploads: use none, md5, crc64nvme or sha256");
        UploadChecksum::parse(name).ok_or_else(unknown)
    });
    Ok(chosen.transpose()?)
}

/// Returns the class of the objects of an output.
///
/// # Errors
/// Objects of that class have to be restored before they can be read, and a run reads some
/// of what it has put.
pub(super) fn storage_class(address: &Address) -> Result<Option<String>, OpenError> {
    const ARCHIVES: [&str; 4] = ["GLACIER", "DEEP_ARCHIVE", "ARCHIVE", "SNOW"];
    let class = value(address, &[STORAGE_CLASS]);
    // Objects in the class ARCHIVE of Google are read at once.
    let has_archives = address.url().scheme() != "gs";
    let is_archive = |class: &&str| ARCHIVES.iter().any(|name| name.eq_ignore_ascii_case(class));
    if let Some(class) = class.filter(|class| has_archives && is_archive(class)) {
        return Err(format!(
            "objects of the class {class} cannot be read at once, and a run reads what it has put: \
             use a class such as STANDARD_IA, INTELLIGENT_TIERING or GLACIER_IR, and move the \
             complete dataset to {class} by a life-cycle rule"
        )
        .into());
    }
    Ok(class.map(str::to_owned))
}

/// Returns what the HTTP client of the store does.
pub(super) fn transport(address: &Address) -> Result<TransportSettings, OpenError> {
    let bandwidth = value(address, &[StoreOption::MAX_BANDWIDTH]).map(|text| {
        bytes_a_second(text).ok_or_else(|| {
            format!("{text} is no number of bytes a second: use a number such as 50MB or 500kB")
        })
    });
    Ok(TransportSettings {
        bandwidth: bandwidth.transpose()?.map(Bandwidth::shared),
        wait_at_most: retry(address)?.retry_timeout,
        ..TransportSettings::default()
    })
}

/// Returns whether the user has not said that the store ignores conditions.
pub(super) fn has_conditions(address: &Address) -> bool {
    let set = value(address, &["conditional_put", "aws_conditional_put"]);
    let set = set.map(str::to_owned);
    let set = set.or_else(|| env::var("AWS_CONDITIONAL_PUT").ok());
    set.is_none_or(|value| value != "disabled")
}
