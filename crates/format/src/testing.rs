//! Values for tests.

use rxrx_metadata::Layout;
pub use rxrx_metadata::testing::{SIDE, image_path, plan};

use crate::codec::chain::Codec;
use crate::root::Settings;

/// Shards of `shard_sites`, chunks of one site.
pub fn shards_of(shard_sites: usize) -> Layout {
    Layout {
        shard_sites,
        ..Layout::default()
    }
}

/// Settings that fit any plan.
pub fn settings() -> Settings {
    Settings {
        codec: Codec::BloscZstd,
        chunk_sites: 1,
        chunk_channels: 2,
        shard_sites: 2,
        include: Vec::new(),
        exclude: vec!["sirna=".to_owned()],
    }
}
