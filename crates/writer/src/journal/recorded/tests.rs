use rxrx_decoder::{BitDepth, PlaneShape, SummaryScratch, summarise};
use rxrx_format::testing::plan;
use rxrx_format::{ColumnMeanings, PlanesTable, SitePlace, checksum_list, sites_table};
use rxrx_metadata::{Layout, Plan};
use rxrx_storage::testing::Memory;
use sha2::{Digest, Sha256};

use super::*;

/// Both tables of the units with these records.
fn tables_of(plan: &Plan, units: &[UnitRecord]) -> [Vec<u8>; 2] {
    let channels = plan.geometry().channels;
    let places = units.iter().flat_map(|unit| unit.places(channels));
    let places: Vec<SitePlace> = places.collect();
    let mut planes = PlanesTable::new(plan, &[]).unwrap();
    for unit in units {
        let rows = unit.planes.iter().cloned().map(Into::into);
        planes.add(rows.collect(), &unit.plane_ranges).unwrap();
    }
    [
        sites_table(plan, &places, &ColumnMeanings::default(), &[]).unwrap(),
        planes.finish().unwrap(),
    ]
}

const SITES_OF: usize = 5;

fn channels() -> Vec<String> {
    vec!["w1".to_owned(), "w2".to_owned()]
}

fn planned() -> Plan {
    let layout = Layout {
        chunk_sites: 2,
        shard_sites: Some(4),
        ..Layout::default()
    };
    plan(SITES_OF, 2, layout)
}

/// All that the table tells of a file of that size.
fn stamp(bytes: u64) -> SourceStamp {
    SourceStamp {
        bytes,
        version: None,
    }
}

/// Two units, with a plane of each kind.
fn records(plan: &Plan) -> Vec<UnitRecord> {
    let plane = |number: usize| match number {
        3 => PlaneRecord::Missing,
        5 => PlaneRecord::Unreadable {
            error: "os error 5".to_owned(),
        },
        4 | 7 => PlaneRecord::Corrupt {
            source: (number == 4).then(|| stamp(9)),
            error: "not a PNG, \"sadly\"".to_owned(),
            cause: "not_png".into(),
        },
        _ => PlaneRecord::Ok {
            source: stamp(number as u64),
            summary: summarise(
                &[number as u8, 200, 3, 255, 4, 9, 9, 9, 9],
                PlaneShape {
                    height: 3,
                    width: 3,
                    depth: BitDepth::Eight,
                },
                &mut SummaryScratch::new(),
            ),
        },
    };
    plan.units()
        .map(|unit| UnitRecord {
            bytes: 100 + unit.shard as u64,
            sha256: Sha256::digest(vec![0; 100 + unit.shard]).into(),
            version: None,
            job: None,
            overview: OverviewRecord {
                bytes: 50 + unit.shard as u64,
                sha256: Sha256::digest(vec![0; 50 + unit.shard]).into(),
                version: None,
            },
            ranges: unit
                .sites
                .clone()
                .map(|site| site as u64..site as u64 * 3)
                .collect(),
            plane_ranges: if plan.geometry().has_plane_chunks() {
                let planes = unit.sites.start as u64 * 2..unit.sites.end as u64 * 2;
                planes.map(|plane| plane..plane + 3).collect()
            } else {
                Vec::new()
            },
            planes: (unit.sites.start * 2..unit.sites.end * 2)
                .map(plane)
                .collect(),
            unit,
        })
        .collect()
}

/// A store with both tables, and shards and overviews of the recorded sizes.
fn stored(plan: &Plan, units: &[UnitRecord]) -> Memory {
    let store = Memory::new();
    let [sites, planes] = tables_of(plan, units);
    store.put(SITES, &[&sites]).unwrap();
    store.put(PLANES, &[&planes]).unwrap();
    for unit in units {
        for (object, _) in unit.objects() {
            let bytes = vec![0; object.bytes as usize];
            store.put(&object.key, &[&bytes]).unwrap();
        }
    }
    let objects = units.iter().flat_map(UnitRecord::objects);
    let sums = objects.map(|(object, _)| (object.key, object.sha256));
    let list = checksum_list(&sums.collect());
    store.put(CHECKSUMS, &[list.as_bytes()]).unwrap();
    store
}

/// The plan has an image for each plane, which contradicts a missing one.
fn without_missing(mut units: Vec<UnitRecord>) -> Vec<UnitRecord> {
    let ok = units[0].planes[0].clone();
    units[0].planes[3] = ok;
    units
}

fn read_back(store: &Memory) -> Result<Vec<UnitRecord>, RecordedError> {
    read_records(store, planned().geometry(), &channels())
}

fn read_records(
    store: &Memory,
    geometry: &ArrayGeometry,
    channels: &[String],
) -> Result<Vec<UnitRecord>, RecordedError> {
    RecordedUnits::read(store, geometry, channels)?
        .records()
        .collect()
}

#[test]
fn records_are_read_from_the_tables() {
    let plan = planned();
    let units = without_missing(records(&plan));
    let read = read_back(&stored(&plan, &units)).unwrap();
    assert_eq!(read.len(), units.len());
    for (read, unit) in read.iter().zip(&units) {
        assert_eq!(read.unit, unit.unit);
        assert_eq!(read.bytes, unit.bytes);
        assert_eq!(read.ranges, unit.ranges);
        assert_eq!(read.planes, unit.planes);
    }
}

#[test]
fn the_bytes_of_planes_are_read_from_the_table() {
    let layout = Layout {
        chunk_channels: Some(1),
        shard_sites: Some(4),
        ..Layout::default()
    };
    let plan = plan(SITES_OF, 2, layout);
    let units = without_missing(records(&plan));
    let store = stored(&plan, &units);
    let read = read_records(&store, plan.geometry(), &channels()).unwrap();
    for (read, unit) in read.iter().zip(&units) {
        assert_eq!(read.plane_ranges, unit.plane_ranges);
        assert!(read.fits(&plan));
        let without = UnitRecord {
            plane_ranges: Vec::new(),
            ..read.clone()
        };
        assert!(!without.fits(&plan));
    }
    // An earlier version did not write them.
    let whole = planned();
    let [_, planes] = tables_of(&whole, &without_missing(records(&whole)));
    store.put(PLANES, &[&planes]).unwrap();
    let error = read_records(&store, plan.geometry(), &channels()).unwrap_err();
    assert!(matches!(error, RecordedError::NoPlaces), "{error}");
}

#[test]
fn a_contradiction_names_table_row_and_column() {
    let plan = planned();
    let error = read_back(&stored(&plan, &records(&plan))).unwrap_err();
    let told = "planes.parquet, row 3, column source: ";
    assert!(error.to_string().starts_with(told), "{error}");
}

#[test]
fn another_array_is_an_error() {
    let plan = planned();
    let store = stored(&plan, &without_missing(records(&plan)));
    let other = rxrx_format::testing::plan(SITES_OF + 1, 2, Layout::default());
    let error = read_records(&store, other.geometry(), &channels()).unwrap_err();
    assert!(
        matches!(
            error,
            RecordedError::Table(ReadTableError::Rows { found: 5, .. })
        ),
        "{error}"
    );
    let names = ["w1".to_owned(), "w3".to_owned()];
    let error = read_records(&store, plan.geometry(), &names).unwrap_err();
    let told = "planes.parquet, row 1, column channel: \"w2\"";
    assert!(error.to_string().starts_with(told), "{error}");
    let shifted = rxrx_format::testing::plan(SITES_OF, 2, rxrx_format::testing::shards_of(3));
    let error = read_records(&store, shifted.geometry(), &channels()).unwrap_err();
    let told = "metadata.parquet, row 3, column shard: ";
    assert!(error.to_string().starts_with(told), "{error}");
}

#[test]
fn an_absent_shard_is_named() {
    let plan = planned();
    let store = stored(&plan, &without_missing(records(&plan)));
    store
        .objects
        .lock()
        .unwrap()
        .retain(|(key, _)| !key.contains("/c/1/"));
    let error = read_back(&store).unwrap_err();
    assert_eq!(
        error.to_string(),
        "images.zarr/images/c/1/0/0/0 is not there"
    );
}

/// A damaged table is an error or gives the same rows.
#[test]
fn a_damaged_table_never_panics() {
    let plan = planned();
    let units = without_missing(records(&plan));
    let store = stored(&plan, &units);
    let mut refused = 0;
    for key in [SITES, PLANES] {
        let whole = store.get(key).unwrap().unwrap();
        for round in 0..600 {
            let mut damaged = whole.clone();
            match round {
                0..4 => damaged.truncate([0, 4, 11, whole.len() / 2][round]),
                _ => damaged[round * 2_654_435_761 % whole.len()] ^= 1 << (round % 8),
            }
            store.put(key, &[&damaged]).unwrap();
            refused += usize::from(read_back(&store).is_err());
        }
        store.put(key, &[&whole]).unwrap();
    }
    assert!(refused > 100, "{refused}");
}
