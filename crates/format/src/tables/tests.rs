use std::fs::File;

use parquet::file::metadata::ParquetMetaDataReader;

use super::writer::site_groups;
use super::*;
use crate::testing::{plan, shards_of};

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
    let places: Vec<SitePlace> = (0..MANY as u64)
        .map(|site| SitePlace {
            range: site * 9..site * 9 + 9,
            complete: false,
        })
        .collect();
    let mut planes = PlanesTable::new(&plan, &[]).unwrap();
    planes.add(vec![PlaneRow::Missing; MANY]).unwrap();
    let sites = sites_table(&plan, &places, &[]).unwrap();
    let planes = planes.finish().unwrap();
    let folder = tempfile::tempdir().unwrap();
    let groups = |name: &str, bytes: Vec<u8>| -> Vec<i64> {
        let path = folder.path().join(name);
        std::fs::write(&path, bytes).unwrap();
        let file = File::open(&path).unwrap();
        let metadata = ParquetMetaDataReader::new()
            .parse_and_finish(&file)
            .unwrap();
        let groups = metadata.row_groups().iter();
        groups.map(|group| group.num_rows()).collect()
    };
    let sites = groups("sites", sites);
    assert_eq!(sites, [8193, 8192]);
    assert_eq!(groups("planes", planes), sites);
}
