use rxrx_metadata::Unit;

use super::*;
use crate::fixture::Memory;
use crate::journal::{OverviewRecord, PlaneRecord};

fn unit(shard: usize) -> Unit {
    Unit {
        shard,
        sites: shard * 512..shard * 512 + 512,
    }
}

fn record(shard: usize, version: &str) -> UnitRecord {
    UnitRecord {
        unit: unit(shard),
        bytes: 9,
        sha256: [7; 32],
        version: Some(version.to_owned()),
        job: Some("job".to_owned()),
        overview: OverviewRecord {
            bytes: 3,
            sha256: [8; 32],
            version: Some(version.to_owned()),
        },
        stored_at: Some(5),
        ranges: Vec::new(),
        plane_ranges: Vec::new(),
        planes: vec![PlaneRecord::Missing],
    }
}

#[test]
fn records_are_merged_and_removed_unless_another_worker_has_replaced_them() {
    let memory = Memory::default();
    let none = BTreeMap::new();
    let journal = Journal::new(&memory);
    let records = [record(0, "a"), record(1, "a")];
    records
        .iter()
        .for_each(|record| journal.record(record).unwrap());
    let done: Vec<StoredUnit> = records.iter().map(StoredUnit::from).collect();
    let [block] = &Block::of(&[unit(0), unit(1)], 512)[..] else {
        panic!("one block");
    };
    assert_eq!(journal.block_units(block, "job").unwrap(), None);
    assert_eq!(journal.merge(block, &done, &none, "job").unwrap(), records);
    let entries = journal.entries().unwrap();
    assert!(entries.has(block) && entries.singles().next().is_none());
    assert_eq!(journal.recorded().unwrap(), 2);
    assert_eq!(journal.block_records(block).unwrap(), records);
    let units = journal.block_units(block, "job").unwrap().unwrap();
    assert_eq!(units, records.each_ref().map(ListedUnit::from));
    assert_eq!(journal.block_units(block, "other").unwrap(), None);
    assert_eq!(journal.read_back(&done[1]).unwrap(), records[1]);
    // Once more: nothing is to be done.
    assert_eq!(journal.merge(block, &done, &none, "job").unwrap(), records);

    // Another worker stores unit 1 anew, with the same bytes. Its record takes the old one's place.
    let newer = record(1, "b");
    journal.record(&newer).unwrap();
    let merged = journal.merge(block, &done, &none, "job").unwrap();
    assert_eq!(merged, [records[0].clone(), newer.clone()]);
    assert_eq!(journal.block_records(block).unwrap(), merged);
    // One with other bytes is not what this worker has stored: it stays beside the block.
    let other = UnitRecord {
        sha256: [8; 32],
        ..newer
    };
    journal.record(&other).unwrap();
    journal.merge(block, &done, &none, "job").unwrap();
    assert_eq!(
        journal.entries().unwrap().singles().collect::<Vec<_>>(),
        [1]
    );
    assert_eq!(journal.read_back(&StoredUnit::from(&other)).unwrap(), other);
    // A worker that has compared the bytes of a shard with its record notes its version.
    let other = |tag: &str| Some(Version::of_tag(tag.to_owned()));
    let versions = OtherVersions {
        shard: other("c"),
        overview: other("d"),
    };
    let seen = BTreeMap::from([(0, versions)]);
    let merged = journal.merge(block, &done, &seen, "job").unwrap();
    assert_eq!(merged[0].version.as_deref(), Some("c"));
    assert_eq!(merged[0].overview.version.as_deref(), Some("d"));
    assert_eq!(journal.block_records(block).unwrap(), merged);
}
