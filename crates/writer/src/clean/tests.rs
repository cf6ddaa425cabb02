use std::sync::Arc;

use object_store::memory::InMemory;
use rxrx_format::Description;
use rxrx_storage::{Remote, Store};

use super::*;
use crate::convert::ConvertOptions;
use crate::events::Silent;
use crate::fixture::planned_input_in;
use crate::output::{Existing, Plan};

/// An output on a disk, or in an object store.
struct Scene {
    folder: tempfile::TempDir,
    store: Option<Arc<InMemory>>,
}

impl Scene {
    fn both() -> [Self; 2] {
        [None, Some(Arc::new(InMemory::new()))].map(|store| Self {
            folder: tempfile::tempdir().unwrap(),
            store,
        })
    }

    fn place(&self) -> OutputLocation {
        match &self.store {
            None => OutputLocation::new(self.folder.path().join("out")).unwrap(),
            Some(store) => OutputLocation::in_store(Remote::on(store.clone(), "out")).unwrap(),
        }
    }

    fn convert(&self, shard_sites: usize, existing: Existing) {
        let planned = planned_input_in(&self.folder.path().join("in"), 5, shard_sites);
        let options = ConvertOptions::default()
            .description(Description::look_alike())
            .existing(existing);
        crate::convert::convert_at(&self.place(), &planned, &options, &Silent).unwrap();
    }

    fn clean(&self, dry_run: bool, abandon: bool) -> Cleaned {
        let options = CleanOptions { dry_run, abandon };
        clean_at(&self.place(), options, &Silent).unwrap()
    }

    fn objects(&self) -> Vec<String> {
        let objects = self.place().store().list().unwrap().into_iter();
        objects.map(|object| object.key).collect()
    }

    fn is_complete(&self) -> bool {
        self.place().demand_whole().is_ok()
    }
}

#[test]
fn objects_that_a_replacement_left_are_removed() {
    for scene in Scene::both() {
        scene.convert(1, Existing::Continue);
        let before = scene.objects();
        scene.convert(2, Existing::Replace);
        let left = if scene.store.is_some() { 4 } else { 0 };
        let dry = scene.clean(true, false);
        let counted = scene.place().leftovers().unwrap().len();
        assert_eq!(
            counted,
            dry.left_behind + dry.run_folder_objects + dry.waiting
        );
        assert_eq!((dry.left_behind, dry.unfinished), (left, false));
        assert_eq!(
            scene.objects().len(),
            before.len() - 4 + left,
            "nothing was removed"
        );
        assert_eq!(scene.clean(false, false), dry);
        assert_eq!(scene.objects().len(), before.len() - 4);
        let again = scene.clean(false, false);
        assert_eq!((again.left_behind, again.abandoned), (0, 0));
        assert!(scene.is_complete());
        // Empty objects of the run folder wait until no older request can arrive.
        assert_eq!(again.waiting > 0, scene.store.is_some(), "{again:?}");
        let lock = LockedOutput::take(&scene.place(), &Silent).unwrap();
        lock.state().unwrap();
        let remains = lock.remains(Duration::ZERO, false).unwrap();
        assert_eq!((remains.emptied.len(), remains.waiting), (again.waiting, 0));
    }
}

#[test]
fn an_unfinished_run_goes_only_if_it_is_given_up() {
    for scene in Scene::both() {
        scene.convert(1, Existing::Continue);
        let sealed = scene.objects();
        // A replacement that was begun.
        let lock = LockedOutput::take(&scene.place(), &Silent).unwrap();
        lock.state().unwrap();
        let plan = Plan::Publish {
            root_sha256: String::new(),
            units: 1,
            labels: Vec::new(),
        };
        let folder = lock.begin_next(plan.clone(), None, |_| false).unwrap();
        folder.dataset().put("metadata.parquet", &[b"1"]).unwrap();
        drop(lock);
        let kept = scene.clean(false, false);
        assert!(kept.unfinished && kept.run_folder_objects == 0, "{kept:?}");
        assert!(
            scene
                .place()
                .run_folder(folder.name())
                .dataset()
                .list()
                .unwrap()
                .len()
                == 1
        );
        let given_up = scene.clean(false, true);
        assert!(
            !given_up.unfinished && given_up.run_folder_objects == 2,
            "{given_up:?}"
        );
        assert!(scene.is_complete());
        assert_eq!(scene.objects(), sealed);

        // A run that has stored a shard, beside an object of a user.
        let lock = LockedOutput::take(&scene.place(), &Silent).unwrap();
        lock.place().store().remove_all(&sealed).unwrap();
        lock.place().remove_output().unwrap();
        assert!(matches!(lock.state().unwrap(), OutputState::Free));
        lock.begin(plan).unwrap();
        let shard = rxrx_format::keys::shard_key(0);
        lock.place().store().put(&shard, &[b"1"]).unwrap();
        lock.place()
            .store()
            .put("images.zarr/mine", &[b"1"])
            .unwrap();
        drop(lock);
        assert!(scene.clean(false, false).unfinished);
        assert!(scene.objects().contains(&shard));
        let given_up = scene.clean(false, true);
        assert_eq!((given_up.abandoned, given_up.unfinished), (1, false));
        assert_eq!(scene.objects(), ["images.zarr/mine"]);
    }
}
