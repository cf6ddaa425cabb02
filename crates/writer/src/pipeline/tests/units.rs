//! Selection of the units to run, and units that were stored before.

use std::sync::atomic::AtomicBool;
use std::time::{Duration, Instant};

use super::*;

/// Stores two units of two sites each, and returns their records.
fn units_of(images: &Images, store: &Memory) -> Vec<UnitRecord> {
    run(4, 2, images, store, &Silent, false).unwrap()
}

#[test]
fn only_the_wanted_units_are_run_and_recorded() {
    let store = Memory::new();
    let all = run(5, 2, &Images::of(5, 2), &store, &Silent, true).unwrap();
    let plan = plan(5, 2, shards_of(2));
    let encoder = encoders(Codec::Zstd, &plan);
    let (store, work) = (Memory::new(), Memory::new());
    let (output, journal) = (ChecksummedStore::new(&store), Journal::new(&work));
    let images = Images::of(5, 2);
    let pipeline = Pipeline {
        strict: true,
        ..pipeline(&plan, &images, &encoder, &output, &journal)
    };
    assert_eq!(pipeline.run(&[]).unwrap(), []);
    // The last unit is the short one.
    let wanted = [plan.unit(0).unwrap(), plan.unit(2).unwrap()];
    let stored = pipeline.run(&wanted).unwrap();
    let records = [all[0].clone(), all[2].clone()];
    assert_eq!(stored, stored_of(&records));
    // Each has a shard and overviews.
    assert_eq!(store.keys().len(), 4);
    let recorded = journal.records().unwrap();
    assert_eq!(recorded.whole, records);
}

#[test]
fn a_stop_finishes_the_units_that_have_begun() {
    /// An observer that asks to stop when the first unit is stored.
    struct Impatient<'a>(&'a AtomicBool);
    impl Observer for Impatient<'_> {
        fn notice(&self, event: Event<'_>) {
            if let Event::UnitStored { .. } = event {
                self.0.store(true, Ordering::Relaxed);
            }
        }
    }
    let plan = plan(400, 2, shards_of(2));
    let units: Vec<Unit> = plan.units().collect();
    let encoder = encoders(Codec::Zstd, &plan);
    for jobs in [1, 3] {
        let (store, work) = (Memory::new(), Memory::new());
        let (output, journal) = (ChecksummedStore::new(&store), Journal::new(&work));
        let images = Images::of(400, 2);
        let stop = AtomicBool::new(false);
        let pipeline = Pipeline {
            observer: &Impatient(&stop),
            capacity: capacity_of(
                &plan,
                &images,
                &encoder,
                NonZeroUsize::new(jobs).unwrap(),
                1,
            ),
            strict: true,
            stop: &stop,
            ..pipeline(&plan, &images, &encoder, &output, &journal)
        };
        let records = pipeline.run(&units).unwrap();
        // A unit has two chunks.
        let in_flight = pipeline.capacity.in_flight.div_ceil(2) + 1;
        assert!((1..=1 + in_flight).contains(&records.len()));
        // Every unit that has begun is stored and recorded.
        let recorded = journal.records().unwrap();
        assert_eq!(stored_of(&recorded.whole), records);
        assert_eq!(store.keys().len(), 2 * records.len());
        assert!(pipeline.run(&units).unwrap().is_empty());
    }
}

#[test]
fn units_that_do_not_end_in_time_after_a_stop_are_dropped() {
    /// A slow observer that asks to stop when the first chunk is encoded.
    struct Slow<'a> {
        stop: &'a AtomicBool,
        told: Mutex<Vec<Duration>>,
    }
    impl Observer for Slow<'_> {
        fn notice(&self, event: Event<'_>) {
            match event {
                Event::ChunkEncoded { .. } => {
                    self.stop.store(true, Ordering::Relaxed);
                    std::thread::sleep(Duration::from_millis(100));
                }
                Event::Stopping { grace } => self.told.lock().unwrap().push(grace),
                _ => {}
            }
        }
    }
    // Both units would take 20 s each.
    let plan = plan(400, 2, shards_of(200));
    let units: Vec<Unit> = plan.units().collect();
    let encoder = encoders(Codec::Zstd, &plan);
    let (store, work) = (Memory::new(), Memory::new());
    let (output, journal) = (ChecksummedStore::new(&store), Journal::new(&work));
    let images = Images::of(400, 2);
    let stop = AtomicBool::new(false);
    let slow = Slow {
        stop: &stop,
        told: Mutex::default(),
    };
    let grace = Duration::from_millis(300);
    let pipeline = Pipeline {
        observer: &slow,
        stop: &stop,
        grace,
        capacity: capacity_of(&plan, &images, &encoder, NonZeroUsize::MIN, 1),
        ..pipeline(&plan, &images, &encoder, &output, &journal)
    };
    let begun = Instant::now();
    assert_eq!(pipeline.run(&units).unwrap(), []);
    assert!(begun.elapsed() < Duration::from_secs(10));
    assert_eq!(*slow.told.lock().unwrap(), [grace]);
    assert!(store.keys().is_empty());
    assert!(journal.records().unwrap().whole.is_empty());
}

#[test]
fn no_good_plane_of_a_former_unit_is_lost() {
    #[derive(Default)]
    struct Kept(Mutex<Vec<String>>);
    impl Observer for Kept {
        fn notice(&self, event: Event<'_>) {
            if let Event::UnitKept { path, .. } = event {
                self.0.lock().unwrap().push(path.to_owned());
            }
        }
    }
    let mut images = Images::of(4, 2);
    images.0.insert(image_path(0, 1), b"no PNG".to_vec());
    images.0.insert(image_path(3, 0), b"no PNG".to_vec());
    let store = Memory::new();
    let before = units_of(&images, &store);
    // Both bad images are repaired, but a good one beside the second broke.
    let mut images = Images::of(4, 2);
    images.0.insert(image_path(2, 1), b"no PNG".to_vec());

    let plan = plan(4, 2, shards_of(2));
    let encoder = encoders(Codec::Zstd, &plan);
    let kept = Kept::default();
    let former = before.iter().map(|unit| (unit.unit.shard, unit.into()));
    let output = ChecksummedStore::new(&store);
    let work = Memory::new();
    let journal = Journal::new(&work);
    for unit in &before {
        journal.record(unit).unwrap();
    }
    let pipeline = Pipeline {
        former: &former.collect(),
        observer: &kept,
        ..pipeline(&plan, &images, &encoder, &output, &journal)
    };
    let stored = pipeline.run(&plan.units().collect::<Vec<_>>()).unwrap();
    let after = journal.records().unwrap().whole;
    assert_eq!(stored, stored_of(&after));
    assert!(stored[0].planes.is_complete() && !stored_of(&before)[0].planes.is_complete());
    assert_eq!(after[1], before[1]);
    assert_eq!(kept.0.into_inner().unwrap(), [image_path(2, 1)]);
    // The unit that stays is still in the list of checksums.
    assert_eq!(output.checksum_list(("root", &[])).lines().count(), 5);
}
