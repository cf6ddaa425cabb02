//! A sealed dataset, opened.

mod error;
mod info;
mod root;

pub use self::error::DatasetError;
pub use self::info::DatasetInfo;
pub use self::root::{Owner, parse_root, read_root};
