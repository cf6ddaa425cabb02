use std::sync::Arc;

use parquet::basic::Compression;
use parquet::data_type::{ByteArray, ByteArrayType};
use parquet::file::properties::WriterProperties;
use parquet::file::writer::SerializedFileWriter;
use parquet::schema::parser::parse_message_type;

use super::source::ShardSource;
use crate::read_error::ReadError;
use crate::source::Source;

/// The form of RxRx3-core: names in `__key__`, images in a struct.
const CORE: &str = "message m {
    optional binary __key__ (UTF8);
    optional group jp2 { optional binary bytes; optional binary path (UTF8); }
}";
/// The form of other data sets at Hugging Face.
const IMAGE: &str =
    "message m { optional group image { optional binary bytes; optional binary path (UTF8); } }";
/// Binary columns.
const PLAIN: &str = "message m { required binary png; required binary file_name (UTF8); required binary note (UTF8); }";

/// Writes a file of that schema. Each row has a value for each leaf, and each row group as
/// many rows as `in_group`.
fn shard(
    schema: &str,
    rows: &[Vec<Option<&[u8]>>],
    in_group: usize,
    compression: Compression,
) -> Vec<u8> {
    let schema = Arc::new(parse_message_type(schema).unwrap());
    let properties = WriterProperties::builder()
        .set_compression(compression)
        .build();
    let mut writer = SerializedFileWriter::new(Vec::new(), schema, Arc::new(properties)).unwrap();
    for group in rows.chunks(in_group) {
        let mut of_group = writer.next_row_group().unwrap();
        let mut leaf = 0;
        while let Some(mut column) = of_group.next_column().unwrap() {
            let cells: Vec<Option<&[u8]>> = group.iter().map(|row| row[leaf]).collect();
            let values: Vec<ByteArray> = cells
                .iter()
                .flatten()
                .map(|cell| cell.to_vec().into())
                .collect();
            let typed = column.typed::<ByteArrayType>();
            // 0 is no value; the levels above it are those of the struct and its field.
            let most = typed.get_descriptor().max_def_level();
            let levels: Vec<i16> = cells
                .iter()
                .map(|cell| if cell.is_some() { most } else { 0 })
                .collect();
            let levels = (most > 0).then_some(&*levels);
            typed.write_batch(&values, levels, None).unwrap();
            column.close().unwrap();
            leaf += 1;
        }
        of_group.close().unwrap();
    }
    writer.into_inner().unwrap()
}

fn open(bytes: Vec<u8>) -> (ShardSource, Vec<String>) {
    let (source, listing) = ShardSource::in_memory("s.parquet", bytes).unwrap();
    let images = listing.images.into_iter();
    (source, images.map(|image| image.path.into()).collect())
}

fn read(source: &dyn Source, path: &str) -> Result<Vec<u8>, ReadError> {
    let mut bytes = vec![7];
    let stamp = source.read(path, 1 << 20, &mut bytes)?;
    assert_eq!(stamp.bytes, bytes.len() as u64);
    assert_eq!(source.stamp(path).unwrap(), stamp);
    Ok(bytes)
}

fn error_of(bytes: Vec<u8>) -> String {
    match ShardSource::in_memory("s.parquet", bytes) {
        Ok((_, listing)) => panic!("{} images", listing.images.len()),
        Err(error) => error.to_string(),
    }
}

#[test]
fn images_of_every_codec_and_row_group_are_read_by_their_path() {
    use parquet::basic::{GzipLevel, ZstdLevel};
    let keys: Vec<String> = (0..50)
        .map(|at| {
            format!(
                "compound-001/Plate{}/AA{:02}_s1_{}",
                at / 20 + 1,
                at % 20 + 1,
                at % 6 + 1
            )
        })
        .collect();
    let images: Vec<Vec<u8>> = (0..50_u8)
        .map(|at| vec![at; usize::from(at) * 100])
        .collect();
    let rows: Vec<Vec<Option<&[u8]>>> = keys
        .iter()
        .zip(&images)
        .map(|(key, image)| vec![Some(key.as_bytes()), Some(image), None])
        .collect();
    for compression in [
        Compression::UNCOMPRESSED,
        Compression::SNAPPY,
        Compression::GZIP(GzipLevel::default()),
        Compression::LZ4_RAW,
        Compression::ZSTD(ZstdLevel::default()),
    ] {
        let (source, paths) = open(shard(CORE, &rows, 7, compression));
        assert_eq!(paths.len(), 50);
        for (key, image) in keys.iter().zip(&images) {
            let (site, channel) = key.rsplit_once('_').unwrap();
            let path = format!("{site}_w{channel}.jp2");
            assert!(paths.contains(&path), "{path}");
            assert_eq!(read(&source, &path).unwrap(), *image);
        }
        let mut some: Vec<_> = paths
            .iter()
            .rev()
            .map(|path| (path.as_str(), vec![9]))
            .collect();
        for result in source.read_all(&mut some, 5) {
            result.unwrap();
        }
        assert!(some.iter().all(|(_, bytes)| bytes.len() <= 5));
        let error = read(&source, "compound-001/Plate1/AA01_s1_w9.jp2").unwrap_err();
        assert!(error.is_vanished(), "{error}");
    }
}

#[test]
fn names_come_from_the_best_column_that_has_any() {
    let path: &[u8] = b"E/Plate1/B02_s1_w1.png";
    let (source, paths) = open(shard(
        IMAGE,
        &[vec![Some(b"one"), Some(path)], vec![None, None]],
        9,
        Compression::SNAPPY,
    ));
    assert_eq!(paths, ["E/Plate1/B02_s1_w1.png"]);
    assert_eq!(read(&source, &paths[0]).unwrap(), b"one");

    let (source, paths) = open(shard(
        PLAIN,
        &[vec![Some(b"two"), Some(path), Some(b"x")]],
        9,
        Compression::SNAPPY,
    ));
    assert_eq!(read(&source, &paths[0]).unwrap(), b"two");

    let error = error_of(shard(
        IMAGE,
        &[vec![Some(b"one"), None]],
        9,
        Compression::SNAPPY,
    ));
    assert!(
        error.contains("have no names") && error.contains("`__key__`"),
        "{error}"
    );
}

#[test]
fn a_row_without_an_image_and_a_name_that_leads_out_are_refused_by_name() {
    let rows: Vec<Vec<Option<&[u8]>>> = vec![
        vec![Some(b"E/Plate1/B02_s1_1"), None, None],
        vec![Some(b"../E/Plate1/B02_s1_2"), Some(b"x"), None],
    ];
    let (source, listing) =
        ShardSource::in_memory("s.parquet", shard(CORE, &rows, 9, Compression::SNAPPY)).unwrap();
    assert_eq!(listing.unsafe_names, ["../E/Plate1/B02_s1_2"]);
    let error = read(&source, "E/Plate1/B02_s1_w1.jp2").unwrap_err();
    assert!(
        error.to_string().contains("its row has no image"),
        "{error}"
    );
}

#[test]
fn files_without_images_or_with_several_columns_of_them_are_refused_by_name() {
    let table = "message m { required binary well_id (UTF8); }";
    let bytes = shard(table, &[vec![Some(b"x")]], 9, Compression::SNAPPY);
    let error = error_of(bytes.clone());
    assert!(
        error.contains("no column of images") && error.contains("well_id"),
        "{error}"
    );
    // In a folder it is a table.
    let container = crate::container::Container::in_memory("t.parquet", bytes);
    assert!(
        ShardSource::those_with_images(vec![container])
            .unwrap()
            .is_none()
    );

    let two = "message m { required binary a; required binary b; required binary path (UTF8); }";
    let rows = [vec![
        Some(&b"x"[..]),
        Some(b"y"),
        Some(b"E/Plate1/B02_s1_w1.png"),
    ]];
    let error = error_of(shard(two, &rows, 9, Compression::SNAPPY));
    assert!(error.contains("(a, b)"), "{error}");
}

#[test]
fn damage_is_an_error_wherever_it_is() {
    let rows: Vec<Vec<Option<&[u8]>>> =
        vec![vec![Some(b"E/Plate1/B02_s1_1"), Some(&[5; 400]), None]];
    let good = shard(CORE, &rows, 9, Compression::ZSTD(Default::default()));
    for length in 0..good.len() {
        let error = error_of(good[..length].to_vec());
        assert!(error.contains("damaged"), "{length}: {error}");
    }
    // No changed byte may bring the program down, or give an image of another length.
    for at in 0..good.len() {
        for change in [0x01, 0x80, 0xFF] {
            let mut bytes = good.clone();
            bytes[at] ^= change;
            if let Ok((source, listing)) = ShardSource::in_memory("s.parquet", bytes) {
                for image in &listing.images {
                    let mut bytes = Vec::new();
                    let _ = source.read(&image.path, 1 << 20, &mut bytes);
                    assert!(bytes.len() <= 1 << 20);
                }
            }
        }
    }
}
