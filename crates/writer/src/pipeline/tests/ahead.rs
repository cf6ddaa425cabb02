//! Limits on how far each stage runs ahead of the next.

use super::*;

/// Counts the images that are read, or being read.
struct Counting<'a>(Images, &'a AtomicUsize);
impl Source for Counting<'_> {
    fn read(
        &self,
        path: &str,
        at_most: usize,
        bytes: &mut Vec<u8>,
    ) -> Result<SourceStamp, ReadError> {
        self.1.fetch_add(1, Ordering::SeqCst);
        self.0.read(path, at_most, bytes)
    }
    fn stamp(&self, path: &str) -> Result<SourceStamp, ReadError> {
        self.0.stamp(path)
    }
}

#[test]
fn workers_never_run_far_ahead_of_the_store() {
    /// A store that checks, at each put, how many images have been read.
    struct Watching<'a> {
        reads: &'a AtomicUsize,
        puts: AtomicUsize,
        in_flight: usize,
    }
    impl Store for Watching<'_> {
        fn put(&self, _: &str, _: &[&[u8]]) -> Result<(), StoreError> {
            std::thread::sleep(Duration::from_millis(5));
            let done = self.puts.fetch_add(1, Ordering::SeqCst);
            // Two chunks of two channels a unit; one further unit is being written.
            let most = ((done + 1) * 2 + self.in_flight) * 2;
            let reads = self.reads.load(Ordering::SeqCst);
            assert!(reads <= most, "{reads} images read, {done} units stored");
            Ok(())
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
    for (jobs, in_flight) in [(1, 19), (2, 22), (5, 31)] {
        let reads = AtomicUsize::new(0);
        let store = Watching {
            reads: &reads,
            puts: AtomicUsize::new(0),
            in_flight,
        };
        let source = Counting(Images::of(40, 2), &reads);
        assert_eq!(
            run(40, jobs, &source, &store, &Silent, true).unwrap().len(),
            20
        );
        assert_eq!(reads.into_inner(), 80);
    }
}

#[test]
fn readers_never_run_far_ahead_of_the_workers() {
    /// Checks, at each chunk, how many images have been read.
    struct Watching<'a> {
        reads: &'a AtomicUsize,
        encoded: AtomicUsize,
        waiting: usize,
    }
    impl Observer for Watching<'_> {
        fn notice(&self, event: Event<'_>) {
            if let Event::ChunkEncoded { .. } = event {
                std::thread::sleep(Duration::from_millis(2));
                self.encoded.fetch_add(1, Ordering::SeqCst);
                let reads = self.reads.load(Ordering::SeqCst);
                let encoded = self.encoded.load(Ordering::SeqCst);
                assert!(
                    reads <= (encoded + self.waiting) * 2,
                    "{reads} images read, {encoded} chunks of two encoded"
                );
            }
        }
    }
    // Eight readers, and twice as many chunks as jobs.
    for (jobs, waiting) in [(1, 10), (2, 12)] {
        let reads = AtomicUsize::new(0);
        let watching = Watching {
            reads: &reads,
            encoded: AtomicUsize::new(0),
            waiting,
        };
        let source = Counting(Images::of(40, 2), &reads);
        run(40, jobs, &source, &Memory::new(), &watching, true).unwrap();
        assert_eq!(watching.encoded.into_inner(), 40);
    }
}
