//! An open dataset: pixels into arrays of numpy.

use std::ffi::OsString;
use std::num::NonZeroUsize;
use std::sync::Arc;

use numpy::PyReadwriteArray1;
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use rxrx_reader::{Dataset, DatasetError, Location, LocationError, StoreOption, TableName};

use crate::error;
use crate::table::NativeTable;

/// A sealed dataset, opened for reading. `rxrx2zarr/_dataset.py` checks what users pass.
#[pyclass(frozen, module = "rxrx2zarr._native")]
pub(crate) struct NativeDataset {
    dataset: Dataset,
    is_remote: bool,
}

#[pymethods]
impl NativeDataset {
    /// Opens the dataset at a path or an address; `options` are `KEY=VALUE`.
    #[new]
    fn new(py: Python<'_>, location: OsString, options: Vec<String>) -> PyResult<Self> {
        let location = parsed(&location, &options);
        let location = location.map_err(|error| error::of_location(py, &error))?;
        let dataset = py.detach(|| Dataset::open(&location));
        Ok(Self {
            dataset: dataset.map_err(failed(py))?,
            is_remote: matches!(location, Location::Remote(_)),
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
        let pixels = pixels
            .as_slice_mut()
            .map_err(|error| PyValueError::new_err(error.to_string()))?;
        let read = py.detach(|| {
            self.dataset
                .read_channels_into(&sites, &channels, threads, pixels)
        });
        read.map_err(failed(py))
    }

    /// Position of a site by its `site_id`.
    fn site_index(&self, py: Python<'_>, site_id: &str) -> PyResult<usize> {
        let found = py.detach(|| self.dataset.site_index(site_id));
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
        let found = py.detach(|| self.dataset.select(&include, &exclude));
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
        let table = py.detach(|| self.dataset.arrow_table(table));
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
