//! Datasets for tests.

use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::sync::{Arc, Mutex};

use rxrx_format::keys::{ROOT_METADATA, SITES, shard_key};
use rxrx_format::testing::plan;
use rxrx_format::{
    ArrayGeometry, ChunkAddress, Codec, ColumnMeanings, DataType, GroupEncoder, GroupScratch,
    Layout, ShardIndex, SitePlace, Tiles, array_metadata, channel_chunks, site_chunks, sites_table,
};
use rxrx_storage::testing::Memory;
use rxrx_storage::{LocalStore, Store, StoreError, StoredObject, Version};
use serde_json::json;
use std::ops::Range;

use crate::dataset::Dataset;

/// The kept dataset of format 3; `tests/data/README.md` tells what it contains.
pub(super) fn format_3_folder() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../tests/data/format-3")
}

/// A copy of the kept dataset of format 3 in memory.
pub(super) fn format_3() -> Memory {
    let (folder, memory) = (LocalStore::read_only(format_3_folder()), Memory::new());
    let objects = folder.list().unwrap();
    assert!(objects.len() > 10, "{objects:?}");
    for object in objects {
        let bytes = folder.get(&object.key).unwrap().unwrap();
        memory.put(&object.key, &[&bytes]).unwrap();
    }
    memory
}

pub(super) fn opened(store: impl Store + 'static) -> Dataset {
    Dataset::from_store(Box::new(store), "made").unwrap()
}

pub(super) fn threads(threads: usize) -> NonZeroUsize {
    NonZeroUsize::new(threads).unwrap()
}

/// Replaces an object by what `change` makes of it.
pub(super) fn change(store: &Memory, key: &str, change: impl FnOnce(&mut Vec<u8>)) {
    let mut bytes = store.get(key).unwrap().unwrap();
    change(&mut bytes);
    store.put(key, &[&bytes]).unwrap();
}

/// The shape of a small dataset: sites, channels, sites in a chunk, channels in a
/// chunk, sites in a shard.
#[derive(Clone, Copy, Debug)]
pub(super) struct Shape {
    pub(super) sites: usize,
    pub(super) channels: usize,
    pub(super) chunk_sites: usize,
    pub(super) chunk_channels: usize,
    pub(super) shard_sites: usize,
    /// Pixels of a tile along y and along x.
    pub(super) tile: Option<usize>,
    pub(super) data_type: DataType,
}

impl Shape {
    fn layout(self) -> Layout {
        Layout {
            chunk_sites: self.chunk_sites,
            chunk_channels: Some(self.chunk_channels),
            tiles: self.tile.map_or(Tiles::Whole, Tiles::Of),
            shard_sites: Some(self.shard_sites),
        }
    }

    pub(super) fn geometry(self) -> ArrayGeometry {
        let layout = self.layout();
        ArrayGeometry::new(self.sites, self.channels, 3, 5, self.data_type, layout).unwrap()
    }

    /// The bytes of one plane: no two planes are equal.
    pub(super) fn plane(self, site: usize, channel: usize) -> Vec<u8> {
        let bytes = self.geometry().plane_bytes();
        (0..bytes)
            .map(|at| (site * 31 + channel * 7 + at) as u8)
            .collect()
    }

    /// The bytes of all channels of one site.
    pub(super) fn site(self, site: usize) -> Vec<u8> {
        let planes = (0..self.channels).map(|channel| self.plane(site, channel));
        planes.collect::<Vec<_>>().concat()
    }

    /// The root metadata, the table of sites and the shards of such a dataset.
    pub(super) fn store(self) -> Memory {
        let (store, geometry) = (Memory::new(), self.geometry());
        let mut places = Vec::new();
        for shard in 0..geometry.shards() {
            let (bytes, ranges) = self.shard(&geometry, shard);
            store.put(&shard_key(shard), &[&bytes]).unwrap();
            let columns = site_chunks(&geometry);
            let groups = channel_chunks(&geometry);
            for (row, ranges) in ranges.chunks(columns).enumerate() {
                let address = ChunkAddress::new(&geometry, &geometry.unit(shard), row * groups);
                for _ in address.sites {
                    places.push(SitePlace {
                        range: ranges[0].start..ranges[columns - 1].end,
                        complete: true,
                    });
                }
            }
        }
        let table = sites_table(
            &plan(self.sites, self.channels, self.layout()),
            &places,
            &ColumnMeanings::default(),
            &[],
        );
        store.put(SITES, &[&table.unwrap()]).unwrap();
        let root = self.root(&geometry).to_string();
        store.put(ROOT_METADATA, &[root.as_bytes()]).unwrap();
        store
    }

    /// The bytes of a shard and the range of each of its chunks.
    fn shard(self, geometry: &ArrayGeometry, shard: usize) -> (Vec<u8>, Vec<Range<u64>>) {
        let (unit, mut index) = (geometry.unit(shard), ShardIndex::default());
        let rows = unit.sites.len().div_ceil(self.chunk_sites);
        let encoder = GroupEncoder::new(Codec::Zstd, geometry).unwrap();
        let (mut scratch, mut stored) = (GroupScratch::default(), Vec::new());
        let mut bytes = Vec::new();
        for chunk in 0..rows * channel_chunks(geometry) {
            let address = ChunkAddress::new(geometry, &unit, chunk);
            let mut group = encoder.begin(&mut scratch, &mut stored);
            for position in address.positions(geometry) {
                let pixels = group.plane_buffer().unwrap();
                match position {
                    Some(plane) => {
                        pixels.copy_from_slice(&self.plane(plane.site.0, plane.channel));
                    }
                    None => pixels.fill(0),
                }
                group.push().unwrap();
            }
            for length in group.finish().unwrap() {
                index.add(length);
            }
            bytes.extend_from_slice(&stored);
        }
        bytes.extend(index.encode(geometry.chunks_per_shard()));
        (bytes, index.ranges().to_vec())
    }

    fn root(self, geometry: &ArrayGeometry) -> serde_json::Value {
        let channels: Vec<_> = (1..=self.channels)
            .map(|channel| {
                json!({"name": format!("w{channel}"), "stain": "", "structure": "",
                    "color": "FFFFFF", "window": {"start": 0, "end": 255, "min": 0, "max": 255}})
            })
            .collect();
        json!({"zarr_format": 3, "node_type": "group",
            "attributes": {
                "name": "made", "license": "CC0-1.0", "citation": "nobody",
                "channels": channels, "generator": "rxrx2zarr 0.1.0",
                "settings": {"codec": "zstd", "chunk_sites": self.chunk_sites,
                    "chunk_channels": self.chunk_channels, "shard_sites": self.shard_sites,
                    "tile": geometry.tile, "include": [], "exclude": []},
                "planes": {"ok": self.sites * self.channels, "missing": 0, "unreadable": 0, "corrupt": 0},
                "format_version": 4, "encoder_revision": 3, "format_draft": true,
                "metadata_sha256": "00",
            },
            "consolidated_metadata": {"kind": "inline", "must_understand": false,
                "metadata": {"images": array_metadata(geometry, &[], Codec::Zstd)}},
        })
    }
}

/// A store that notes what was read of it: the key, and the bytes of a part.
pub(super) struct Recording {
    inner: Memory,
    pub(super) reads: Arc<Mutex<Vec<String>>>,
}

impl Recording {
    pub(super) fn new(inner: Memory) -> Self {
        Self {
            inner,
            reads: Arc::default(),
        }
    }
}

impl Store for Recording {
    fn put(&self, key: &str, parts: &[&[u8]]) -> Result<(), StoreError> {
        self.inner.put(key, parts)
    }

    fn get(&self, key: &str) -> Result<Option<Vec<u8>>, StoreError> {
        self.reads.lock().unwrap().push(key.to_owned());
        self.inner.get(key)
    }

    fn get_range(&self, key: &str, range: Range<u64>) -> Result<Option<Vec<u8>>, StoreError> {
        let mut reads = self.reads.lock().unwrap();
        reads.push(format!("{key} {}..{}", range.start, range.end));
        self.inner.get_range(key, range)
    }

    fn version(&self, key: &str) -> Result<Option<Version>, StoreError> {
        self.inner.version(key)
    }

    fn remove(&self, key: &str) -> Result<(), StoreError> {
        self.inner.remove(key)
    }

    fn list(&self) -> Result<Vec<StoredObject>, StoreError> {
        self.inner.list()
    }
}
