//! `metadata.parquet` and `planes.parquet` as the contract has them.

use std::fs::File;

use parquet::basic::Compression;
use parquet::bloom_filter::Sbbf;
use parquet::file::metadata::{PageIndexPolicy, ParquetMetaData, ParquetMetaDataReader};
use xxhash_rust::xxh3::xxh3_128;

use super::dataset::Dataset;
use super::input::{Input, Spec};
use super::run::convert;

fn converted(input: &Input, options: &str) -> Dataset {
    convert(&input.root(), &input.output(), options).exits_with(0);
    Dataset::at(input.output())
}

#[test]
fn sites_have_the_columns_of_the_contract() {
    let input = Input::of_sites(13);
    let dataset = converted(&input, "--shard-sites 4");
    let table = dataset.sites_table();
    let expected = [
        "site_index Int32",
        "site_id Utf8",
        "well_id Utf8?",
        "cell_type Utf8?",
        "dataset Utf8?",
        "experiment Utf8",
        "plate Int32",
        "well Utf8",
        "site_number Int32",
        "well_type Utf8?",
        "sirna Utf8?",
        "sirna_id Int32?",
        "dose Float64?",
        "object Utf8",
        "byte_offset Int64",
        "byte_length Int64",
        "complete Boolean",
    ];
    assert_eq!(table.schema(), expected);

    let rows = 0..13usize;
    let site_ids: Vec<_> = rows.clone().map(|row| Some(input.site_id(row))).collect();
    assert_eq!(table.texts("site_id"), site_ids);
    let indices: Vec<_> = rows.clone().map(|row| Some(row as i64)).collect();
    assert_eq!(table.integers("site_index"), indices);
    let blank = |row: usize| row.is_multiple_of(3);
    let ids = rows.clone().map(|row| (!blank(row)).then_some(row as i64));
    assert_eq!(table.integers("sirna_id"), ids.collect::<Vec<_>>());
    let names = rows
        .clone()
        .map(|row| (!blank(row)).then(|| format!("s{row}")));
    assert_eq!(table.texts("sirna"), names.collect::<Vec<_>>());
    let doses = rows
        .clone()
        .map(|row| (row % 4 != 1).then_some(row as f64 + 0.5));
    assert_eq!(table.floats("dose"), doses.collect::<Vec<_>>());
    let plates = rows.clone().map(|row| Some(1 + row as i64 / 4 % 2));
    assert_eq!(table.integers("plate"), plates.collect::<Vec<_>>());
    let shards = rows.map(|row| Some(format!("images.zarr/images/c/{}/0/0/0", row / 4)));
    assert_eq!(table.texts("object"), shards.collect::<Vec<_>>());
    assert_eq!(table.flags("complete"), [true; 13]);
}

#[test]
fn planes_have_the_columns_of_the_contract() {
    for sixteen_bit in [false, true] {
        let input = Input::new(Spec {
            sixteen_bit,
            ..Spec::default()
        });
        let table = converted(&input, "").planes_table();
        let expected = [
            "site_index Int32",
            "channel Utf8",
            "source Utf8?",
            "source_bytes Int64?",
            "status Utf8",
            "error Utf8?",
            "cause Utf8?",
            "xxh3_128 Utf8?",
            "pixels Int32?",
            "mean Float64?",
            "std Float64?",
            "min Int32?",
            "max Int32?",
            "p001 Float64?",
            "p01 Float64?",
            "p50 Float64?",
            "p99 Float64?",
            "p999 Float64?",
            "saturated Float64?",
            "focus Float64?",
            "sum Int64?",
            "sum_of_squares Int64?",
        ];
        assert_eq!(table.schema(), expected);
        assert_eq!(table.rows.num_rows(), 18);
        for row in 0..18 {
            let (site, channel) = (row / 6, row as u16 % 6 + 1);
            assert_eq!(table.integers("site_index")[row], Some(site as i64));
            assert_eq!(table.texts("channel")[row], Some(format!("w{channel}")));
            let source = Some(input.image_name(site, channel));
            assert_eq!(table.texts("source")[row], source);
            let bytes = input.image(site, channel).metadata().unwrap().len() as i64;
            assert_eq!(table.integers("source_bytes")[row], Some(bytes));
            assert_eq!(table.texts("status")[row].as_deref(), Some("ok"));
            assert_eq!(table.texts("error")[row], None);
            assert_eq!(table.texts("cause")[row], None);

            let pixels = input.decoded(site, channel);
            let hash = Some(format!("{:032x}", hash(&pixels, sixteen_bit)));
            assert_eq!(table.texts("xxh3_128")[row], hash);
            assert_eq!(table.integers("pixels")[row], Some(pixels.len() as i64));
            let statistics = Statistics::of(pixels, sixteen_bit);
            for (column, value) in [
                ("mean", statistics.mean),
                ("std", statistics.std),
                ("p001", statistics.p001),
                ("p01", statistics.p01),
                ("p50", statistics.p50),
                ("p99", statistics.p99),
                ("p999", statistics.p999),
                ("saturated", statistics.saturated),
                ("focus", statistics.focus),
            ] {
                let found = table.floats(column)[row].unwrap();
                assert!(
                    (found - value).abs() < 1e-9 * value.max(1.0),
                    "{column}: {found}, not {value}"
                );
            }
            assert!(statistics.saturated > 0.0);
            assert_eq!(table.integers("min")[row], Some(statistics.min));
            assert_eq!(table.integers("max")[row], Some(statistics.max));
            assert_eq!(table.integers("sum")[row], Some(statistics.sum));
            let squares = Some(statistics.sum_of_squares);
            assert_eq!(table.integers("sum_of_squares")[row], squares);
        }
    }
}

/// Statistics by their definitions.
struct Statistics {
    mean: f64,
    std: f64,
    min: i64,
    max: i64,
    p001: f64,
    p01: f64,
    p50: f64,
    p99: f64,
    p999: f64,
    saturated: f64,
    focus: f64,
    sum: i64,
    sum_of_squares: i64,
}

impl Statistics {
    fn of(mut pixels: Vec<u16>, sixteen_bit: bool) -> Self {
        let focus = focus(&pixels);
        pixels.sort_unstable();
        let count = pixels.len() as f64;
        let mean = pixels.iter().map(|&v| f64::from(v)).sum::<f64>() / count;
        let squares = pixels.iter().map(|&v| (f64::from(v) - mean).powi(2));
        let full = if sixteen_bit {
            u16::MAX
        } else {
            u8::MAX.into()
        };
        let percentile = |percent: f64| {
            let position = percent / 100.0 * (count - 1.0);
            let [lower, upper] =
                [position.floor(), position.ceil()].map(|rank| f64::from(pixels[rank as usize]));
            lower + (upper - lower) * position.fract()
        };
        Self {
            mean,
            std: (squares.sum::<f64>() / count).sqrt(),
            min: pixels[0].into(),
            max: pixels[pixels.len() - 1].into(),
            p001: percentile(0.1),
            p01: percentile(1.0),
            p50: percentile(50.0),
            p99: percentile(99.0),
            p999: percentile(99.9),
            saturated: pixels.iter().filter(|&&v| v == full).count() as f64 / count,
            focus,
            sum: pixels.iter().map(|&v| i64::from(v)).sum(),
            sum_of_squares: pixels.iter().map(|&v| i64::from(v).pow(2)).sum(),
        }
    }
}

/// Variance of the Laplacian of a plane as wide as the inputs' are.
fn focus(pixels: &[u16]) -> f64 {
    const WIDTH: usize = 20;
    let at = |y: usize, x: usize| f64::from(pixels[y * WIDTH + x]);
    let inner = (1..pixels.len() / WIDTH - 1).flat_map(|y| (1..WIDTH - 1).map(move |x| (y, x)));
    let values: Vec<f64> = inner
        .map(|(y, x)| at(y - 1, x) + at(y + 1, x) + at(y, x - 1) + at(y, x + 1) - 4.0 * at(y, x))
        .collect();
    let count = values.len() as f64;
    let mean = values.iter().sum::<f64>() / count;
    values.iter().map(|v| (v - mean).powi(2)).sum::<f64>() / count
}

fn hash(pixels: &[u16], sixteen_bit: bool) -> u128 {
    let bytes: Vec<u8> = if sixteen_bit {
        pixels.iter().flat_map(|v| v.to_le_bytes()).collect()
    } else {
        pixels.iter().map(|&v| v as u8).collect()
    };
    xxh3_128(&bytes)
}

fn file_metadata(file: &File) -> ParquetMetaData {
    ParquetMetaDataReader::new()
        .with_page_index_policy(PageIndexPolicy::Required)
        .parse_and_finish(file)
        .unwrap()
}

#[test]
fn a_reader_finds_rows_without_reading_all() {
    let input = Input::of_sites(13);
    let dataset = converted(&input, "");
    for (name, bloom_columns, rows) in [
        (
            "metadata.parquet",
            &["site_id", "well_id", "sirna_id"][..],
            13,
        ),
        ("planes.parquet", &["xxh3_128"], 78),
    ] {
        let file = File::open(dataset.path(name)).unwrap();
        let metadata = file_metadata(&file);
        assert_eq!(metadata.file_metadata().num_rows(), rows);
        for group in metadata.row_groups() {
            let sorting = group.sorting_columns().unwrap();
            assert_eq!(
                (sorting.len(), sorting[0].column_idx, sorting[0].descending),
                (1, 0, false)
            );
            for column in group.columns() {
                let path = column.column_path().string();
                assert!(column.statistics().is_some(), "{path}");
                assert!(column.column_index_offset().is_some(), "{path}");
                assert!(column.offset_index_offset().is_some(), "{path}");
                assert!(
                    matches!(column.compression(), Compression::ZSTD(_)),
                    "{path}"
                );
                let has_bloom = column.bloom_filter_offset().is_some();
                assert_eq!(has_bloom, bloom_columns.contains(&path.as_str()), "{path}");
            }
        }
    }
}

#[test]
fn bloom_filters_contain_the_values() {
    let input = Input::of_sites(13);
    let dataset = converted(&input, "");
    let file = File::open(dataset.path("metadata.parquet")).unwrap();
    let metadata = file_metadata(&file);
    let column = &metadata.row_groups()[0].columns()[1];
    assert_eq!(column.column_path().string(), "site_id");
    let filter = Sbbf::read_from_column_chunk(column, &file)
        .unwrap()
        .unwrap();
    assert!((0..13).all(|site| filter.check(input.site_id(site).as_str())));
    let strangers = (0..1000).filter(|n| filter.check(format!("nobody-{n}").as_str()));
    assert!(strangers.count() < 100);
}

#[test]
fn the_tables_say_what_array_they_belong_to() {
    let input = Input::of_sites(3);
    let dataset = converted(
        &input,
        "--codec zstd --shard-sites 2 --chunk-sites 2 --dataset-name Mine --license CC0-1.0 --citation me",
    );
    let array = dataset.json("images.zarr/images/zarr.json");
    for table in [dataset.sites_table(), dataset.planes_table()] {
        let note = |key: &str| table.notes[key].as_str();
        assert_eq!(note("array"), "images.zarr/images");
        assert_eq!(note("array_dimensions"), "site,channel,y,x");
        assert_eq!(note("data_type"), "uint8");
        assert_eq!(table.note_of_four("array_shape"), [3, 6, 12, 20]);
        assert_eq!(table.note_of_four("chunk_shape"), [2, 6, 12, 20]);
        let codecs: serde_json::Value = serde_json::from_str(note("chunk_codecs")).unwrap();
        assert_eq!(codecs, array["codecs"][0]["configuration"]["codecs"]);
        assert_eq!(note("dataset"), "Mine");
        assert_eq!(note("license"), "CC0-1.0");
        assert_eq!(note("citation"), "me");
        assert!(!table.notes.contains_key("generator"));
    }
}

#[test]
fn missing_and_corrupt_planes_are_distinguished() {
    let input = Input::of_sites(3);
    std::fs::remove_file(input.image(0, 2)).unwrap();
    std::fs::write(input.image(2, 6), "not a PNG").unwrap();
    convert(&input.root(), &input.output(), "--allow-missing").exits_with(3);
    let dataset = Dataset::at(input.output());
    assert_eq!(
        dataset.sites_table().flags("complete"),
        [false, true, false]
    );

    let table = dataset.planes_table();
    let status: Vec<String> = table.texts("status").into_iter().flatten().collect();
    let (missing, corrupt) = (1, 17);
    for (row, status) in status.iter().enumerate() {
        let expected = match row {
            _ if row == missing => "missing",
            _ if row == corrupt => "corrupt",
            _ => "ok",
        };
        assert_eq!(status, expected);
        for column in [
            "mean",
            "std",
            "p001",
            "p01",
            "p50",
            "p99",
            "p999",
            "saturated",
            "focus",
        ] {
            assert_eq!(
                table.floats(column)[row].is_some(),
                status == "ok",
                "{column}"
            );
        }
        for column in ["min", "max", "sum", "sum_of_squares"] {
            assert_eq!(
                table.integers(column)[row].is_some(),
                status == "ok",
                "{column}"
            );
        }
        assert_eq!(table.texts("xxh3_128")[row].is_some(), status == "ok");
        assert_eq!(table.texts("error")[row].is_some(), status == "corrupt");
        assert_eq!(table.texts("source")[row].is_some(), status != "missing");
        assert_eq!(
            table.integers("source_bytes")[row].is_some(),
            status != "missing"
        );
    }
    assert_eq!(table.integers("source_bytes")[corrupt], Some(9));
    let error = table.texts("error")[corrupt].clone().unwrap();
    assert!(error.contains("neither PNG"), "{error}");
}

#[test]
fn a_derived_site_id_and_unknown_columns_are_kept() {
    let input = Input::of_sites(2);
    std::fs::write(
        input.table_path(),
        "\u{feff}experiment,plate,well,site,note,\"größe, µm\"\r\n\
         HUVEC-1,1,B02,2,\"a \"\"quoted\"\", line\",007\r\n\
         HUVEC-1,1,B02,1,,12\r\n",
    )
    .unwrap();
    let dataset = converted(&input, "");
    let table = dataset.sites_table();
    let ids = ["HUVEC-1_1_B02_1", "HUVEC-1_1_B02_2"].map(|id| Some(id.to_owned()));
    assert_eq!(table.texts("site_id"), ids);
    assert_eq!(
        table.texts("note"),
        [None, Some("a \"quoted\", line".to_owned())]
    );
    // A number that would lose its zeros stays text.
    let sizes = ["12", "007"].map(|size| Some(size.to_owned()));
    assert_eq!(table.texts("größe, µm"), sizes);
    assert_eq!(dataset.label::<String>("gr__e___m"), ["12", "007"]);
}
