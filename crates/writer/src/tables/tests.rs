use parquet::file::metadata::ParquetMetaDataReader;
use rxrx_metadata::{Plan, Unit};

use super::*;
use crate::fixture::{plan, shards_of};
use crate::record::{PlaneRecord, UnitRecord};

/// Both tables of the units with these records.
pub(super) fn tables_of(plan: &Plan, units: &[UnitRecord]) -> [Vec<u8>; 2] {
    let channels = plan.geometry().channels;
    let places = units.iter().flat_map(|unit| site_places(unit, channels));
    let places: Vec<SitePlace> = places.collect();
    let mut planes = PlanesTable::new(plan, &[]).unwrap();
    for unit in units {
        planes.add(unit.planes.clone()).unwrap();
    }
    [
        sites_table(plan, &places, &[]).unwrap(),
        planes.finish().unwrap(),
    ]
}

#[test]
fn row_groups_are_even() {
    let sizes = |sites| {
        site_groups(sites)
            .map(|group| group.len())
            .collect::<Vec<_>>()
    };
    assert_eq!(sizes(24), [24]);
    assert_eq!(sizes(16 * 1024), [16 * 1024]);
    assert_eq!(sizes(16 * 1024 + 1), [8193, 8192]);
    let full = sizes(125_510);
    assert_eq!(full.len(), 8);
    assert!(
        full.iter()
            .all(|size| (8 * 1024..=16 * 1024).contains(size))
    );
    assert_eq!(full.iter().sum::<usize>(), 125_510);
}

#[test]
fn row_groups_of_both_tables_hold_the_same_sites() {
    const MANY: usize = 16 * 1024 + 1;
    let plan = plan(MANY, 1, shards_of(MANY));
    let unit = UnitRecord {
        unit: Unit {
            shard: 0,
            sites: 0..MANY,
        },
        bytes: 0,
        sha256: [0; 32],
        ranges: (0..MANY as u64)
            .map(|site| site * 9..site * 9 + 9)
            .collect(),
        planes: vec![PlaneRecord::Missing; MANY],
    };
    let folder = tempfile::tempdir().unwrap();
    let groups = |name: &str, bytes: Vec<u8>| -> Vec<i64> {
        let path = folder.path().join(name);
        std::fs::write(&path, bytes).unwrap();
        let file = std::fs::File::open(&path).unwrap();
        let metadata = ParquetMetaDataReader::new()
            .parse_and_finish(&file)
            .unwrap();
        let groups = metadata.row_groups().iter();
        groups.map(|group| group.num_rows()).collect()
    };
    let [sites, planes] = tables_of(&plan, &[unit]);
    let sites = groups("sites", sites);
    assert_eq!(sites, [8193, 8192]);
    assert_eq!(groups("planes", planes), sites);
}
