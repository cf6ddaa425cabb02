//! The sizes of the tables of the whole RxRx1: its table, and statistics like those of real
//! planes. Skipped where the machine has no real data.

#[path = "../../../../../tests/real_data.rs"]
mod real_data;

use std::fs;
use std::path::Path;

use rxrx_decoder::{Decoder, Limits, PlaneSummary, read_shape};
use rxrx_metadata::{DataType, Join, Listing, Plan, Selection, TableOptions};

use self::real_data::real_data;
use super::super::*;
use crate::testing::rxrx1;

const CHANNELS: usize = 6;
/// Rows and columns of every plane.
const SIDE: usize = 512;
/// Sites of the whole data set.
const SITES: usize = 125_510;
/// The experiments of the test, because all of them take a while: `*` measures them.
const EXPERIMENTS: &str = "HUVEC-0*";
/// Columns with texts of the user, which nearly all differ.
const OF_THE_USER: [&str; 3] = ["site_id", "well_id", "sirna"];
/// Columns with the places of the pixels: lengths of chunks are random numbers.
const OF_THE_PIXELS: [&str; 2] = ["byte_offset", "byte_length"];

/// Numbers of [SplitMix64](https://prng.di.unimi.it/splitmix64.c).
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let z = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// A number from 0.9 to 1.1.
    fn factor(&mut self) -> f64 {
        0.9 + 0.2 * (self.next() >> 11) as f64 / (1u64 << 53) as f64
    }

    /// A whole number near `value`.
    fn near(&mut self, value: f64) -> f64 {
        (value * self.factor()).round()
    }

    /// Another plane like `plane`, with as many digits in each statistic.
    fn like(&mut self, plane: &PlaneSummary) -> PlaneSummary {
        let mut other = *plane;
        let n = (SIDE * SIDE) as f64;
        let statistics = &mut other.statistics;
        statistics.sum = self.near(statistics.sum as f64) as u64;
        statistics.mean = statistics.sum as f64 / n;
        let variance = statistics.std * statistics.std * self.factor();
        let squares = (variance + statistics.mean * statistics.mean) * n;
        statistics.sum_of_squares = squares.round() as u64;
        statistics.std = (statistics.sum_of_squares as f64 / n - statistics.mean.powi(2)).sqrt();
        for percentile in [
            &mut statistics.p001,
            &mut statistics.p01,
            &mut statistics.p50,
            &mut statistics.p99,
            &mut statistics.p999,
        ] {
            *percentile = self.near(*percentile);
        }
        statistics.min = self.near(statistics.min.into()) as u16;
        statistics.max = self.near(statistics.max.into()).min(255.0) as u16;
        statistics.saturated = self.near(statistics.saturated * n) / n;
        statistics.focus *= self.factor();
        other.xxh3_128 = u128::from(self.next()) << 64 | u128::from(self.next());
        other
    }
}

/// Sizes and statistics of the real planes of the sample, by channel.
fn real_planes(sample: &Path) -> [Vec<(u64, PlaneSummary)>; CHANNELS] {
    let mut pixels = vec![0; SIDE * SIDE];
    let mut decoder = Decoder::new(Limits::default());
    let mut planes: [Vec<_>; CHANNELS] = std::array::from_fn(|_| Vec::new());
    let mut folders = vec![sample.join("images")];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
                continue;
            }
            let name = path.file_stem().unwrap().to_str().unwrap();
            let (_, channel) = name.rsplit_once("_w").unwrap();
            let of_channel = &mut planes[channel.parse::<usize>().unwrap() - 1];
            if of_channel.len() == 4 {
                continue;
            }
            let png = fs::read(&path).unwrap();
            let shape = read_shape(&png, &Limits::default()).unwrap();
            let summary = decoder.decode(&png, shape, &mut pixels).unwrap();
            of_channel.push((png.len() as u64, summary));
        }
    }
    planes
}

/// The plan of the sites of [`EXPERIMENTS`], with an image for each plane.
fn plan_of(table: &Path) -> Plan {
    let table = TableOptions::default().open(table).unwrap();
    let sites = table.keys().iter().zip(table.experiments());
    let paths = sites.flat_map(|(key, experiment)| {
        (1..=CHANNELS).map(move |channel| {
            let (plate, well, site) = (&key.plate, &key.well, key.site);
            format!("images/{experiment}/Plate{plate}/{well}_s{site}_w{channel}.png").into()
        })
    });
    let listing = Listing::from_paths(paths.collect::<Vec<Box<str>>>());
    let chosen = Selection::parse(&[EXPERIMENTS.to_owned()], &[]).unwrap();
    let join = Join::new(table, listing, &chosen).unwrap();
    Plan::new(join, SIDE, SIDE, DataType::UInt8, Default::default()).unwrap()
}

/// Bytes of the columns of those names, with their Bloom filters.
fn column_bytes(table: &[u8], names: &[&str]) -> usize {
    let reader = parquet::file::metadata::ParquetMetaDataReader::new();
    let metadata = reader.parse_and_finish(&bytes::Bytes::from(table.to_vec()));
    let metadata = metadata.unwrap();
    let columns = metadata
        .row_groups()
        .iter()
        .flat_map(|group| group.columns());
    let chosen = columns.filter(|column| names.contains(&column.column_path().string().as_str()));
    let bytes = chosen.map(|column| {
        let bloom = column.bloom_filter_length().unwrap_or(0);
        column.compressed_size() as usize + bloom as usize
    });
    bytes.sum()
}

#[test]
fn tables_of_the_whole_data_set_are_small() {
    let Some(table) = real_data("../rxrx1-metadata-125510.csv.gz") else {
        return;
    };
    let Some(sample) = real_data("") else { return };
    let plan = plan_of(&table);
    let geometry = plan.geometry();
    assert!(geometry.sites > 20_000 && plan.missing_planes() == 0);
    let real = real_planes(&sample);
    let mut random = Random(125_510);
    let mut planes = PlanesTable::new(&plan, &[]).unwrap();
    let mut places: Vec<SitePlace> = Vec::new();
    for site in 0..geometry.sites {
        let rows = real.iter().map(|of_channel| {
            let (bytes, plane) = &of_channel[random.next() as usize % of_channel.len()];
            PlaneRow::Ok {
                source_bytes: random.near(*bytes as f64) as u64,
                summary: random.like(plane),
            }
        });
        planes.add(rows.collect(), &[]).unwrap();
        let before = places.last().filter(|_| site % geometry.shard_sites > 0);
        let start = before.map_or(0, |place| place.range.end);
        places.push(SitePlace {
            range: start..start + random.near(600_000.0) as u64,
            complete: true,
        });
    }
    let planes = planes.finish().unwrap();
    let table = sites_table(&plan, &places, &rxrx1().columns, &[]).unwrap();
    let [of_user, of_pixels] =
        [OF_THE_USER.as_slice(), &OF_THE_PIXELS].map(|columns| column_bytes(&table, columns));
    let sites = geometry.sites;
    let (planes, table) = (planes.len(), table.len());
    println!(
        "{sites} sites: planes {planes} bytes; metadata {table} bytes, of which {OF_THE_USER:?} \
         {of_user} and {OF_THE_PIXELS:?} {of_pixels}"
    );
    let of_all = |bytes: usize| bytes * SITES / sites;
    assert!(of_all(planes) < 45_000_000);
    assert!(of_all(table - of_user - of_pixels) < 600_000);
}
