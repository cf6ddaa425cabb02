//! Jobs of the size of published data sets, whose images are simulated and whose shards are files
//! without content. Everything else is real: the plan, the records, the tables.

use std::fmt::Write;
use std::fs::{self, File};
use std::num::NonZeroUsize;
use std::path::Path;
use std::time::{Duration, Instant};

use rxrx_decoder::{PlaneSummary, Statistics};
use rxrx_format::keys::{PLANES, ROOT_METADATA, overview_key, shard_key};
use rxrx_input::{PlannedInput, ReadError, Source, SourceStamp};
use rxrx_metadata::{DataType, Join, Layout, Listing, MetadataTable, Plan, Selection, Unit};
use rxrx_storage::{LocalStore, Location, Store, map_concurrent, release_free_memory};

use crate::journal::{Block, JobPlan, OverviewRecord, PlaneRecord, UnitRecord};
use crate::output::{OutputLocation, OutputState};
use crate::{ConvertOptions, JobInput, Silent, init_job, job_status, run_part, seal_job};

const CHANNELS: usize = 6;
const JOBS: NonZeroUsize = NonZeroUsize::new(2).unwrap();
const MIB: u64 = 1 << 20;

/// What a step may take.
struct Bounds {
    init: (Duration, u64),
    worker: (Duration, u64),
    seal: (Duration, u64),
}

/// The bounds of issue 22 for 2.2 million sites.
const BOUNDS: Bounds = Bounds {
    init: (Duration::from_secs(60), 2048 * MIB),
    worker: (Duration::from_secs(5), 200 * MIB),
    seal: (Duration::from_secs(600), 1024 * MIB),
};

/// Images that nobody can read, and whose size follows from their path.
struct Listed;

impl Source for Listed {
    fn stamp(&self, path: &str) -> Result<SourceStamp, ReadError> {
        let bytes = 60_000 + path.bytes().map(u64::from).sum::<u64>() % 20_000;
        Ok(SourceStamp {
            bytes,
            version: Some(bytes.wrapping_mul(0x9E37_79B9_7F4A_7C15)),
        })
    }

    fn stamps_at_most(&self) -> usize {
        usize::MAX
    }
}

/// The rows of plates of 1,536 wells.
fn rows(sites: usize) -> impl Iterator<Item = (String, usize, String)> {
    (0..sites).map(|site| {
        let (plate, well) = (site / 1536, site % 1536);
        let row = char::from(b'A' + (well / 48 % 26) as u8);
        let prefix = if well / 48 < 26 { "" } else { "A" };
        let experiment = format!("GENE-{:03}", plate / 9 + 1);
        (
            experiment,
            plate % 9 + 1,
            format!("{prefix}{row}{:02}", well % 48 + 1),
        )
    })
}

fn planned(sites: usize, input: &Location) -> PlannedInput {
    let mut table = "experiment,plate,well,site,gene,concentration\n".to_owned();
    let mut paths: Vec<Box<str>> = Vec::with_capacity(sites * CHANNELS);
    for (number, (experiment, plate, well)) in rows(sites).enumerate() {
        let gene = number * 7919 % 17_000;
        writeln!(
            table,
            "{experiment},{plate},{well},1,G{gene},{}.25",
            number % 8
        )
        .unwrap();
        let path = |channel| format!("{experiment}/Plate{plate}/{well}_s1_w{channel}.png").into();
        paths.extend((1..=CHANNELS).map(path));
    }
    let read = MetadataTable::read("metadata.csv", table.as_bytes()).unwrap();
    drop(table);
    let listing = Listing::from_paths(paths);
    let join = Join::new(read, listing, &Selection::default()).unwrap();
    // A shard has 16 sites, as RxRx3 has.
    let layout = Layout {
        shard_sites: Some(16),
        ..Layout::default()
    };
    let plan = Plan::new(join, 2048, 2048, DataType::UInt8, layout).unwrap();
    PlannedInput::simulated(plan, Box::new(Listed), input)
}

/// Bytes of the object with the overviews of a unit.
const OVERVIEW_BYTES: u64 = 50;

/// A record as of a conversion, of a shard and overviews that are the files of these versions.
fn record(unit: &Unit, versions: [String; 2], job: &str) -> UnitRecord {
    let sites = unit.sites.len();
    let plane = |number: usize| {
        let number = (unit.sites.start * CHANNELS + number) as u64;
        let random = number.wrapping_mul(0x9E37_79B9_7F4A_7C15);
        let part = |shift: u64| (random >> shift & 0xFFFF) as f64 / 331.0;
        PlaneRecord::Ok {
            source: SourceStamp {
                bytes: 60_000 + random % 20_000,
                version: Some(random),
            },
            summary: PlaneSummary {
                statistics: Statistics {
                    mean: part(0),
                    std: part(8),
                    min: 0,
                    max: 255,
                    p001: 0.0,
                    p01: 1.0,
                    p50: part(16).round(),
                    p99: part(24).round(),
                    p999: part(32).round(),
                    saturated: 0.0,
                    focus: part(40),
                    sum: random >> 20,
                    sum_of_squares: random >> 10,
                },
                xxh3_128: u128::from(random) * u128::from(random),
            },
        }
    };
    let [version, overview_version] = versions;
    UnitRecord {
        unit: unit.clone(),
        bytes: shard_bytes(unit),
        sha256: [7; 32],
        version: Some(version),
        job: Some(job.to_owned()),
        overview: OverviewRecord {
            bytes: OVERVIEW_BYTES,
            sha256: [8; 32],
            version: Some(overview_version),
        },
        stored_at: Some(1_800_000_000),
        ranges: (0..sites as u64)
            .map(|site| site * 100..site * 100 + 100)
            .collect(),
        // Each plane has 4 MiB, so that six of them do not share a chunk.
        plane_ranges: (0..(sites * CHANNELS) as u64)
            .map(|plane| plane * 16..plane * 16 + 16)
            .collect(),
        planes: (0..sites * CHANNELS).map(plane).collect(),
    }
}

fn shard_bytes(unit: &Unit) -> u64 {
    unit.sites.len() as u64 * 100 + 64
}

/// Makes shards and records as workers of all parts do.
fn work(output: &Path) {
    let place = OutputLocation::new(output).unwrap();
    let OutputState::Unfinished(run) = place.state().unwrap() else {
        panic!("there is no job");
    };
    let reference = run.job.unwrap();
    let job = JobPlan::read(place.work_store(), &reference).unwrap();
    let store = LocalStore::read_only(output);
    let journal = place.journal();
    let blocks = job.blocks();
    map_concurrent(&blocks, JOBS, |block: &Block| {
        let units = job.units_of(block);
        let mut records = Vec::new();
        for unit in &units {
            let objects = [
                (shard_key(unit.shard), shard_bytes(unit)),
                (overview_key(unit.shard), OVERVIEW_BYTES),
            ];
            let versions = objects.map(|(key, bytes)| {
                let path = output.join(&key);
                fs::create_dir_all(path.parent().unwrap()).unwrap();
                File::create(path).unwrap().set_len(bytes).unwrap();
                let version = store.version(&key).unwrap().unwrap();
                version.tag().unwrap().to_owned()
            });
            records.push(record(unit, versions, &reference.head_sha256));
        }
        journal.put_block(block, &records, &reference.head_sha256)
    })
    .unwrap();
}

/// Begins to measure the memory of this process; false where the system does not tell it.
fn forget_peak() -> bool {
    release_free_memory();
    fs::write("/proc/self/clear_refs", "5").is_ok()
}

/// The most memory since [`forget_peak`], in bytes.
fn peak() -> u64 {
    let text = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = text.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let number = line.and_then(|line| line.trim().trim_end_matches(" kB").parse().ok());
    number.unwrap_or(0) * 1024
}

/// Runs a step, and prints what it takes. With bounds, it must keep them.
fn measured<T>(name: &str, bounds: Option<(Duration, u64)>, step: impl FnOnce() -> T) -> T {
    let has_peak = forget_peak();
    let begun = Instant::now();
    let result = step();
    let (took, peak) = (begun.elapsed(), peak());
    println!(
        "{name}: {:.2} s, {} MiB at most",
        took.as_secs_f64(),
        peak / MIB
    );
    if let Some((seconds, bytes)) = bounds {
        assert!(took < seconds, "{name} took {took:?}");
        assert!(!has_peak || peak < bytes, "{name} took {} MiB", peak / MIB);
    }
    result
}

/// Plans, works, and seals a job of so many sites in so many parts.
fn simulate(sites: usize, parts: usize, bounds: Option<&Bounds>) {
    println!("{sites} sites in {parts} parts");
    let folder = tempfile::tempdir().unwrap();
    let output = folder.path().join("out");
    let place: Location = output.as_path().into();
    fs::create_dir(folder.path().join("in")).unwrap();
    let input: Location = folder.path().join("in").into();
    let options = ConvertOptions::default().ignore_space(true).jobs(JOBS);
    let parts = NonZeroUsize::new(parts).unwrap();
    let planes = sites * CHANNELS;
    let started = measured("init", bounds.map(|bounds| bounds.init), || {
        let planned = planned(sites, &input);
        init_job(&planned, &place, &options, parts, &Silent).unwrap()
    });
    assert_eq!(started.parts.len(), parts.get());
    assert_eq!(
        started.parts.iter().map(|part| part.images).sum::<usize>(),
        planes
    );
    // There is no image to convert: the worker ends when it looks for the first one.
    let error = measured("worker", bounds.map(|bounds| bounds.worker), || {
        run_part(&place, 1, &JobInput::default(), &options, &Silent).unwrap_err()
    });
    assert!(error.to_string().contains("GENE-"), "{error}");
    work(&output);
    let status = measured("status", bounds.map(|bounds| bounds.worker), || {
        job_status(&place, JOBS).unwrap()
    });
    assert_eq!(
        (status.sites_done, status.missing_parts.as_str()),
        (sites, "")
    );
    assert_eq!((status.planes.ok, status.failed.len()), (planes, 0));
    let sealed = measured("seal", bounds.map(|bounds| bounds.seal), || {
        seal_job(&place, &options, &Silent).unwrap()
    });
    assert_eq!(
        (sealed.converted.sites, sealed.converted.planes.ok),
        (sites, planes)
    );
    assert!(output.join(ROOT_METADATA).exists());
    println!(
        "{PLANES}: {} MiB",
        fs::metadata(output.join(PLANES)).unwrap().len() / MIB
    );
}

#[test]
fn a_job_of_many_units_is_planned_watched_and_sealed() {
    simulate(4000, 40, None);
}

#[test]
#[ignore = "full: a minute"]
fn a_job_of_the_size_of_rxrx1() {
    simulate(125_510, 200, None);
}

/// Run it with optimisation: `cargo test --release -p rxrx-writer --lib -- --ignored rxrx3`.
#[test]
#[ignore = "full: minutes, and 139,000 files"]
fn a_job_of_the_size_of_rxrx3() {
    simulate(
        2_222_000,
        2000,
        (!cfg!(debug_assertions)).then_some(&BOUNDS),
    );
}
