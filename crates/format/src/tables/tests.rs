mod full_size;

use std::fs::File;
use std::ops::Range;

use bytes::Bytes;
use parquet::file::metadata::ParquetMetaDataReader;
use rxrx_decoder::{PlaneSummary, Statistics};
use rxrx_metadata::{Embeddings, Layout, Plan, RowRule};
use sha2::{Digest, Sha256};

use super::writer::site_groups;
use super::*;
use crate::column_meaning::ColumnMeanings;
use crate::keys::{CHANNEL_STATS, CHANNELS, EMBEDDINGS, PLANES, SITES};
use crate::row_rules::RowRules;
use crate::testing::{plan, rxrx1, shards_of};

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
    let ranges: Vec<_> = places.iter().map(|place| place.range.clone()).collect();
    planes.add(vec![PlaneRow::Missing; MANY], &ranges).unwrap();
    let sites = sites_table(&plan, &places, &ColumnMeanings::default(), &[]).unwrap();
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

/// The start of the SHA-256 of each table of [`small_plan`]: with the digests of chunks and labels
/// the contract of [`ENCODER_REVISION`]. A new version of the Parquet library may
/// change them; then the revision counts up.
///
/// [`ENCODER_REVISION`]: crate::version::ENCODER_REVISION
const PINNED: [(&str, &str); 5] = [
    (SITES, "01eab77a0b1a7389"),
    (PLANES, "0cd06f2724130d6b"),
    (CHANNELS, "89a59d3528eb5ddc"),
    (CHANNEL_STATS, "a1ccc81c9aa7b37d"),
    (EMBEDDINGS, "321c200d415f79d9"),
];

/// Makes a plan of three sites with two channels, in shards of two sites.
fn small_plan() -> Plan {
    plan(3, 2, shards_of(2))
}

fn stored_plane(number: u16) -> PlaneRow {
    let value = f64::from(number);
    PlaneRow::Ok {
        source_bytes: 100 + u64::from(number),
        summary: PlaneSummary {
            statistics: Statistics {
                mean: value + 0.25,
                std: value / 3.0,
                min: number,
                max: 200 + number,
                p001: value + 0.001,
                p01: value + 0.01,
                p50: value + 0.5,
                p99: value + 0.99,
                p999: value + 0.999,
                saturated: value / 64.0,
                focus: value * value,
                sum: 1000 + u64::from(number),
                sum_of_squares: 500_000 + u64::from(number),
            },
            xxh3_128: u128::from(number) << 64 | 7,
        },
    }
}

/// Two planes a site: one is missing, one unreadable, one corrupt.
fn small_planes() -> Vec<PlaneRow> {
    let mut planes: Vec<PlaneRow> = (0..6).map(stored_plane).collect();
    planes[1] = PlaneRow::Missing;
    planes[2] = PlaneRow::Unreadable {
        error: "os error 5".to_owned(),
    };
    planes[4] = PlaneRow::Corrupt {
        source_bytes: Some(12),
        error: "torn".to_owned(),
        cause: Some("damaged".to_owned()),
    };
    planes
}

fn small_embeddings() -> Embeddings {
    let mut embeddings = Embeddings::absent(3, 4).unwrap();
    for site in [0, 2] {
        let vector = embeddings.insert(site).unwrap();
        for (number, value) in vector.iter_mut().enumerate() {
            *value = (site * 10 + number) as f32 / 8.0;
        }
    }
    embeddings
}

#[test]
fn the_bytes_of_every_table_are_those_of_the_encoder_revision() {
    let plan = small_plan();
    let key_values = [("array", "images.zarr/images".to_owned())];
    let places = [(0..90, false), (90..200, true), (0..95, false)];
    let places = places.map(|(range, complete)| SitePlace { range, complete });
    let mut planes = PlanesTable::new(&plan, &key_values).unwrap();
    planes.add(small_planes(), &[]).unwrap();
    let names = ["w1", "w2"].map(str::to_owned);
    let controls = RowRule::try_from(vec!["well=B0*".to_owned()]).unwrap();
    let rules = RowRules {
        train: Some(RowRule::try_from(vec!["plate=2".to_owned()]).unwrap()),
        negative_controls: Some(controls),
    };
    let stats = channel_stats(plan.table().columns(), 2, 16, &rules, small_planes().iter());
    let ids = ["E-1_1_B02_1", "E-1_2_B02_1", "E-1_3_B02_1"];
    let tables = [
        sites_table(&plan, &places, &rxrx1().columns, &key_values).unwrap(),
        planes.finish().unwrap(),
        channels_table(&rxrx1().channels, &key_values).unwrap(),
        channel_stats_table(&stats, &names, &key_values).unwrap(),
        embeddings_table(&small_embeddings(), &ids, &key_values).unwrap(),
    ];
    let found: Vec<(&str, String)> = PINNED
        .iter()
        .zip(tables)
        .map(|((key, _), table)| (*key, hex::encode(&Sha256::digest(table)[..8])))
        .collect();
    let is_pinned = found
        .iter()
        .zip(PINNED)
        .all(|(found, pinned)| found.1 == pinned.1);
    assert!(is_pinned, "the digests are now {found:#?}");
}

#[test]
fn planes_with_chunks_of_their_own_have_their_bytes_in_the_table() {
    let layout = Layout {
        chunk_channels: Some(1),
        shard_sites: Some(2),
        ..Layout::default()
    };
    let plan = plan(3, 2, layout);
    let places = [0..4, 4..9, 9..11, 11..20, 0..7, 7..8];
    let names = ["w1", "w2"].map(str::to_owned);
    let unreadable = PlaneRow::Unreadable {
        error: "os error 5".to_owned(),
    };
    let table = |places: &[Range<u64>]| {
        let mut planes = PlanesTable::new(&plan, &[]).unwrap();
        planes.add(vec![unreadable.clone(); 6], places)?;
        planes.finish()
    };
    let bytes: Bytes = table(&places).unwrap().into();
    let read = planes_of(bytes.clone(), plan.geometry(), &names).unwrap();
    assert_eq!((read.rows.len(), &read.places[..]), (6, &places[..]));
    // Other shards than those of the sites are refused.
    let other = super::tests::plan(
        3,
        2,
        Layout {
            shard_sites: Some(1),
            ..layout
        },
    );
    let error = planes_of(bytes, other.geometry(), &names).unwrap_err();
    assert!(
        error.to_string().contains("row 2, column object"),
        "{error}"
    );
    let error = table(&places[1..]).unwrap_err().to_string();
    assert!(error.contains("5 rows, expected 6"), "{error}");
}

#[test]
fn a_table_with_other_rows_than_sites_is_a_defect() {
    let plan = small_plan();
    let place = SitePlace {
        range: 0..9,
        complete: true,
    };
    let error = sites_table(&plan, &[place], &ColumnMeanings::default(), &[])
        .unwrap_err()
        .to_string();
    assert!(error.contains("1 rows, expected 3"), "{error}");
    let error = embeddings_table(&small_embeddings(), &["a"], &[]).unwrap_err();
    assert!(error.to_string().contains("1 rows, expected 3"), "{error}");
}
