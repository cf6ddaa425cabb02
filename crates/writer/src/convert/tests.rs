//! Interruption of a conversion at every write: nothing is lost.

mod crashing_store;
#[path = "../../../../tests/tally.rs"]
mod tally;
mod unflushed;

use std::fs;
use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use object_store::memory::InMemory;
use rxrx_format::Description;
use rxrx_metadata::Layout;
use tally::Tally;

use self::crashing_store::{CrashingStore, WritesLeft};
use super::*;
use crate::events::Silent;
use crate::fixture::{Faulty, Objects, SIDE, dataset, image_path, png};
use crate::output::LockedOutput;
use rxrx_format::keys::{STORE_CHECKSUMS, shard_key};
use rxrx_input::PlanOptions;
use rxrx_reader::Dataset;
use rxrx_storage::{Remote, RemoteStore, Store};
use rxrx_verify::verify_by_store;

const SITES: usize = 5;
const CHANNELS: usize = 2;

/// An input, and outputs on a disk or in an object store.
struct TestDirs {
    folder: tempfile::TempDir,
    object_store: Option<Arc<InMemory>>,
}

/// Makes a folder in memory, where a flush takes no time, if the machine has one.
fn in_memory() -> tempfile::TempDir {
    tempfile::tempdir_in("/dev/shm")
        .or_else(|_| tempfile::tempdir())
        .unwrap()
}

impl TestDirs {
    fn new() -> Self {
        let dirs = Self {
            folder: in_memory(),
            object_store: None,
        };
        let mut table = "experiment,plate,well,site\n".to_owned();
        for site in 0..SITES {
            table += &format!("E-1,{},B02,1\n", site + 1);
            for channel in 0..CHANNELS {
                dirs.write_image(site, channel, &good_image(site, channel));
            }
        }
        fs::write(dirs.input().join("metadata.csv"), table).unwrap();
        dirs
    }

    fn in_object_store() -> Self {
        Self {
            object_store: Some(Arc::new(InMemory::new())),
            ..Self::new()
        }
    }

    fn both() -> [Self; 2] {
        [Self::new(), Self::in_object_store()]
    }

    fn input(&self) -> PathBuf {
        self.folder.path().join("in")
    }

    fn output(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn place(&self, name: &str) -> OutputLocation {
        match &self.object_store {
            None => OutputLocation::new(self.output(name)).unwrap(),
            Some(store) => OutputLocation::in_store(Remote::on(store.clone(), name)).unwrap(),
        }
    }

    fn write_image(&self, site: usize, channel: usize, bytes: &[u8]) {
        let path = self.input().join(image_path(site, channel));
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, bytes).unwrap();
    }

    fn prepared(&self, shard_sites: usize) -> PlannedInput {
        let layout = Layout {
            shard_sites: Some(shard_sites),
            ..Layout::default()
        };
        let options = PlanOptions {
            layout,
            ..PlanOptions::default()
        };
        PlannedInput::open(&self.input().into(), options).unwrap()
    }

    /// Runs `options` in a process that crashes at write number `writes`.
    fn crash_at(
        &self,
        prepared: &PlannedInput,
        options: &ConvertOptions,
        writes: usize,
        last_takes_effect: bool,
    ) -> Result<Converted, ConvertError> {
        let process = Arc::new(WritesLeft {
            writes_left: AtomicUsize::new(writes),
            last_takes_effect,
        });
        let place = self.place("out").wrapped(|inner| {
            let process = Arc::clone(&process);
            Arc::new(CrashingStore { inner, process })
        });
        convert_at(&place, prepared, options, &Silent)
    }

    fn convert(&self, name: &str, shard_sites: usize, options: &ConvertOptions) -> Converted {
        let prepared = self.prepared(shard_sites);
        convert_at(&self.place(name), &prepared, options, &Silent).unwrap()
    }

    /// The objects of a dataset, without the checksums of the store, which differ.
    fn objects(&self, name: &str) -> Objects {
        let place = self.place(name);
        let store = place.store();
        let keys = store.list().unwrap().into_iter().map(|object| object.key);
        let keys = keys.filter(|key| key != STORE_CHECKSUMS);
        keys.map(|key| (key.clone(), store.get(&key).unwrap().unwrap()))
            .collect()
    }

    fn remove(&self, name: &str) {
        if let Some(store) = &self.object_store {
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

    /// Demands that `out` is complete and that nothing is left to do.
    #[track_caller]
    fn assert_finished(&self, expected: &Objects) {
        let place = self.place("out");
        assert_eq!(
            dataset(self.objects("out")),
            Some(dataset(expected.clone()).unwrap())
        );
        assert!(place.is_settled().unwrap());
        // What the store says is as it was recorded.
        if let Some(store) = &self.object_store {
            let store = RemoteStore::new(Remote::on(store.clone(), "out"), None);
            let dataset = Dataset::from_store(Box::new(store), "out").unwrap();
            let report = verify_by_store(&dataset).unwrap();
            assert_eq!(report.changed.count + report.missing.count, 0, "{report:?}");
            assert_eq!(report.without_proof.count, 0, "{report:?}");
        } else {
            assert_eq!(place.store().get(STORE_CHECKSUMS).unwrap(), None);
        }
    }
}

fn good_image(site: usize, channel: usize) -> Vec<u8> {
    png(SIDE, SIDE, (site * CHANNELS + channel) as u8)
}

fn options() -> ConvertOptions {
    ConvertOptions::default()
        .jobs(NonZeroUsize::new(2).unwrap())
        .allow_missing(true)
        .description(Description::look_alike())
}

/// Calls `crash_at` for each write at which a process can crash, before and after the
/// effect of the write, until the process ends without a crash.
fn crash_points(of: &str, crash_at: impl FnMut(usize, bool) -> bool) {
    crash_points_in_steps(of, 1, crash_at);
}

/// Does so for every write of which the number, without 1, can be divided by `step`.
fn crash_points_in_steps(of: &str, step: usize, mut crash_at: impl FnMut(usize, bool) -> bool) {
    let mut tally = Tally::new(format!("crash at every write of {of}"));
    for last_takes_effect in [false, true] {
        for writes in (1..).step_by(step) {
            if !crash_at(writes, last_takes_effect) {
                assert!(writes > 20, "{of}: only {writes} writes");
                break;
            }
            tally.round();
            tally.faults(1);
        }
    }
    tally.report();
}

#[test]
fn a_conversion_interrupted_at_any_write_continues_to_the_same_bytes() {
    for dirs in TestDirs::both() {
        dirs.convert("whole", 2, &options());
        let whole = dirs.objects("whole");
        let prepared = dirs.prepared(2);
        crash_points("a conversion", |writes, last_takes_effect| {
            dirs.remove("out");
            let has_crashed = dirs
                .crash_at(&prepared, &options(), writes, last_takes_effect)
                .is_err();
            if let Some(left) = dataset(dirs.objects("out")) {
                let whole = dataset(whole.clone()).unwrap();
                assert_eq!(left, whole, "sealed, and not complete: write {writes}");
            }
            let again = dirs.convert("out", 2, &options());
            assert!(again.planes.is_complete());
            dirs.assert_finished(&whole);
            has_crashed
        });
    }
}

#[test]
fn a_replacement_interrupted_at_any_write_leaves_a_dataset_or_finishes() {
    for dirs in TestDirs::both() {
        let over = options().existing(Existing::Replace);
        let (old_shards, new_shards) = (1, 2);
        dirs.convert("old", old_shards, &options());
        dirs.convert("new", new_shards, &options());
        let (old, new) = (dirs.objects("old"), dirs.objects("new"));
        let [old, new] = [old, new].map(|objects| dataset(objects).unwrap());
        let expected = dirs.objects("new");
        let prepared = dirs.prepared(new_shards);
        crash_points("a replacement", |writes, last_takes_effect| {
            dirs.remove("out");
            dirs.convert("out", old_shards, &options());
            let has_crashed = dirs
                .crash_at(&prepared, &over, writes, last_takes_effect)
                .is_err();
            let left = dataset(dirs.objects("out"));
            let is_old = left.as_ref() == Some(&old);
            assert!(
                left.is_none_or(|left| is_old || left == new),
                "write {writes}"
            );
            // While the objects are exchanged, `Replace` is not needed.
            let again = if is_old { &over } else { &options() };
            dirs.convert("out", new_shards, again);
            dirs.assert_finished(&expected);
            has_crashed
        });
    }
}

#[test]
fn a_retry_interrupted_at_any_write_keeps_good_planes_and_continues() {
    for dirs in TestDirs::both() {
        interrupt_a_retry(&dirs);
    }
}

fn interrupt_a_retry(dirs: &TestDirs) {
    dirs.convert("whole", 2, &options());
    let whole = dirs.objects("whole");
    let retry = options().existing(Existing::RetryBad);
    // Two units have bad planes; one has none.
    let damage = || {
        dirs.write_image(0, 1, b"no PNG");
        fs::remove_file(dirs.input().join(image_path(4, 0))).unwrap();
    };
    let repair = || {
        dirs.write_image(0, 1, &good_image(0, 1));
        dirs.write_image(4, 0, &good_image(4, 0));
    };
    damage();
    dirs.convert("gaps", 2, &options());
    let gaps = dirs.objects("gaps");
    repair();
    // Most writes are the same before both ways to go on: one of them is tried at some of
    // them only, unless there is time.
    let some = if std::env::var_os("RXRX2ZARR_ROUNDS").is_some() {
        1
    } else {
        4
    };
    for (continued, then, step) in [(&retry, None, 1), (&options(), Some(&retry), some)] {
        crash_points_in_steps("a retry", step, |writes, last_takes_effect| {
            dirs.remove("out");
            damage();
            dirs.convert("out", 2, &options());
            repair();
            let prepared = dirs.prepared(2);
            let has_crashed = dirs
                .crash_at(&prepared, &retry, writes, last_takes_effect)
                .is_err();
            let left = dataset(dirs.objects("out"));
            let [gaps, whole_now] = [&gaps, &whole].map(|objects| dataset(objects.clone()));
            assert!(
                left.is_none() || left == gaps || left == whole_now,
                "write {writes}"
            );
            dirs.convert("out", 2, continued);
            if let Some(then) = then {
                dirs.convert("out", 2, then);
            }
            dirs.assert_finished(&whole);
            has_crashed
        });
    }
}

/// A retry needs no journal of the units that stay, and writes no shard of them.
#[test]
fn a_retry_writes_only_the_units_that_it_converts() {
    for dirs in TestDirs::both() {
        dirs.convert("whole", 2, &options());
        let whole = dirs.objects("whole");
        dirs.write_image(0, 1, b"no PNG");
        dirs.convert("out", 2, &options());
        let gaps = dirs.objects("out");
        dirs.write_image(0, 1, &good_image(0, 1));
        let retry = options().existing(Existing::RetryBad);
        let prepared = dirs.prepared(2);
        let begun = || {
            let place = dirs.place("out");
            let lock = LockedOutput::take(&place, &crate::Silent).unwrap();
            let next = lock.next()?;
            let folder = place.run_folder(&next.folder);
            let records = folder.journal().records().unwrap().whole;
            let shards = folder.dataset().list().unwrap();
            let shards: Vec<String> = shards.into_iter().map(|object| object.key).collect();
            let records: Vec<usize> = records.iter().map(|record| record.unit.shard).collect();
            (!shards.is_empty()).then_some((records, shards))
        };
        let mut writes = 0;
        let begun = loop {
            writes += 1;
            dirs.crash_at(&prepared, &retry, writes, true).unwrap_err();
            assert_eq!(dirs.objects("out"), gaps, "the dataset stays complete");
            if let Some(begun) = begun() {
                break begun;
            }
        };
        assert_eq!(begun, (vec![0], vec![shard_key(0)]));
        let converted = dirs.convert("out", 2, &retry);
        assert_eq!(converted.sites_before, SITES - 2);
        dirs.assert_finished(&whole);
    }
}

#[test]
fn injected_faults_of_a_store_lose_nothing() {
    for dirs in TestDirs::both() {
        dirs.convert("whole", 2, &options());
        let whole = dirs.objects("whole");
        let prepared = dirs.prepared(2);
        let mut tally = Tally::new("a store that fails at random");
        for seed in 0..40 {
            tally.round();
            dirs.remove("out");
            let failing = 1 + seed as u32 % 6;
            for attempt in 0.. {
                let injected = Arc::new(AtomicUsize::new(0));
                let place = dirs.place("out").wrapped(|inner| {
                    let seed = seed + 100 * attempt;
                    Arc::new(Faulty::new(inner, failing, seed, Arc::clone(&injected)))
                });
                let outcome = convert_at(&place, &prepared, &options(), &Silent);
                tally.faults(injected.load(Ordering::Relaxed));
                match outcome {
                    Ok(_) => break,
                    Err(error) => {
                        assert!(attempt < 500, "{error}");
                        if let Some(left) = dataset(dirs.objects("out")) {
                            let whole = dataset(whole.clone()).unwrap();
                            assert_eq!(left, whole, "sealed, and not complete");
                        }
                    }
                }
            }
            dirs.convert("out", 2, &options());
            dirs.assert_finished(&whole);
        }
        tally.report();
    }
}

#[test]
fn a_complete_dataset_is_left_as_it_is() {
    for dirs in TestDirs::both() {
        let first = dirs.convert("out", 2, &options());
        let before = dirs.objects("out");
        let again = dirs.convert("out", 2, &options());
        assert_eq!((first.sites_before, again.sites_before), (0, SITES));
        assert_eq!(again.source_bytes, first.source_bytes);
        assert_eq!(again.planes, first.planes);
        let retry = options().existing(Existing::RetryBad);
        dirs.convert("out", 2, &retry);
        dirs.assert_finished(&before);
    }
}

#[test]
fn a_retry_with_a_damaged_shard_changes_nothing() {
    let dirs = TestDirs::new();
    dirs.write_image(0, 1, b"no PNG");
    dirs.convert("out", 2, &options());
    let key = "images.zarr/images/c/0/0/0/0";
    let path = dirs.output("out").join(key);
    let mut shard = fs::read(&path).unwrap();
    shard[0] ^= 1;
    fs::write(&path, shard).unwrap();
    let before = dirs.objects("out");
    dirs.write_image(0, 1, &good_image(0, 1));
    let retry = options().existing(Existing::RetryBad);
    let error = convert_at(&dirs.place("out"), &dirs.prepared(2), &retry, &Silent).unwrap_err();
    assert!(
        matches!(&error, ConvertError::DamagedShard { key: damaged, .. } if damaged == key),
        "{error}"
    );
    assert_eq!(dirs.objects("out"), before);
    assert!(dirs.place("out").is_settled().unwrap());
}
