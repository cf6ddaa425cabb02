//! Values for tests.

pub use rxrx_codec::testing::noise;
pub use rxrx_metadata::testing::{SIDE, image_path, plan};
use rxrx_metadata::{DataType, Layout, NameOptions, Profile};

use crate::codec::chain::Codec;
use crate::description::Description;
use crate::root::Settings;

/// Shards of `shard_sites`, chunks of one site.
pub fn shards_of(shard_sites: usize) -> Layout {
    Layout {
        shard_sites: Some(shard_sites),
        ..Layout::default()
    }
}

/// The description of RxRx1, 8 bit.
///
/// # Panics
/// There is no such profile.
#[allow(clippy::unwrap_used, reason = "tests may unwrap")]
pub fn rxrx1() -> Description {
    Description::of_profile(&Profile::named("rxrx1").unwrap(), DataType::UInt8)
}

/// Settings that fit any plan.
pub fn settings() -> Settings {
    Settings {
        names: NameOptions::default(),
        codec: Codec::BloscZstd,
        chunk_sites: 1,
        chunk_channels: 2,
        shard_sites: 2,
        tile: None,
        include: Vec::new(),
        exclude: vec!["sirna=".to_owned()],
        controls: Vec::new(),
        only_present: false,
        image_decoder: None,
        pixel_size: None,
    }
}
