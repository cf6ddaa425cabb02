//! A dataset as readers that are not ours see it.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{Read, Seek, SeekFrom};
use std::num::NonZeroU64;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use arrow_array::cast::AsArray;
use arrow_array::types::{Float64Type, Int32Type, Int64Type};
use arrow_array::{Array as _, RecordBatch};
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use serde_json::Value;
use zarrs::array::codec::api::{ArrayToBytesCodecTraits, CodecOptions};
use zarrs::array::{Array, CodecChain, FillValue, data_type};
use zarrs::filesystem::FilesystemStore;
use zarrs::metadata::v3::MetadataV3;

use super::input::Input;

/// A folder that may hold a dataset.
#[derive(Debug)]
pub(super) struct Dataset {
    root: PathBuf,
}

/// A Parquet table, read whole.
pub(super) struct Table {
    pub(super) rows: RecordBatch,
    /// Key-value metadata of the file.
    pub(super) notes: BTreeMap<String, String>,
}

impl Dataset {
    pub(super) fn at(root: impl Into<PathBuf>) -> Self {
        Self { root: root.into() }
    }

    pub(super) fn path(&self, key: &str) -> PathBuf {
        self.root.join(key)
    }

    pub(super) fn json(&self, key: &str) -> Value {
        serde_json::from_slice(&fs::read(self.path(key)).unwrap()).unwrap()
    }

    /// The attributes of the root. Those that are JSON text are parsed.
    pub(super) fn attributes(&self) -> Value {
        let root = self.json("images.zarr/zarr.json");
        let mut attributes = root["attributes"].clone();
        for value in attributes.as_object_mut().unwrap().values_mut() {
            let text = value.as_str().filter(|text| text.starts_with(['{', '[']));
            if let Some(text) = text {
                *value = serde_json::from_str(text).unwrap();
            }
        }
        attributes
    }

    /// Whether the root metadata is there, which makes a dataset complete.
    pub(super) fn is_sealed(&self) -> bool {
        self.path("images.zarr/zarr.json").exists()
    }

    /// Every file below the root with its content.
    pub(super) fn objects(&self) -> BTreeMap<String, Vec<u8>> {
        files_below(&self.root)
    }

    /// A Zarr array of the group, opened by zarrs.
    pub(super) fn array(&self, name: &str) -> Result<Array<FilesystemStore>, String> {
        c_blosc::register();
        let store = FilesystemStore::new(self.path("images.zarr")).unwrap();
        Array::open(Arc::new(store), &format!("/{name}")).map_err(|error| error.to_string())
    }

    /// All values of a label array.
    pub(super) fn label<T: zarrs::array::ElementOwned>(&self, name: &str) -> Vec<T> {
        let array = self.array(name).unwrap();
        array.retrieve_array_subset(&array.subset_all()).unwrap()
    }

    /// All pixels as zarrs reads them, as planes in the order (site, channel).
    pub(super) fn planes(&self) -> Vec<Vec<u16>> {
        let array = self.array("images").unwrap();
        let all = array.subset_all();
        let pixels: Vec<u16> = if *array.data_type() == data_type::uint16() {
            array.retrieve_array_subset(&all).unwrap()
        } else {
            let bytes: Vec<u8> = array.retrieve_array_subset(&all).unwrap();
            bytes.into_iter().map(u16::from).collect()
        };
        let plane = (array.shape()[2] * array.shape()[3]) as usize;
        pixels.chunks(plane).map(<[u16]>::to_vec).collect()
    }

    /// `metadata.parquet`
    pub(super) fn sites_table(&self) -> Table {
        Table::read(&self.path("metadata.parquet"))
    }

    /// `planes.parquet`
    pub(super) fn planes_table(&self) -> Table {
        Table::read(&self.path("planes.parquet"))
    }

    /// The planes of one site, read with nothing but a file handle at the
    /// place that `metadata.parquet` tells, and decoded as its notes say.
    pub(super) fn planes_by_byte_range(&self, site: usize) -> Vec<Vec<u16>> {
        let table = self.sites_table();
        let offset = table.integers("byte_offset")[site].unwrap() as u64;
        let length = table.integers("byte_length")[site].unwrap() as u64;
        let key = table.texts("object")[site].clone().unwrap();
        let mut file = File::open(self.path(&key)).unwrap();
        let mut bytes = vec![0; length as usize];
        file.seek(SeekFrom::Start(offset)).unwrap();
        file.read_exact(&mut bytes).unwrap();

        let [_, channels, height, width] = table.note_of_four("array_shape");
        let chunk_shape = table.note_of_four("chunk_shape");
        let [chunk_sites, chunk_channels, ..] = chunk_shape;
        assert_eq!(chunk_channels, channels, "the range is one chunk");
        let sixteen = table.notes["data_type"] == "uint16";
        let codecs: Vec<Value> = serde_json::from_str(&table.notes["chunk_codecs"]).unwrap();
        let samples = if codecs[0]["name"] == "numcodecs.delta" {
            undo_delta(&bytes, sixteen)
        } else {
            decode(bytes, &codecs, chunk_shape, sixteen)
        };
        let planes = samples.chunks((height * width) as usize);
        let first = site % chunk_sites as usize * channels as usize;
        let planes = planes.skip(first).take(channels as usize);
        planes.map(<[u16]>::to_vec).collect()
    }

    /// Demands that every pixel is what an independent decoder reads from the
    /// images, through Zarr.
    #[track_caller]
    pub(super) fn has_pixels_of(&self, input: &Input) {
        let channels = input.channels();
        let planes = self.planes();
        assert_eq!(planes.len(), input.sites() * channels.len());
        for (position, plane) in planes.iter().enumerate() {
            let (site, channel) = (
                position / channels.len(),
                channels[position % channels.len()],
            );
            assert_eq!(
                *plane,
                input.decoded(site, channel),
                "{}",
                input.image_name(site, channel)
            );
        }
    }

    /// The same through byte ranges.
    #[track_caller]
    pub(super) fn has_byte_ranges_of(&self, input: &Input) {
        for site in 0..input.sites() {
            let planes = self.planes_by_byte_range(site);
            assert_eq!(planes.len(), input.channels().len());
            for (plane, &channel) in planes.iter().zip(input.channels()) {
                assert_eq!(
                    *plane,
                    input.decoded(site, channel),
                    "{}",
                    input.image_name(site, channel)
                );
            }
        }
    }
}

impl Table {
    pub(super) fn read(path: &Path) -> Self {
        let builder = ParquetRecordBatchReaderBuilder::try_new(File::open(path).unwrap()).unwrap();
        let notes = builder.metadata().file_metadata().key_value_metadata();
        let notes = notes.into_iter().flatten().map(|note| {
            let value = note.value.clone().unwrap_or_default();
            (note.key.clone(), value)
        });
        let notes = notes.collect();
        let mut batches = builder.with_batch_size(1 << 20).build().unwrap();
        let rows = batches.next().unwrap().unwrap();
        assert!(batches.next().is_none());
        Self { rows, notes }
    }

    pub(super) fn texts(&self, column: &str) -> Vec<Option<String>> {
        let column = self.rows.column_by_name(column).unwrap();
        let values = column.as_string::<i32>().iter();
        values.map(|value| value.map(str::to_owned)).collect()
    }

    pub(super) fn integers(&self, column: &str) -> Vec<Option<i64>> {
        let column = self.rows.column_by_name(column).unwrap();
        match column.as_primitive_opt::<Int64Type>() {
            Some(values) => values.iter().collect(),
            None => {
                let values = column.as_primitive::<Int32Type>().iter();
                values.map(|value| value.map(i64::from)).collect()
            }
        }
    }

    pub(super) fn floats(&self, column: &str) -> Vec<Option<f64>> {
        let column = self.rows.column_by_name(column).unwrap();
        column.as_primitive::<Float64Type>().iter().collect()
    }

    pub(super) fn flags(&self, column: &str) -> Vec<bool> {
        let column = self.rows.column_by_name(column).unwrap();
        assert_eq!(column.null_count(), 0);
        column.as_boolean().values().iter().collect()
    }

    /// `name type`, with a question mark where nulls are allowed.
    pub(super) fn schema(&self) -> Vec<String> {
        let schema = self.rows.schema();
        let column = |field: &Arc<arrow_schema::Field>| {
            let null = if field.is_nullable() { "?" } else { "" };
            format!("{} {}{null}", field.name(), field.data_type())
        };
        schema.fields().iter().map(column).collect()
    }

    pub(super) fn note_of_four(&self, key: &str) -> [u64; 4] {
        serde_json::from_str(&self.notes[key]).unwrap()
    }
}

/// Every file below a folder with its content, by relative path.
pub(super) fn files_below(root: &Path) -> BTreeMap<String, Vec<u8>> {
    let mut files = BTreeMap::new();
    let mut folders = vec![root.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else {
                let key = path.strip_prefix(root).unwrap().to_str().unwrap();
                files.insert(key.to_owned(), fs::read(&path).unwrap());
            }
        }
    }
    files
}

/// Decodes one chunk of whole planes as the notes of a table say.
pub(super) fn decode_chunk(table: &Table, bytes: Vec<u8>) -> Vec<u16> {
    let codecs: Vec<Value> = serde_json::from_str(&table.notes["chunk_codecs"]).unwrap();
    let sixteen = table.notes["data_type"] == "uint16";
    decode(bytes, &codecs, table.note_of_four("chunk_shape"), sixteen)
}

/// Runs the codecs of zarrs on the bytes of a chunk.
fn decode(bytes: Vec<u8>, codecs: &[Value], shape: [u64; 4], sixteen: bool) -> Vec<u16> {
    c_blosc::register();
    let codecs: Vec<MetadataV3> = codecs
        .iter()
        .map(|codec| serde_json::from_value(codec.clone()).unwrap())
        .collect();
    let chain = CodecChain::from_metadata(&codecs).unwrap();
    let (data_type, fill_value) = if sixteen {
        (data_type::uint16(), FillValue::from(0u16))
    } else {
        (data_type::uint8(), FillValue::from(0u8))
    };
    let shape = shape.map(|length| NonZeroU64::new(length).unwrap());
    let options = CodecOptions::default();
    let samples = chain
        .decode(Cow::Owned(bytes), &shape, &data_type, &fill_value, &options)
        .unwrap();
    native_samples(&samples.into_fixed().unwrap(), sixteen)
}

/// `delta-zstd` by hand: checksum, Zstandard, running sum.
fn undo_delta(bytes: &[u8], sixteen: bool) -> Vec<u16> {
    let (compressed, checksum) = bytes.split_at(bytes.len() - 4);
    assert_eq!(crc32c::crc32c(compressed).to_le_bytes(), checksum);
    let differences = zstd::decode_all(compressed).unwrap();
    let differences = native_samples(&differences, sixteen).into_iter();
    let mask = if sixteen { u16::MAX } else { u8::MAX.into() };
    let sums = differences.scan(0u16, |sum, difference| {
        *sum = sum.wrapping_add(difference) & mask;
        Some(*sum)
    });
    sums.collect()
}

/// The samples in little-endian bytes, which is what all machines that run
/// these tests have.
fn native_samples(bytes: &[u8], sixteen: bool) -> Vec<u16> {
    if sixteen {
        let samples = bytes.chunks_exact(2);
        samples
            .map(|pair| u16::from_le_bytes([pair[0], pair[1]]))
            .collect()
    } else {
        bytes.iter().map(|&byte| byte.into()).collect()
    }
}
