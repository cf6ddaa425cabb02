use super::*;
use crate::fixture::{Images, Memory, image_path, plan, run_units, shards_of};
use crate::journal::Journal;
use crate::output::ChecksummedStore;
use rxrx_format::keys;
use rxrx_input::{ReadError, Source, SourceStamp};
use rxrx_storage::StoreErrorKind;

const SITES: usize = 5;

/// A finished run of three units: two of two sites and one of one, with one
/// image that is no PNG and one that is missing.
struct Finished {
    plan: Plan,
    images: Images,
    store: Memory,
    work: Memory,
}

impl Finished {
    fn new() -> Self {
        let plan = plan(SITES, 2, shards_of(2));
        let mut images = Images::of(SITES, 2);
        images.0.insert(image_path(2, 1), b"no PNG".to_vec());
        images.0.remove(&image_path(4, 0));
        let (store, work) = (Memory::new(), Memory::new());
        run_units(&plan, &images, &ChecksummedStore::new(&store), &work);
        Self {
            plan,
            images,
            store,
            work,
        }
    }

    fn resume(&self, recheck: bool) -> Result<Resume, ResumeError> {
        let journal = Journal::new(&self.work);
        let records = UnitRecords {
            journal: &journal,
            tables: None,
            job: None,
            jobs: NonZeroUsize::MIN,
        };
        resume(
            &self.plan,
            &records,
            &self.images,
            &self.store,
            &self.store,
            recheck,
        )
    }

    /// The shards that would be converted again.
    fn todo(&self) -> Vec<usize> {
        let resume = self.resume(false).unwrap();
        assert_eq!(resume.found.done + resume.todo.len(), 3);
        assert_eq!(resume.found.done, resume.done.len());
        resume.todo.iter().map(|unit| unit.shard).collect()
    }
}

#[test]
fn intact_units_are_done_and_unreadable_images_are_tried_again() {
    // The image that is missing was in the plan: reading it failed.
    assert_eq!(Finished::new().todo(), [2]);
}

#[test]
fn a_unit_without_a_whole_record_is_not_done() {
    let run = Finished::new();
    run.work.remove("units/0.json").unwrap();
    run.work.put("units/1.json", &[b"{}\n00000000\n"]).unwrap();
    assert_eq!(run.todo(), [0, 1, 2]);
    let found = run.resume(false).unwrap().found;
    assert_eq!(found.damaged_records, ["units/1.json"]);
}

#[test]
fn a_unit_without_its_shard_is_not_done() {
    object_of_a_unit_is_demanded(&keys::shard_key(0));
}

#[test]
fn a_unit_without_its_overviews_is_not_done() {
    object_of_a_unit_is_demanded(&keys::overview_key(0));
}

#[track_caller]
fn object_of_a_unit_is_demanded(key: &str) {
    let run = Finished::new();
    let object = run.store.get(key).unwrap().unwrap();
    run.store.remove(key).unwrap();
    assert_eq!(run.todo(), [0, 2]);
    run.store.put(key, &[&object[1..]]).unwrap();
    assert_eq!(run.todo(), [0, 2]);
    assert_eq!(run.resume(false).unwrap().found.damaged_shards, [key]);
    run.store.put(key, &[&object]).unwrap();
    assert_eq!(run.todo(), [2]);
}

#[test]
fn a_recheck_finds_a_shard_of_the_right_size_and_wrong_bytes() {
    for key in [keys::shard_key(0), keys::overview_key(0)] {
        let run = Finished::new();
        let mut object = run.store.get(&key).unwrap().unwrap();
        object[7] ^= 1;
        run.store.put(&key, &[&object]).unwrap();
        assert_eq!(run.todo(), [2]);
        let rechecked = run.resume(true).unwrap();
        assert_eq!(rechecked.found.damaged_shards, [&key[..]]);
        assert_eq!(rechecked.todo.len(), 2);
    }
}

#[test]
fn records_of_another_plan_do_not_count() {
    let mut run = Finished::new();
    run.plan = plan(SITES, 2, shards_of(3));
    assert_eq!(run.resume(false).unwrap().done.len(), 0);
}

#[test]
fn images_that_changed_are_converted_again() {
    let mut run = Finished::new();
    run.images.0.get_mut(&image_path(1, 0)).unwrap().push(0);
    // The repaired one, too.
    run.images.0.insert(image_path(2, 1), b"PNG".to_vec());
    assert_eq!(run.todo(), [0, 1, 2]);
    let changed = run.resume(false).unwrap().found.changed_images;
    let expected = [image_path(1, 0), image_path(2, 1), image_path(4, 0)];
    assert_eq!((changed.count, &changed.examples[..]), (3, &expected[..]));
}

#[test]
fn images_that_were_added_are_converted() {
    let run = Finished::new();
    let mut units = Journal::new(&run.work).records().unwrap().whole;
    units[0].planes[3] = PlaneRecord::Missing;
    Journal::new(&run.work).record(&units[0]).unwrap();
    let found = run.resume(false).unwrap().found;
    assert_eq!(found.added_images.examples, [image_path(1, 1)]);
    assert_eq!(found.done, 1);
}

#[test]
fn images_that_vanished_are_an_error_that_names_them() {
    let mut run = Finished::new();
    run.images.0.remove(&image_path(0, 1));
    let error = run.resume(false).unwrap_err().to_string();
    assert!(error.contains(&image_path(0, 1)), "{error}");
    assert!(error.contains("--overwrite"), "{error}");
}

#[test]
fn an_input_that_is_gone_is_no_set_of_removed_images() {
    /// An INPUT that was unmounted.
    struct Gone;
    impl Source for Gone {
        fn read(&self, path: &str, _: usize, _: &mut Vec<u8>) -> Result<SourceStamp, ReadError> {
            self.stamp(path)
        }
        fn stamp(&self, _: &str) -> Result<SourceStamp, ReadError> {
            let kind = StoreErrorKind::Unreachable;
            let error = StoreError::new("read", "INPUT", kind, "it is unmounted");
            Err(Unreachable::from(error).into())
        }
    }
    let run = Finished::new();
    let journal = Journal::new(&run.work);
    let records = UnitRecords {
        journal: &journal,
        tables: None,
        job: None,
        jobs: NonZeroUsize::MIN,
    };
    let error = resume(&run.plan, &records, &Gone, &run.store, &run.store, false).unwrap_err();
    assert!(matches!(error, ResumeError::Source { .. }), "{error}");
}

#[test]
fn a_stamp_without_a_version_is_judged_by_its_size() {
    let stamp = |bytes, version| SourceStamp { bytes, version };
    let then = stamp(5, Some(7));
    assert!(then.may_be(stamp(5, Some(7))) && then.may_be(stamp(5, None)));
    assert!(!then.may_be(stamp(5, Some(8))) && !then.may_be(stamp(6, None)));
    assert!(stamp(5, None).may_be(then) && !stamp(4, None).may_be(then));
}
