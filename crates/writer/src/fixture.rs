//! Plans, images and stores made of values, for the tests of this crate.

use std::collections::BTreeMap;
use std::io::{self, Cursor};
use std::num::NonZeroUsize;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use image::{GrayImage, ImageFormat, Luma};
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use rxrx_metadata::{DataType, Join, Layout, Listing, MetadataTable, Plan, Selection, Unit};

use crate::codec::{ChunkEncoder, Codec};
use crate::events::Silent;
use crate::hierarchy::Settings;
use crate::journal::Journal;
use crate::output::Output;
use crate::pipeline::Pipeline;
use crate::record::{StoredUnit, UnitRecord};
use crate::source::{Source, SourceStamp};
use crate::store::conformance::conforms;
use crate::store::{Store, StoreError, StoredObject};

/// Rows and columns of every plane.
pub(crate) const SIDE: usize = 4;

/// The path of an image of [`plan`].
pub(crate) fn image_path(site: usize, channel: usize) -> String {
    format!("E-1/Plate{}/B02_s1_w{}.png", site + 1, channel + 1)
}

/// A plan of `sites` plates with one site each.
pub(crate) fn plan(sites: usize, channels: usize, layout: Layout) -> Plan {
    let mut table = "experiment,plate,well,site,dose\n".to_owned();
    let mut paths: Vec<Box<str>> = Vec::new();
    for site in 0..sites {
        table += &format!("E-1,{},B02,1,{}.5\n", site + 1, site);
        paths.extend((0..channels).map(|channel| image_path(site, channel).into()));
    }
    let table = MetadataTable::read("metadata.csv", table.as_bytes()).unwrap();
    let listing = Listing::from_paths(paths);
    let join = Join::new(table, listing, &Selection::default()).unwrap();
    Plan::new(join, SIDE, SIDE, DataType::UInt8, layout).unwrap()
}

/// Shards of `shard_sites`, chunks of one site.
pub(crate) fn shards_of(shard_sites: usize) -> Layout {
    Layout {
        shard_sites,
        ..Layout::default()
    }
}

/// Settings that fit any plan.
pub(crate) fn settings() -> Settings {
    Settings {
        codec: Codec::BloscZstd,
        chunk_sites: 1,
        chunk_channels: 2,
        shard_sites: 2,
        include: Vec::new(),
        exclude: vec!["sirna=".to_owned()],
    }
}

/// A PNG of one grey.
pub(crate) fn png(height: usize, width: usize, grey: u8) -> Vec<u8> {
    let image = GrayImage::from_pixel(width as u32, height as u32, Luma([grey]));
    let mut bytes = Cursor::new(Vec::new());
    image.write_to(&mut bytes, ImageFormat::Png).unwrap();
    bytes.into_inner()
}

/// Image files in memory.
#[derive(Clone, Debug, Default)]
pub(crate) struct Images(pub(crate) BTreeMap<String, Vec<u8>>);

impl Images {
    /// An image for each plane of [`plan`], as bright as its site's number.
    pub(crate) fn of(sites: usize, channels: usize) -> Self {
        let planes = (0..sites).flat_map(|site| (0..channels).map(move |c| (site, c)));
        Self(
            planes
                .map(|(site, channel)| (image_path(site, channel), png(SIDE, SIDE, site as u8)))
                .collect(),
        )
    }
}

impl Source for Images {
    fn read(&self, path: &str, at_most: usize, bytes: &mut Vec<u8>) -> io::Result<SourceStamp> {
        let file = self.0.get(path).ok_or(io::ErrorKind::NotFound)?;
        bytes.clear();
        bytes.extend_from_slice(&file[..at_most.min(file.len())]);
        self.stamp(path)
    }

    fn stamp(&self, path: &str) -> io::Result<SourceStamp> {
        let file = self.0.get(path).ok_or(io::ErrorKind::NotFound)?;
        Ok(SourceStamp {
            bytes: file.len() as u64,
            version: None,
        })
    }
}

/// Objects in memory in the order in which they were put; full after some.
#[derive(Debug)]
pub(crate) struct Memory {
    pub(crate) objects: Mutex<Vec<(String, Vec<u8>)>>,
    pub(crate) room_for: usize,
}

impl Memory {
    /// A store in which every put beyond `room_for` fails.
    pub(crate) fn with_room_for(room_for: usize) -> Self {
        Self {
            objects: Mutex::default(),
            room_for,
        }
    }

    pub(crate) fn new() -> Self {
        Self::with_room_for(usize::MAX)
    }

    pub(crate) fn keys(&self) -> Vec<String> {
        let objects = self.objects.lock().unwrap();
        objects.iter().map(|(key, _)| key.clone()).collect()
    }
}

impl Store for Memory {
    fn put(&self, key: &str, parts: &[&[u8]]) -> Result<(), StoreError> {
        let mut objects = self.objects.lock().unwrap();
        if objects.len() == self.room_for {
            return Err(StoreError {
                action: "write",
                object: key.to_owned(),
                source: "the store is full".into(),
            });
        }
        objects.push((key.to_owned(), parts.concat()));
        Ok(())
    }

    fn get(&self, key: &str) -> Result<Option<Vec<u8>>, StoreError> {
        let objects = self.objects.lock().unwrap();
        let object = objects.iter().rfind(|(known, _)| known == key);
        Ok(object.map(|(_, bytes)| bytes.clone()))
    }

    fn remove(&self, key: &str) -> Result<(), StoreError> {
        self.objects
            .lock()
            .unwrap()
            .retain(|(known, _)| known != key);
        Ok(())
    }

    fn list(&self) -> Result<Vec<StoredObject>, StoreError> {
        let objects = self.objects.lock().unwrap();
        // Of an object that was put twice, the later one is there.
        let sizes = objects.iter().map(|(key, bytes)| (key, bytes.len()));
        let list = BTreeMap::from_iter(sizes).into_iter();
        Ok(list
            .map(|(key, size)| StoredObject {
                key: key.clone(),
                size: size as u64,
            })
            .collect())
    }
}

/// Runs all units of `plan`, on one core, and returns their records.
pub(crate) fn run_units(
    plan: &Plan,
    source: &dyn Source,
    output: &Output<'_>,
    work: &Memory,
) -> Vec<UnitRecord> {
    let encoder = ChunkEncoder::new(settings().codec, plan.geometry()).unwrap();
    let journal = Journal::new(work);
    let units: Vec<Unit> = plan.units().collect();
    let pipeline = pipeline(plan, source, &encoder, output, &journal);
    pipeline.run(&units).unwrap();
    journal.records().unwrap().whole
}

/// A pipeline of one core that is told nothing and begins with nothing.
pub(crate) fn pipeline<'a>(
    plan: &'a Plan,
    source: &'a dyn Source,
    encoder: &'a ChunkEncoder,
    output: &'a Output<'a>,
    journal: &'a Journal<'a>,
) -> Pipeline<'a> {
    static NO_UNIT: BTreeMap<usize, StoredUnit> = BTreeMap::new();
    static NEVER: AtomicBool = AtomicBool::new(false);
    Pipeline {
        plan,
        source,
        encoder,
        output,
        journal,
        former: &NO_UNIT,
        observer: &Silent,
        jobs: NonZeroUsize::MIN,
        strict: false,
        stop: &NEVER,
    }
}

/// A store that fails now and then, or takes its time: what a disk or a network
/// does on a bad day. The same seed has the same bad day.
pub(crate) struct Faulty {
    inner: Arc<dyn Store>,
    random: Mutex<ChaCha8Rng>,
    /// How many of a hundred operations fail.
    failing: u32,
    faults: Arc<AtomicUsize>,
}

/// What happens to one operation.
enum Fault {
    None,
    /// It has no effect.
    Before,
    /// Only part of the bytes arrives.
    Short,
    /// It has its effect, and nobody is told.
    After,
    Delay,
}

impl Faulty {
    pub(crate) fn new(
        inner: Arc<dyn Store>,
        failing: u32,
        seed: u64,
        faults: Arc<AtomicUsize>,
    ) -> Self {
        Self {
            inner,
            random: Mutex::new(ChaCha8Rng::seed_from_u64(seed)),
            failing,
            faults,
        }
    }

    fn fault(&self) -> Fault {
        let mut random = self.random.lock().unwrap();
        if random.random_range(0..100) >= self.failing {
            return match random.random_range(0..20) {
                0 => Fault::Delay,
                _ => Fault::None,
            };
        }
        self.faults.fetch_add(1, Ordering::Relaxed);
        match random.random_range(0..3) {
            0 => Fault::Before,
            1 => Fault::Short,
            _ => Fault::After,
        }
    }

    fn write(
        &self,
        whole: impl FnOnce() -> Result<(), StoreError>,
        short: impl FnOnce() -> Result<(), StoreError>,
    ) -> Result<(), StoreError> {
        match self.fault() {
            Fault::None => return whole(),
            Fault::Delay => {
                std::thread::sleep(Duration::from_millis(2));
                return whole();
            }
            Fault::Before => {}
            Fault::Short => short()?,
            Fault::After => whole()?,
        }
        Err(bad_day())
    }

    fn read<T>(&self, read: impl FnOnce() -> Result<T, StoreError>) -> Result<T, StoreError> {
        match self.fault() {
            Fault::None | Fault::Delay => read(),
            _ => Err(bad_day()),
        }
    }
}

fn bad_day() -> StoreError {
    StoreError {
        action: "reach",
        object: "it".to_owned(),
        source: "a fault was injected".into(),
    }
}

impl Store for Faulty {
    fn put(&self, key: &str, parts: &[&[u8]]) -> Result<(), StoreError> {
        let bytes = parts.concat();
        let short = || self.inner.put(key, &[&bytes[..bytes.len() / 2]]);
        self.write(|| self.inner.put(key, parts), short)
    }

    fn remove(&self, key: &str) -> Result<(), StoreError> {
        self.write(|| self.inner.remove(key), || Ok(()))
    }

    fn get(&self, key: &str) -> Result<Option<Vec<u8>>, StoreError> {
        self.read(|| self.inner.get(key))
    }

    fn list(&self) -> Result<Vec<StoredObject>, StoreError> {
        self.read(|| self.inner.list())
    }
}

#[test]
fn stores_of_the_tests_are_stores() {
    conforms(&Memory::new());
    conforms(&Faulty::new(Arc::new(Memory::new()), 0, 1, Arc::default()));
}
