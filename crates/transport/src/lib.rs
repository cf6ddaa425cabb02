#![doc = include_str!("../README.md")]
//!
//! ## Modules
//!
//! ```text
//! guard                 errors, endless lists and answers without end
//!  └─ transport            the HTTP client: proxies, certificates, pace, bandwidth
//! one_file              a file at an address with a query
//! renewal, signer       requests to S3 that are signed again
//!  └─ credentials          keys of a profile, and programs that give them
//!      └─ aws_profile, shared_files   ~/.aws
//! causes                the causes of an error
//! waiting               hosts that have not answered for a while
//! checksum, upload_checksums   checksums that a server compares
//! stated_checksums      checksums that a server states
//! platform              the call that differs between operating systems
//! ```

mod aws_profile;
mod causes;
mod checksum;
mod cloud;
mod credentials;
mod guard;
mod one_file;
mod platform;
mod renewal;
mod shared_files;
mod signer;
mod stated_checksums;
#[cfg(test)]
mod test_runtime;
mod transport;
mod upload_checksums;
mod waiting;

pub use self::aws_profile::{Profile, profile};
pub use self::causes::causes;
pub use self::checksum::{ChecksumStore, ChosenChecksum, UploadChecksum};
pub use self::cloud::Cloud;
pub use self::credentials::{CredentialError, CredentialSource, ProfileCredentials, parse_time};
pub use self::guard::{GuardedConnector, innermost, is_redirect, is_unimplemented};
pub use self::one_file::OneFileConnector;
pub use self::renewal::Renewal;
pub use self::signer::Signer;
pub use self::stated_checksums::{ASK_FOR_CHECKSUMS, StatedChecksums, checksum_of_tag};
pub use self::transport::{Bandwidth, Pace, Transport, TransportSettings};
pub use self::upload_checksums::{Md5Tags, add_checksum};
pub use self::waiting::{Waiting, waiting};
