//! The process dies at every step of a conversion, and nothing is lost.

#[path = "../../../../tests/tally.rs"]
mod tally;

use std::collections::BTreeMap;
use std::fs;
use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use object_store::memory::InMemory;
use rxrx_format::Description;
use rxrx_metadata::Layout;
use tally::Tally;

use super::*;
use crate::events::Silent;
use crate::fixture::{Faulty, SIDE, image_path, png};
use crate::output::LockedOutput;
use rxrx_format::keys::{ROOT_METADATA, shard_key};
use rxrx_input::PlanOptions;
use rxrx_storage::{Remote, Store, StoreError, StoreErrorKind, StoredObject};

const SITES: usize = 5;
const CHANNELS: usize = 2;

/// A process that dies at one of its writes, as seen by its stores: before the
/// write has any effect, or after all of it. Between the two there is nothing,
/// for writes are atomic.
struct Life {
    writes_left: AtomicUsize,
    last_takes_effect: bool,
}

struct Mortal {
    inner: Arc<dyn Store>,
    life: Arc<Life>,
}

impl Mortal {
    fn write(&self, write: impl FnOnce() -> Result<(), StoreError>) -> Result<(), StoreError> {
        let left = &self.life.writes_left;
        let before = left.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |n| n.checked_sub(1));
        match before {
            Err(_) => Err(dead()),
            Ok(1) => {
                if self.life.last_takes_effect {
                    write()?;
                }
                Err(dead())
            }
            Ok(_) => write(),
        }
    }
}

fn dead() -> StoreError {
    StoreError::new(
        "reach",
        "anything".to_owned(),
        StoreErrorKind::Unreachable,
        "the process is dead",
    )
}

impl Store for Mortal {
    fn put(&self, key: &str, parts: &[&[u8]]) -> Result<(), StoreError> {
        self.write(|| self.inner.put(key, parts))
    }

    fn remove(&self, key: &str) -> Result<(), StoreError> {
        self.write(|| self.inner.remove(key))
    }

    fn get(&self, key: &str) -> Result<Option<Vec<u8>>, StoreError> {
        self.inner.get(key)
    }

    fn list(&self) -> Result<Vec<StoredObject>, StoreError> {
        self.inner.list()
    }
}

/// An input, and an output that is not there yet: on a disk, or in an object
/// store.
struct Scene {
    folder: tempfile::TempDir,
    cloud: Option<Arc<InMemory>>,
}

/// A folder where a flush costs nothing, if the machine has one.
fn in_memory() -> tempfile::TempDir {
    tempfile::tempdir_in("/dev/shm")
        .or_else(|_| tempfile::tempdir())
        .unwrap()
}

type Objects = BTreeMap<String, Vec<u8>>;

impl Scene {
    fn new() -> Self {
        let scene = Self {
            folder: in_memory(),
            cloud: None,
        };
        let mut table = "experiment,plate,well,site\n".to_owned();
        for site in 0..SITES {
            table += &format!("E-1,{},B02,1\n", site + 1);
            for channel in 0..CHANNELS {
                scene.write_image(site, channel, &good_png(site, channel));
            }
        }
        fs::write(scene.input().join("metadata.csv"), table).unwrap();
        scene
    }

    fn in_cloud() -> Self {
        Self {
            cloud: Some(Arc::new(InMemory::new())),
            ..Self::new()
        }
    }

    fn both() -> [Self; 2] {
        [Self::new(), Self::in_cloud()]
    }

    fn input(&self) -> PathBuf {
        self.folder.path().join("in")
    }

    fn output(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn place(&self, name: &str) -> OutputLocation {
        match &self.cloud {
            None => OutputLocation::new(self.output(name)).unwrap(),
            Some(store) => OutputLocation::in_store(Remote::on(store.clone(), name)),
        }
    }

    fn write_image(&self, site: usize, channel: usize, bytes: &[u8]) {
        let path = self.input().join(image_path(site, channel));
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, bytes).unwrap();
    }

    fn prepared(&self, shard_sites: usize) -> PlannedInput {
        let layout = Layout {
            shard_sites,
            ..Layout::default()
        };
        let options = PlanOptions {
            layout,
            ..PlanOptions::default()
        };
        PlannedInput::open(&self.input().into(), options).unwrap()
    }

    /// Runs `options` in a process that dies at write number `writes`.
    fn dies(
        &self,
        prepared: &PlannedInput,
        options: &ConvertOptions,
        writes: usize,
        last_takes_effect: bool,
    ) -> Result<Converted, ConvertError> {
        let life = Arc::new(Life {
            writes_left: AtomicUsize::new(writes),
            last_takes_effect,
        });
        let place = self.place("out").wrapped(|inner| {
            let life = Arc::clone(&life);
            Arc::new(Mortal { inner, life })
        });
        convert_at(&place, prepared, options, &Silent)
    }

    fn converts(&self, name: &str, shard_sites: usize, options: &ConvertOptions) -> Converted {
        let prepared = self.prepared(shard_sites);
        convert_at(&self.place(name), &prepared, options, &Silent).unwrap()
    }

    fn objects(&self, name: &str) -> Objects {
        let place = self.place(name);
        let store = place.store();
        let keys = store.list().unwrap().into_iter().map(|object| object.key);
        keys.map(|key| (key.clone(), store.get(&key).unwrap().unwrap()))
            .collect()
    }

    fn remove(&self, name: &str) {
        if let Some(store) = &self.cloud {
            for name in [name.to_owned(), format!("{name}.rxrx2zarr")] {
                let remote = Remote::on(store.clone(), &name);
                let keys = remote.list().unwrap().into_iter().map(|object| object.key);
                remote.remove_all(&keys.collect::<Vec<_>>()).unwrap();
            }
        }
        for name in [name.to_owned(), format!("{name}.rxrx2zarr")] {
            let _ = fs::remove_dir_all(self.output(&name));
        }
    }

    /// Demands that `out` is finished, with nothing beside it.
    #[track_caller]
    fn is_finished_as(&self, expected: &Objects) {
        assert_eq!(&self.objects("out"), expected);
        assert!(!self.place("out").has_work().unwrap());
    }
}

fn good_png(site: usize, channel: usize) -> Vec<u8> {
    png(SIDE, SIDE, (site * CHANNELS + channel) as u8)
}

fn options() -> ConvertOptions {
    ConvertOptions::default()
        .jobs(NonZeroUsize::new(2).unwrap())
        .allow_missing(true)
        .description(Description::look_alike())
}

/// Every write at which a process can die, on either side of its effect, until
/// it has so many that it lives.
fn deaths(of: &str, mut dies: impl FnMut(usize, bool) -> bool) {
    let mut tally = Tally::new(format!("death at every write of {of}"));
    for last_takes_effect in [false, true] {
        for writes in 1.. {
            if !dies(writes, last_takes_effect) {
                assert!(writes > 20, "it hardly did anything");
                break;
            }
            tally.round();
            tally.faults(1);
        }
    }
    tally.report();
}

#[test]
fn a_conversion_that_dies_anywhere_is_continued_to_the_same_bytes() {
    for scene in Scene::both() {
        scene.converts("whole", 2, &options());
        let whole = scene.objects("whole");
        let prepared = scene.prepared(2);
        deaths("a conversion", |writes, last_takes_effect| {
            scene.remove("out");
            let died = scene
                .dies(&prepared, &options(), writes, last_takes_effect)
                .is_err();
            let left = scene.objects("out");
            if left.contains_key(ROOT_METADATA) {
                assert_eq!(left, whole, "sealed, and not whole: write {writes}");
            }
            let again = scene.converts("out", 2, &options());
            assert!(again.planes.is_complete());
            scene.is_finished_as(&whole);
            died
        });
    }
}

#[test]
fn a_replacement_that_dies_anywhere_leaves_the_old_dataset_or_a_beginning() {
    for scene in Scene::both() {
        let over = options().existing(Existing::Replace);
        let (old_shards, new_shards) = (1, 2);
        scene.converts("old", old_shards, &options());
        scene.converts("new", new_shards, &options());
        let (old, new) = (scene.objects("old"), scene.objects("new"));
        let prepared = scene.prepared(new_shards);
        deaths("a replacement", |writes, last_takes_effect| {
            scene.remove("out");
            scene.converts("out", old_shards, &options());
            let died = scene
                .dies(&prepared, &over, writes, last_takes_effect)
                .is_err();
            let left = scene.objects("out");
            let sealed = left.contains_key(ROOT_METADATA);
            assert!(!sealed || left == old || left == new, "write {writes}");
            // Once the old dataset is none any more, there is nothing to insist on.
            let again = if left == old { &over } else { &options() };
            scene.converts("out", new_shards, again);
            scene.is_finished_as(&new);
            died
        });
    }
}

#[test]
fn a_retry_that_dies_anywhere_keeps_what_was_good_and_is_repeated() {
    for scene in Scene::both() {
        a_retry_dies_anywhere(&scene);
    }
}

fn a_retry_dies_anywhere(scene: &Scene) {
    scene.converts("whole", 2, &options());
    let whole = scene.objects("whole");
    let retry = options().existing(Existing::RetryBad);
    // Two units have bad planes, one has none.
    let damage = || {
        scene.write_image(0, 1, b"no PNG");
        fs::remove_file(scene.input().join(image_path(4, 0))).unwrap();
    };
    let repair = || {
        scene.write_image(0, 1, &good_png(0, 1));
        scene.write_image(4, 0, &good_png(4, 0));
    };
    damage();
    scene.converts("gaps", 2, &options());
    let gaps = scene.objects("gaps");
    repair();
    for (continued, then) in [(&retry, None), (&options(), Some(&retry))] {
        deaths("a retry", |writes, last_takes_effect| {
            scene.remove("out");
            damage();
            scene.converts("out", 2, &options());
            repair();
            let prepared = scene.prepared(2);
            let died = scene
                .dies(&prepared, &retry, writes, last_takes_effect)
                .is_err();
            let left = scene.objects("out");
            let sealed = left.contains_key(ROOT_METADATA);
            assert!(!sealed || left == gaps || left == whole, "write {writes}");
            scene.converts("out", 2, continued);
            if let Some(then) = then {
                scene.converts("out", 2, then);
            }
            scene.is_finished_as(&whole);
            died
        });
    }
}

/// A retry needs no journal of the units that stay: it is interrupted while it has
/// the record of one unit of three, loses a shard of another, and is continued.
#[test]
fn a_retry_records_only_the_units_that_it_converts() {
    for scene in Scene::both() {
        scene.converts("whole", 2, &options());
        let whole = scene.objects("whole");
        scene.write_image(0, 1, b"no PNG");
        scene.converts("out", 2, &options());
        scene.write_image(0, 1, &good_png(0, 1));
        let retry = options().existing(Existing::RetryBad);
        let prepared = scene.prepared(2);
        let is_sealed = || scene.objects("out").contains_key(ROOT_METADATA);
        let mut writes = 0;
        while is_sealed() {
            writes += 1;
            scene.dies(&prepared, &retry, writes, true).unwrap_err();
        }
        let recorded = || -> Vec<usize> {
            let records = scene.place("out").journal().records().unwrap().whole;
            records.iter().map(|record| record.unit.shard).collect()
        };
        assert_eq!(recorded(), [0]);
        let retried = || scene.place("out").journal().run().unwrap().unwrap().retried;
        assert_eq!(retried(), Some([0].into()));

        let place = scene.place("out");
        let lock = LockedOutput::take(&place).unwrap();
        place.store().remove(&shard_key(1)).unwrap();
        drop(lock);
        // The description of the run is written, and no shard.
        scene.dies(&prepared, &retry, 1, true).unwrap_err();
        assert_eq!(retried(), Some([0, 1].into()));
        let converted = scene.converts("out", 2, &retry);
        assert_eq!(converted.sites_before, SITES - 4);
        scene.is_finished_as(&whole);
    }
}

#[test]
fn a_store_that_fails_now_and_then_costs_nothing_but_time() {
    for scene in Scene::both() {
        scene.converts("whole", 2, &options());
        let whole = scene.objects("whole");
        let prepared = scene.prepared(2);
        let mut tally = Tally::new("a store that fails at random");
        for seed in 0..40 {
            tally.round();
            scene.remove("out");
            let failing = 1 + seed as u32 % 6;
            for attempt in 0.. {
                let injected = Arc::new(AtomicUsize::new(0));
                let place = scene.place("out").wrapped(|inner| {
                    let seed = seed + 100 * attempt;
                    Arc::new(Faulty::new(inner, failing, seed, Arc::clone(&injected)))
                });
                let outcome = convert_at(&place, &prepared, &options(), &Silent);
                tally.faults(injected.load(Ordering::Relaxed));
                match outcome {
                    Ok(_) => break,
                    Err(error) => {
                        assert!(attempt < 500, "{error}");
                        let left = scene.objects("out");
                        if left.get(ROOT_METADATA) == whole.get(ROOT_METADATA) {
                            assert_eq!(left, whole, "sealed, and not whole");
                        }
                    }
                }
            }
            scene.converts("out", 2, &options());
            scene.is_finished_as(&whole);
        }
        tally.report();
    }
}

#[test]
fn a_complete_dataset_is_left_as_it_is() {
    for scene in Scene::both() {
        let first = scene.converts("out", 2, &options());
        let before = scene.objects("out");
        let again = scene.converts("out", 2, &options());
        assert_eq!((first.sites_before, again.sites_before), (0, SITES));
        assert_eq!(again.source_bytes, first.source_bytes);
        assert_eq!(again.planes, first.planes);
        let retry = options().existing(Existing::RetryBad);
        scene.converts("out", 2, &retry);
        scene.is_finished_as(&before);
    }
}

#[test]
fn a_retry_with_a_damaged_shard_changes_nothing() {
    let scene = Scene::new();
    scene.write_image(0, 1, b"no PNG");
    scene.converts("out", 2, &options());
    let key = "images.zarr/images/c/0/0/0/0";
    let path = scene.output("out").join(key);
    let mut shard = fs::read(&path).unwrap();
    shard[0] ^= 1;
    fs::write(&path, shard).unwrap();
    let before = scene.objects("out");
    scene.write_image(0, 1, &good_png(0, 1));
    let retry = options().existing(Existing::RetryBad);
    let error = convert_at(&scene.place("out"), &scene.prepared(2), &retry, &Silent).unwrap_err();
    assert!(
        matches!(&error, ConvertError::DamagedShard { key: damaged, .. } if damaged == key),
        "{error}"
    );
    scene.is_finished_as(&before);
}
