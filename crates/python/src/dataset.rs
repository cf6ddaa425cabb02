//! An open dataset: pixels into arrays of numpy.

use std::ffi::OsString;
use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::sync::Arc;

use numpy::{PyReadonlyArray1, PyReadwriteArray1};
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use rxrx_cache::CachedStore;
use rxrx_reader::{
    Dataset, DatasetError, Location, LocationError, ROOT_METADATA, StoreOption, TableName,
    open_store,
};

use crate::error;
use crate::table::NativeTable;
use crate::waiting::wait_for;
use crate::windows::{Axis, Shape, Window, read_windows};

/// Bytes of pixels that are read between two looks for signals, unless a site has more.
const BLOCK_BYTES: usize = 256 << 20;

/// A sealed dataset, opened for reading. `rxrx2zarr/_dataset.py` checks what users pass.
#[pyclass(frozen, module = "rxrx2zarr._native")]
pub(crate) struct NativeDataset {
    dataset: Arc<Dataset>,
    is_remote: bool,
    cache: Option<Arc<CachedStore>>,
}

#[pymethods]
impl NativeDataset {
    /// Opens the dataset at a path or an address; `options` are `KEY=VALUE`.
    #[new]
    #[pyo3(signature = (location, options, cache = None, cache_limit = None))]
    fn new(
        py: Python<'_>,
        location: OsString,
        options: Vec<String>,
        cache: Option<PathBuf>,
        cache_limit: Option<u64>,
    ) -> PyResult<Self> {
        let location = parsed(&location, &options);
        let location = location.map_err(|error| error::of_location(py, &error))?;
        let is_remote = matches!(location, Location::Remote(_));
        let open = move |location: &Location| {
            let cache = cache.filter(|_| is_remote);
            let Some(cache) = cache else {
                return Ok((Dataset::open(location)?, None));
            };
            let name = location.to_string();
            let store = open_store(location)?;
            let store = CachedStore::new(store, &name, &cache, cache_limit, ROOT_METADATA)?;
            let dataset = Dataset::from_store(Box::new(store.clone()), &name)?;
            Ok((dataset, Some(Arc::new(store))))
        };
        let opened = wait_for(py, &Arc::new(location), is_remote, open)?;
        let (dataset, cache) = opened.map_err(failed(py))?;
        Ok(Self {
            dataset: Arc::new(dataset),
            is_remote,
            cache,
        })
    }

    /// The location in messages, without secrets.
    fn name(&self) -> &str {
        self.dataset.name()
    }

    /// The name that the dataset gives itself.
    fn title(&self) -> &str {
        &self.dataset.attributes().description.name
    }

    /// Whether it is in an object store, or at another address.
    fn is_remote(&self) -> bool {
        self.is_remote
    }

    /// Number of the format.
    fn format_version(&self) -> u32 {
        self.dataset.format_version()
    }

    /// Shape of the image array: (site, channel, y, x).
    fn shape(&self) -> [usize; 4] {
        self.dataset.shape()
    }

    /// Bytes of a sample.
    fn sample_bytes(&self) -> usize {
        self.dataset.geometry().data_type.bytes()
    }

    /// Names of the channels, in the order of the array.
    fn channels(&self) -> Vec<String> {
        self.dataset.channels().to_vec()
    }

    /// Name, channels, settings, rules and counts of the dataset, as JSON.
    fn attributes(&self) -> PyResult<String> {
        serde_json::to_string(self.dataset.attributes())
            .map_err(|error| PyValueError::new_err(error.to_string()))
    }

    /// Sites of a shard.
    fn shard_sites(&self) -> usize {
        self.dataset.geometry().shard_sites
    }

    /// Reads chosen channels of chosen sites into `pixels`, the bytes of an array
    /// (site, channel, y, x).
    fn read(
        &self,
        py: Python<'_>,
        sites: Vec<usize>,
        channels: Vec<usize>,
        threads: usize,
        mut pixels: PyReadwriteArray1<'_, u8>,
    ) -> PyResult<()> {
        let threads = NonZeroUsize::new(threads).unwrap_or(NonZeroUsize::MIN);
        let pixels = slice_of(&mut pixels)?;
        let [_, _, height, width] = self.dataset.shape();
        let sample = self.dataset.geometry().data_type.bytes();
        let site_bytes = (channels.len() * height * width * sample).max(1);
        let block = (BLOCK_BYTES / site_bytes).max(1);
        let channels: Arc<[usize]> = channels.into();
        for (sites, pixels) in sites
            .chunks(block)
            .zip(pixels.chunks_mut(block * site_bytes))
        {
            if !self.is_remote {
                let read = py.detach(|| {
                    self.dataset
                        .read_channels_into(sites, &channels, threads, pixels)
                });
                read.map_err(failed(py))?;
                py.check_signals()?;
                continue;
            }
            let (sites, channels, length) = (sites.to_vec(), Arc::clone(&channels), pixels.len());
            let read = wait_for(py, &self.dataset, true, move |dataset| {
                let mut read = vec![0; length];
                dataset.read_channels_into(&sites, &channels, threads, &mut read)?;
                Ok(read)
            })?;
            py.detach(|| read.map(|read| pixels.copy_from_slice(&read)))
                .map_err(failed(py))?;
        }
        Ok(())
    }

    /// Reads windows of sites into `pixels`, the bytes of an array (window, channel, y, x).
    /// `sites`, `origins` (two for each window: the first row and the first column) and
    /// `mirrored` (two for each window) describe them; what lies beyond the edges is 0.
    #[expect(clippy::too_many_arguments, reason = "one for each argument in Python")]
    fn read_windows(
        &self,
        py: Python<'_>,
        sites: Vec<usize>,
        origins: PyReadonlyArray1<'_, i64>,
        mirrored: PyReadonlyArray1<'_, bool>,
        channels: Vec<usize>,
        size: [usize; 2],
        threads: usize,
        mut pixels: PyReadwriteArray1<'_, u8>,
    ) -> PyResult<()> {
        let threads = NonZeroUsize::new(threads).unwrap_or(NonZeroUsize::MIN);
        let (origins, mirrored) = (origins.as_slice()?, mirrored.as_slice()?);
        let (origins, _) = origins.as_chunks::<2>();
        let (mirrored, _) = mirrored.as_chunks::<2>();
        let windows = sites.into_iter().zip(origins.iter().zip(mirrored));
        let windows: Vec<Window> = windows
            .map(|(site, (&[y, x], &[rows, columns]))| Window {
                site,
                y: Axis {
                    origin: y,
                    is_mirrored: rows,
                },
                x: Axis {
                    origin: x,
                    is_mirrored: columns,
                },
            })
            .collect();
        let pixels = slice_of(&mut pixels)?;
        if !self.is_remote {
            let shape = Shape {
                channels: &channels,
                size,
            };
            let read = py.detach(|| {
                let go_on = || Python::attach(|py| py.check_signals()).map_err(Stopped::Signal);
                read_windows(&self.dataset, &windows, &shape, threads, pixels, go_on)
            });
            return read.map_err(|stopped| match stopped {
                Stopped::Error(error) => error::of_dataset(py, &error),
                Stopped::Signal(error) => error,
            });
        }
        let length = pixels.len();
        let read = wait_for(py, &self.dataset, true, move |dataset| {
            let shape = Shape {
                channels: &channels,
                size,
            };
            let mut read = vec![0; length];
            let go_on = || Ok::<_, DatasetError>(());
            read_windows(dataset, &windows, &shape, threads, &mut read, go_on)?;
            Ok(read)
        })?;
        py.detach(|| read.map(|read| pixels.copy_from_slice(&read)))
            .map_err(failed(py))
    }

    /// Fetches what the cache does not have of an object, and returns whether it has all of it
    /// then; false without a cache, or without room.
    fn fetch(&self, py: Python<'_>, key: String) -> PyResult<bool> {
        let Some(cache) = &self.cache else {
            return Ok(false);
        };
        let fetched = wait_for(py, cache, true, move |cache| cache.fetch(&key))?;
        fetched.map_err(|error| failed(py)(DatasetError::from(error)))
    }

    /// Shape of the array of overviews; `None` where the dataset has none.
    fn overview_shape(&self) -> Option<[usize; 4]> {
        self.dataset.overview_shape()
    }

    /// Reads overviews of chosen channels of chosen sites into `pixels`, the bytes of an array
    /// (site, channel, y, x).
    fn read_overview(
        &self,
        py: Python<'_>,
        sites: Vec<usize>,
        channels: Vec<usize>,
        threads: usize,
        mut pixels: PyReadwriteArray1<'_, u8>,
    ) -> PyResult<()> {
        let threads = NonZeroUsize::new(threads).unwrap_or(NonZeroUsize::MIN);
        let read = move |dataset: &Dataset| dataset.read_overview(&sites, &channels, threads);
        let read = wait_for(py, &self.dataset, self.is_remote, read)?;
        let read = read.map_err(failed(py))?;
        let pixels = slice_of(&mut pixels)?;
        if pixels.len() != read.bytes().len() {
            return Err(PyValueError::new_err("the array has another length"));
        }
        pixels.copy_from_slice(read.bytes());
        Ok(())
    }

    /// Position of a site by its `site_id`.
    fn site_index(&self, py: Python<'_>, site_id: &str) -> PyResult<usize> {
        let site_id = site_id.to_owned();
        let find = move |dataset: &Dataset| dataset.site_index(&site_id);
        let found = wait_for(py, &self.dataset, self.is_remote, find)?;
        found.map_err(failed(py))
    }

    /// Position of a channel by its name.
    fn channel_index(&self, py: Python<'_>, name: &str) -> PyResult<usize> {
        self.dataset.channel_index(name).map_err(failed(py))
    }

    /// Positions of the sites that clauses choose.
    fn select(
        &self,
        py: Python<'_>,
        include: Vec<String>,
        exclude: Vec<String>,
    ) -> PyResult<Vec<usize>> {
        let find = move |dataset: &Dataset| dataset.select(&include, &exclude);
        let found = wait_for(py, &self.dataset, self.is_remote, find)?;
        found.map_err(failed(py))
    }

    /// Reads a table by its name; `None` for embeddings where there are none.
    fn table(&self, py: Python<'_>, name: &str) -> PyResult<Option<NativeTable>> {
        let table = match name {
            "metadata" => TableName::Sites,
            "planes" => TableName::Planes,
            "channel_stats" => TableName::ChannelStats,
            "embeddings" => TableName::Embeddings,
            _ => return Err(PyValueError::new_err(format!("there is no table {name}"))),
        };
        let read = move |dataset: &Dataset| dataset.arrow_table(table);
        let table = wait_for(py, &self.dataset, self.is_remote, read)?;
        Ok(table.map_err(failed(py))?.map(NativeTable))
    }
}

/// Parses the location of a dataset.
fn parsed(location: &OsString, options: &[String]) -> Result<Location, LocationError> {
    let options = options.iter().map(|option| StoreOption::parse(option));
    let options: Arc<[StoreOption]> = options.collect::<Result<_, _>>()?;
    Location::parse(location, &options)?.of_folder()
}

fn failed(py: Python<'_>) -> impl Fn(DatasetError) -> PyErr + '_ {
    move |error| error::of_dataset(py, &error)
}

/// Why windows were not read.
enum Stopped {
    Error(DatasetError),
    Signal(PyErr),
}

impl From<DatasetError> for Stopped {
    fn from(error: DatasetError) -> Self {
        Self::Error(error)
    }
}

fn slice_of<'a>(pixels: &'a mut PyReadwriteArray1<'_, u8>) -> PyResult<&'a mut [u8]> {
    pixels
        .as_slice_mut()
        .map_err(|error| PyValueError::new_err(error.to_string()))
}
