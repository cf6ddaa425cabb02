use rxrx_decoder::{PlaneSummary, Statistics};
use rxrx_metadata::Unit;

use super::*;
use crate::fixture::{Memory, plan, settings, shards_of};
use crate::journal::PlaneRecord;
use crate::journal::parse_entry;
use rxrx_input::SourceStamp;

fn run_of(sites: usize) -> Run {
    let plan = plan(sites, 2, shards_of(2));
    Run {
        fingerprint: Fingerprint::of(&plan, settings()),
        description: Description::look_alike(),
        units: plan.units().len(),
        labels: vec!["well".to_owned()],
        retried: None,
        job: None,
    }
}

/// A record with numbers that a careless reader rounds.
fn record(shard: usize) -> UnitRecord {
    let source = SourceStamp {
        bytes: 77_123,
        version: Some(u64::MAX - 1),
    };
    let statistics = Statistics {
        mean: 1.0 / 3.0,
        std: 0.1 + 0.2,
        min: 0,
        max: 65_535,
        p001: 0.0,
        p01: f64::MIN_POSITIVE,
        p50: 5e-324,
        p99: 123_456.789_012_345_67,
        p999: 2e300,
        saturated: 1e-9,
        focus: 0.7,
        sum: (1 << 53) + 1,
        sum_of_squares: u64::MAX,
    };
    UnitRecord {
        unit: Unit {
            shard,
            sites: shard * 2..shard * 2 + 2,
        },
        bytes: 1 << 60,
        sha256: [0xab; 32],
        version: Some("7-8-9".to_owned()),
        job: Some("0a".to_owned()),
        overview: crate::journal::OverviewRecord {
            bytes: 1 << 50,
            sha256: [0xcd; 32],
            version: Some("1-2".to_owned()),
        },
        ranges: vec![0..7, 7..1 << 60],
        plane_ranges: vec![0..3, 3..7],
        planes: vec![
            PlaneRecord::Ok {
                source,
                summary: PlaneSummary {
                    statistics,
                    xxh3_128: u128::MAX - 5,
                },
            },
            PlaneRecord::Missing,
            PlaneRecord::Unreadable {
                error: "os error 5".to_owned(),
            },
            PlaneRecord::Corrupt {
                source: None,
                error: "line\nbreak \"and\" \u{fffd}".to_owned(),
                cause: "crc".into(),
            },
            PlaneRecord::Corrupt {
                source: Some(source),
                error: String::new(),
                cause: "adler".into(),
            },
        ],
    }
}

#[test]
fn records_are_read_to_the_last_bit() {
    let store = Memory::new();
    let journal = Journal::new(&store);
    for shard in [11, 2, 0] {
        journal.record(&record(shard)).unwrap();
    }
    assert_eq!(journal.recorded().unwrap(), 3);
    let records = journal.records().unwrap();
    assert_eq!(records.whole, [record(0), record(2), record(11)]);
    assert_eq!(records.damaged, Vec::<String>::new());
}

#[test]
fn damaged_records_do_not_count() {
    let store = Memory::new();
    Journal::new(&store).record(&record(1)).unwrap();
    let key = "units/1.json";
    let good = store.get(key).unwrap().unwrap();
    let with = |bytes: Vec<u8>| {
        let store = Memory::new();
        store.put(key, &[&bytes]).unwrap();
        let records = Journal::new(&store).records().unwrap();
        assert_eq!(records.damaged.len() + records.whole.len(), 1);
        records.whole.len()
    };
    assert_eq!(with(good.clone()), 1);
    for length in 0..good.len() {
        assert_eq!(with(good[..length].to_vec()), 0, "cut to {length}");
    }
    for bit in 0..good.len() * 8 {
        let mut bytes = good.clone();
        bytes[bit / 8] ^= 1 << (bit % 8);
        assert_eq!(with(bytes), 0, "bit {bit} flipped");
    }
    let elsewhere = Memory::new();
    elsewhere.put("units/2.json", &[&good]).unwrap();
    let records = Journal::new(&elsewhere).records().unwrap();
    assert_eq!(records.damaged, ["units/2.json"]);
}

#[test]
fn a_damaged_entry_is_an_error_with_advice() {
    let entry = encode_entry("state.json", &run_of(24)).unwrap();
    assert_eq!(
        parse_entry::<Run>("state.json", &entry).unwrap(),
        run_of(24)
    );
    let error = parse_entry::<Run>("state.json", b"{}\n").unwrap_err();
    let text = error.to_string();
    assert!(
        text.contains("state.json") && text.contains("--overwrite"),
        "{text}"
    );
}
