//! A table as a stream of Arrow data, by the
//! [Arrow PyCapsule interface](https://arrow.apache.org/docs/format/CDataInterface/PyCapsuleInterface.html).

use std::ffi::CStr;

use arrow_array::RecordBatchIterator;
use arrow_array::ffi_stream::FFI_ArrowArrayStream;
use arrow_schema::ArrowError;
use arrow_schema::ffi::FFI_ArrowSchema;
use pyo3::exceptions::PyRuntimeError;
use pyo3::prelude::*;
use pyo3::types::PyCapsule;
use rxrx_reader::ArrowTable;

use crate::column::{Column, column, table_rows};

const STREAM: &CStr = c"arrow_array_stream";
const SCHEMA: &CStr = c"arrow_schema";

/// A table in memory. Programs that take it share its buffers.
#[pyclass(frozen, module = "rxrx2zarr._native")]
pub(crate) struct NativeTable(pub(crate) ArrowTable);

#[pymethods]
impl NativeTable {
    /// Number of rows.
    fn rows(&self) -> usize {
        table_rows(&self.0)
    }

    /// Name and Arrow type of each column.
    fn columns(&self) -> Vec<(String, String)> {
        let fields = self.0.schema.fields().iter();
        fields
            .map(|field| (field.name().clone(), field.data_type().to_string()))
            .collect()
    }

    /// Returns a column as numpy arrays, copied.
    fn column<'py>(&self, py: Python<'py>, name: &str) -> PyResult<Column<'py>> {
        column(py, &self.0, name)
    }

    /// Returns a capsule with a stream of the rows.
    fn stream<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyCapsule>> {
        let batches = self.0.batches.clone().into_iter().map(Ok::<_, ArrowError>);
        let reader = RecordBatchIterator::new(batches, self.0.schema.clone());
        let stream = FFI_ArrowArrayStream::new(Box::new(reader));
        PyCapsule::new_with_value(py, stream, STREAM)
    }

    /// Returns a capsule with the schema.
    fn schema<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyCapsule>> {
        let schema = FFI_ArrowSchema::try_from(self.0.schema.as_ref());
        let schema = schema.map_err(|error| PyRuntimeError::new_err(error.to_string()))?;
        PyCapsule::new_with_value(py, schema, SCHEMA)
    }
}
