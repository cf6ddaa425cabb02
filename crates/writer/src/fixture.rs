//! Pipelines over values, for the tests of this crate.

use std::collections::BTreeMap;
use std::fs;
use std::num::NonZeroUsize;
use std::path::Path;
use std::sync::atomic::AtomicBool;

use rxrx_format::keys::{CHECKSUMS, ROOT_METADATA};
pub(crate) use rxrx_format::testing::{SIDE, image_path, plan, settings, shards_of};
use rxrx_format::{
    Codec, DatasetAttributes, Description, GroupEncoder, OverviewEncoder, SwitchMark,
    parse_checksums, remove_switch,
};
pub(crate) use rxrx_input::testing::{Images, png};
use rxrx_input::{PlanOptions, PlannedInput, Source};
use rxrx_metadata::{Layout, Plan, Unit};
pub(crate) use rxrx_storage::testing::{Faulty, Memory};
use serde_json::Value;
use sha2::{Digest, Sha256};

use crate::events::Silent;
use crate::journal::{Journal, StoredUnit, UnitRecord, UnitRecords};
use crate::output::ChecksummedStore;
use crate::pipeline::{BufferSizes, Capacity, Pipeline};
use crate::seal::{Seal, SealError};
use rxrx_verify::MemoryLimit;

/// The encoders of the images and of the overviews of `plan`.
pub(crate) fn encoders(codec: Codec, plan: &Plan) -> (GroupEncoder, OverviewEncoder) {
    let geometry = plan.geometry();
    (
        GroupEncoder::new(codec, geometry).unwrap(),
        OverviewEncoder::new(geometry).unwrap(),
    )
}

/// Runs all units of `plan`, on one core, and returns their records.
pub(crate) fn run_units(
    plan: &Plan,
    source: &dyn Source,
    output: &ChecksummedStore<'_>,
    work: &Memory,
) -> Vec<UnitRecord> {
    let encoders = encoders(settings().codec, plan);
    let journal = Journal::new(work);
    let units: Vec<Unit> = plan.units().collect();
    let pipeline = pipeline(plan, source, &encoders, output, &journal);
    pipeline.run(&units).unwrap();
    journal.records().unwrap().whole
}

/// Seals the dataset of `plan` whose units are stored in `output`, with the journal in `work`.
pub(crate) fn seal(
    plan: &Plan,
    units: &[StoredUnit],
    output: &ChecksummedStore<'_>,
    work: &Memory,
) -> Result<(), SealError> {
    let planes = units.iter().map(|unit| unit.planes).sum();
    let attributes = DatasetAttributes::new(Description::look_alike(), plan, settings(), planes);
    let seal = Seal {
        plan,
        units,
        records: UnitRecords {
            journal: &Journal::new(work),
            tables: None,
            job: None,
            jobs: NonZeroUsize::MIN,
        },
        embeddings: None,
        attributes,
        output,
    };
    seal.write().map(drop)
}

/// The capacity of a run with the default memory.
pub(crate) fn capacity_of(
    plan: &Plan,
    source: &dyn Source,
    encoders: &(GroupEncoder, OverviewEncoder),
    jobs: NonZeroUsize,
    writers: usize,
) -> Capacity {
    let (geometry, hints) = (plan.geometry(), source.read_hints());
    let sizes = BufferSizes::of(geometry, (&encoders.0, &encoders.1), source, 0.0, 0);
    let memory = MemoryLimit::default();
    Capacity::within(
        memory,
        &sizes,
        jobs,
        &hints,
        geometry.chunk_bytes(),
        writers,
    )
    .unwrap()
}

/// A pipeline of one core that is told nothing and begins with nothing.
pub(crate) fn pipeline<'a>(
    plan: &'a Plan,
    source: &'a dyn Source,
    encoders: &'a (GroupEncoder, OverviewEncoder),
    output: &'a ChecksummedStore<'a>,
    journal: &'a Journal<'a>,
) -> Pipeline<'a> {
    static NO_UNIT: BTreeMap<usize, StoredUnit> = BTreeMap::new();
    static NEVER: AtomicBool = AtomicBool::new(false);
    Pipeline {
        plan,
        source,
        encoder: &encoders.0,
        overviews: &encoders.1,
        output,
        journal,
        job: None,
        former: &NO_UNIT,
        observer: &Silent,
        capacity: capacity_of(plan, source, encoders, NonZeroUsize::MIN, 1),
        strict: false,
        stop: &NEVER,
        grace: std::time::Duration::from_secs(600),
    }
}

/// Objects by key.
pub(crate) type Objects = BTreeMap<String, Vec<u8>>;

/// Returns the objects of a dataset by its list of checksums, without the mark of a switch;
/// `None` if there is no complete one.
pub(crate) fn dataset(mut objects: Objects) -> Option<Objects> {
    // A root that is torn is none.
    let root: Value = serde_json::from_slice(objects.get(ROOT_METADATA)?).ok()?;
    if SwitchMark::is_marker(&root) {
        return None;
    }
    let list = String::from_utf8(objects.remove(CHECKSUMS)?).unwrap();
    let sums = parse_checksums(&list).unwrap();
    objects.retain(|key, _| sums.contains_key(key));
    for (key, sum) in &sums {
        let bytes = objects.get_mut(key).unwrap();
        assert_eq!(Sha256::digest(&bytes)[..], *sum, "{key}");
        if key.ends_with("zarr.json") {
            let mut metadata = serde_json::from_slice(bytes).unwrap();
            remove_switch(&mut metadata);
            *bytes = serde_json::to_vec(&metadata).unwrap();
        }
    }
    Some(objects)
}

/// The input of `sites` sites of two channels that a folder holds, in shards of two
/// sites. The folder is gone afterwards.
pub(crate) fn planned_input(sites: usize) -> PlannedInput {
    let folder = tempfile::tempdir().unwrap();
    planned_input_in(folder.path(), sites, 2)
}

/// The input of `sites` sites of two channels in shards of `shard_sites` sites, which is
/// written to `folder`.
pub(crate) fn planned_input_in(folder: &Path, sites: usize, shard_sites: usize) -> PlannedInput {
    let mut table = "experiment,plate,well,site\n".to_owned();
    for site in 0..sites {
        table += &format!("E-1,{},B02,1\n", site + 1);
        for channel in 0..2 {
            let path = folder.join(image_path(site, channel));
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, png(SIDE, SIDE, 1)).unwrap();
        }
    }
    fs::write(folder.join("metadata.csv"), table).unwrap();
    let options = PlanOptions {
        layout: Layout {
            shard_sites: Some(shard_sites),
            ..Layout::default()
        },
        ..PlanOptions::default()
    };
    PlannedInput::open(&folder.into(), options).unwrap()
}
