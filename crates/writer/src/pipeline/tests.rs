mod ahead;
mod units;

use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use std::num::NonZeroUsize;

use rxrx_metadata::Unit;

use super::*;
use crate::events::{Event, Observer, Silent};
use crate::fixture::{
    Images, Memory, capacity_of, encoders, image_path, pipeline, plan, shards_of,
};
use crate::journal::{Journal, PlaneRecord, StoredUnit, UnitRecord};
use crate::output::ChecksummedStore;
use rxrx_format::{Codec, keys};
use rxrx_input::{ReadError, ReadHints, Source, SourceStamp};
use rxrx_storage::{Store, StoreError, StoreErrorKind, StoredObject, Unreachable};

/// Runs a plan of `sites` sites with two channels, in shards of two sites.
fn run(
    sites: usize,
    jobs: usize,
    source: &dyn Source,
    store: &dyn Store,
    observer: &dyn Observer,
    strict: bool,
) -> Result<Vec<UnitRecord>, PipelineError> {
    let plan = plan(sites, 2, shards_of(2));
    let encoder = encoders(Codec::Zstd, &plan);
    let work = Memory::new();
    let (output, journal) = (ChecksummedStore::new(store), Journal::new(&work));
    let pipeline = Pipeline {
        observer,
        capacity: capacity_of(
            &plan,
            source,
            &encoder,
            NonZeroUsize::new(jobs).unwrap(),
            store.writers(),
        ),
        strict,
        ..pipeline(&plan, source, &encoder, &output, &journal)
    };
    let units: Vec<Unit> = plan.units().collect();
    let stored = pipeline.run(&units)?;
    let records = journal.records()?.whole;
    assert_eq!(stored, stored_of(&records));
    Ok(records)
}

/// The stored units of records.
fn stored_of(records: &[UnitRecord]) -> Vec<StoredUnit> {
    records.iter().map(StoredUnit::from).collect()
}

#[test]
fn records_are_in_array_order_when_later_units_finish_first() {
    /// The first site's images take longest.
    struct Slow(Images);
    impl Source for Slow {
        fn read(
            &self,
            path: &str,
            at_most: usize,
            bytes: &mut Vec<u8>,
        ) -> Result<SourceStamp, ReadError> {
            if path.starts_with("E-1/Plate1/") {
                std::thread::sleep(Duration::from_millis(50));
            }
            self.0.read(path, at_most, bytes)
        }
        fn stamp(&self, path: &str) -> Result<SourceStamp, ReadError> {
            self.0.stamp(path)
        }
    }
    let store = Memory::new();
    let records = run(9, 4, &Slow(Images::of(9, 2)), &store, &Silent, true).unwrap();
    let shards: Vec<usize> = records.iter().map(|record| record.unit.shard).collect();
    assert_eq!(shards, [0, 1, 2, 3, 4]);
    let planes = records.iter().flat_map(|record| &record.planes);
    let means: Vec<f64> = planes
        .map(|plane| match plane {
            PlaneRecord::Ok { summary, .. } => summary.statistics.mean,
            other => panic!("{other:?}"),
        })
        .collect();
    let expected: Vec<f64> = (0..18).map(|plane| f64::from(plane / 2)).collect();
    assert_eq!(means, expected);
    for record in &records {
        let object = store
            .get(&keys::shard_key(record.unit.shard))
            .unwrap()
            .unwrap();
        assert_eq!(object.len() as u64, record.bytes);
        assert_eq!(record.ranges.len(), record.unit.sites.len());
        assert!(record.ranges.iter().all(|range| range.end < record.bytes));
    }
}

/// A store whose puts take some milliseconds, for some objects more than for others.
struct Slow {
    store: Memory,
    writers: usize,
    at_once: AtomicUsize,
    most: AtomicUsize,
}

impl Slow {
    fn new(store: Memory) -> Self {
        Self {
            store,
            writers: 4,
            at_once: AtomicUsize::new(0),
            most: AtomicUsize::new(0),
        }
    }
}

impl Store for Slow {
    fn put(&self, key: &str, parts: &[&[u8]]) -> Result<(), StoreError> {
        let now = 1 + self.at_once.fetch_add(1, Ordering::SeqCst);
        self.most.fetch_max(now, Ordering::SeqCst);
        let unit = key.len() + usize::from(key.as_bytes()[key.len() - 7]);
        std::thread::sleep(Duration::from_millis(5 * (1 + unit as u64 % 5)));
        self.at_once.fetch_sub(1, Ordering::SeqCst);
        self.store.put(key, parts)
    }
    fn writers(&self) -> usize {
        self.writers
    }
    fn get(&self, key: &str) -> Result<Option<Vec<u8>>, StoreError> {
        self.store.get(key)
    }
    fn remove(&self, key: &str) -> Result<(), StoreError> {
        self.store.remove(key)
    }
    fn list(&self) -> Result<Vec<StoredObject>, StoreError> {
        self.store.list()
    }
}

#[test]
fn a_store_with_several_writers_gets_several_objects_at_once() {
    let narrow = Memory::new();
    let images = Images::of(25, 2);
    let records = run(25, 2, &images, &narrow, &Silent, true).unwrap();
    for jobs in [1, 3] {
        let wide = Slow::new(Memory::new());
        let mut found = run(25, jobs, &images, &wide, &Silent, true).unwrap();
        // The clock may have gone on meanwhile.
        for (found, record) in found.iter_mut().zip(&records) {
            found.stored_at = record.stored_at;
        }
        assert_eq!(found, records);
        assert!((2..=4).contains(&wide.most.into_inner()));
        for key in narrow.keys() {
            assert_eq!(wide.store.get(&key).unwrap(), narrow.get(&key).unwrap());
        }
        // The first put that fails ends the run.
        let wide = Slow::new(Memory::with_room_for(5));
        let error = run(25, jobs, &images, &wide, &Silent, true).unwrap_err();
        assert!(matches!(error, PipelineError::Store(_)), "{error}");
    }
}

#[test]
fn several_chunks_are_read_at_once_where_the_source_asks_for_it() {
    /// A source that asks for two chunks a read, and records the files of each call.
    struct Far(Images, Mutex<Vec<usize>>);
    impl Source for Far {
        fn read(
            &self,
            path: &str,
            at_most: usize,
            bytes: &mut Vec<u8>,
        ) -> Result<SourceStamp, ReadError> {
            self.0.read(path, at_most, bytes)
        }
        fn read_all(
            &self,
            files: &mut [(&str, Vec<u8>)],
            at_most: usize,
        ) -> Vec<Result<SourceStamp, ReadError>> {
            self.1.lock().unwrap().push(files.len());
            self.0.read_all(files, at_most)
        }
        fn stamp(&self, path: &str) -> Result<SourceStamp, ReadError> {
            self.0.stamp(path)
        }
        fn read_hints(&self) -> ReadHints {
            ReadHints {
                calls: 3,
                pixel_bytes: 2 * 2 * 16,
                is_steady: false,
            }
        }
    }
    let (near, far) = (Memory::new(), Memory::new());
    let images = Images::of(9, 2);
    let expected = run(9, 1, &images, &near, &Silent, true).unwrap();
    for jobs in [1, 4] {
        let source = Far(images.clone(), Mutex::default());
        let found = run(9, jobs, &source, &far, &Silent, true).unwrap();
        assert_eq!(found, expected);
        for record in &found {
            let key = keys::shard_key(record.unit.shard);
            assert_eq!(far.get(&key).unwrap(), near.get(&key).unwrap());
        }
        // Two images a chunk; two chunks a unit, and one in the last unit.
        let mut calls = source.1.into_inner().unwrap();
        calls.sort_unstable();
        assert_eq!(calls, [2, 4, 4, 4, 4]);
    }
}

#[test]
fn an_unreachable_input_ends_the_run_and_makes_no_bad_images() {
    /// A source whose connection breaks at the fifth site.
    struct Breaks(Images);
    impl Source for Breaks {
        fn read(
            &self,
            path: &str,
            at_most: usize,
            bytes: &mut Vec<u8>,
        ) -> Result<SourceStamp, ReadError> {
            if path == image_path(4, 1) {
                return Err(Unreachable::from(StoreError::new(
                    "read",
                    "s3://bucket/x.zip".to_owned(),
                    StoreErrorKind::Unreachable,
                    "no route to host",
                ))
                .into());
            }
            self.0.read(path, at_most, bytes)
        }
        fn stamp(&self, path: &str) -> Result<SourceStamp, ReadError> {
            self.0.stamp(path)
        }
    }
    for jobs in [1, 3] {
        let store = Memory::new();
        let source = Breaks(Images::of(9, 2));
        let error = run(9, jobs, &source, &store, &Silent, false).unwrap_err();
        assert!(
            matches!(&error, PipelineError::Source { path, source }
                if *path == image_path(4, 1) && source.to_string() == "no route to host"),
            "{error}"
        );
        assert_eq!(store.keys().len(), 4);
    }
}

#[test]
fn a_full_store_ends_the_run_for_any_number_of_jobs() {
    for jobs in [1, 2, 8, 40] {
        for room_for in [0, 1, 3] {
            let store = Memory::with_room_for(room_for);
            let error = run(20, jobs, &Images::of(20, 2), &store, &Silent, false).unwrap_err();
            assert!(matches!(error, PipelineError::Store(_)), "{error}");
            assert_eq!(store.keys().len(), room_for);
        }
    }
}

#[test]
fn a_panic_of_a_storer_ends_the_run() {
    struct Broken;
    impl Store for Broken {
        fn put(&self, _: &str, _: &[&[u8]]) -> Result<(), StoreError> {
            panic!("a defect")
        }
        fn get(&self, _: &str) -> Result<Option<Vec<u8>>, StoreError> {
            Ok(None)
        }
        fn remove(&self, _: &str) -> Result<(), StoreError> {
            Ok(())
        }
        fn list(&self) -> Result<Vec<StoredObject>, StoreError> {
            Ok(Vec::new())
        }
    }
    let images = Images::of(20, 2);
    let outcome = std::panic::catch_unwind(|| run(20, 3, &images, &Broken, &Silent, false));
    assert!(outcome.is_err());
}

#[test]
fn a_panic_of_a_reader_ends_the_run() {
    struct Broken;
    impl Source for Broken {
        fn read(&self, _: &str, _: usize, _: &mut Vec<u8>) -> Result<SourceStamp, ReadError> {
            panic!("a defect")
        }
        fn stamp(&self, _: &str) -> Result<SourceStamp, ReadError> {
            panic!("a defect")
        }
    }
    let store = Memory::new();
    let outcome = std::panic::catch_unwind(|| run(20, 3, &Broken, &store, &Silent, false));
    assert!(outcome.is_err());
}

#[test]
fn a_panic_of_a_worker_ends_the_run() {
    struct Broken;
    impl Observer for Broken {
        fn notice(&self, event: Event<'_>) {
            if let Event::ChunkEncoded { .. } = event {
                panic!("a defect")
            }
        }
    }
    let (images, store) = (Images::of(20, 2), Memory::new());
    let outcome = std::panic::catch_unwind(|| run(20, 3, &images, &store, &Broken, false));
    assert!(outcome.is_err());
}

#[test]
fn events_add_up() {
    #[derive(Default)]
    struct Sums(Mutex<[u64; 5]>);
    impl Observer for Sums {
        fn notice(&self, event: Event<'_>) {
            let mut sums = self.0.lock().unwrap();
            match event {
                Event::ChunkEncoded {
                    sites,
                    source_bytes,
                    stored_bytes,
                } => {
                    sums[0] += sites as u64;
                    sums[1] += source_bytes;
                    sums[2] += stored_bytes;
                }
                Event::UnitStored { bytes, .. } => sums[3] += bytes,
                Event::PlaneRefused { path, .. } => {
                    assert_eq!(path, image_path(3, 1));
                    sums[4] += 1;
                }
                other => panic!("{other:?}"),
            }
        }
    }
    let mut images = Images::of(5, 2);
    images.0.insert(image_path(3, 1), b"no PNG".to_vec());
    let sums = Sums::default();
    let store = Memory::new();
    let records = run(5, 3, &images, &store, &sums, false).unwrap();
    let [sites, read, encoded, stored, refused] = sums.0.into_inner().unwrap();
    let files: usize = images.0.values().map(Vec::len).sum();
    assert_eq!((sites, read, refused), (5, files as u64, 1));
    assert_eq!(
        stored,
        records.iter().map(|record| record.bytes).sum::<u64>()
    );
    // Three indices of two entries and a checksum.
    assert_eq!(stored, encoded + 3 * (2 * 16 + 4));
}

#[test]
fn a_strict_run_stops_and_names_the_image() {
    let mut images = Images::of(6, 2);
    images.0.insert(image_path(4, 0), b"no PNG".to_vec());
    let error = run(6, 2, &images, &Memory::new(), &Silent, true).unwrap_err();
    assert!(
        matches!(&error, PipelineError::CorruptImage { path, .. } if *path == image_path(4, 0))
    );
    images.0.remove(&image_path(4, 0));
    let error = run(6, 2, &images, &Memory::new(), &Silent, true).unwrap_err();
    assert!(
        matches!(&error, PipelineError::UnreadableImage { path, .. } if *path == image_path(4, 0))
    );
    let records = run(6, 2, &images, &Memory::new(), &Silent, false).unwrap();
    let vanished = PlaneRecord::Corrupt {
        source: None,
        error: "cannot be read: entity not found".to_owned(),
        cause: "vanished".into(),
    };
    assert_eq!(records[2].planes[0], vanished);
}

#[test]
fn a_strict_run_stores_all_units_before_the_bad_one() {
    // The last sites of the fifth and the ninth of ten units.
    let mut images = Images::of(20, 2);
    for site in [9, 17] {
        images.0.insert(image_path(site, 1), b"no PNG".to_vec());
    }
    for jobs in [1, 2, 8] {
        // A slow store, so that the bad image is decoded long before.
        let store = Slow {
            writers: 1,
            ..Slow::new(Memory::new())
        };
        let error = run(20, jobs, &images, &store, &Silent, true).unwrap_err();
        assert!(
            matches!(&error, PipelineError::CorruptImage { path, .. } if *path == image_path(9, 1))
        );
        assert_eq!(store.store.keys().len(), 8);
    }
}
