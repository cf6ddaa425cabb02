#![doc = include_str!("../README.md")]
//!
//! ## Modules
//!
//! ```text
//! command      the program, and its commands as functions
//!  └─ listener  what a command says while it runs, on its way to Python
//! dataset      an open dataset: pixels into arrays
//!  ├─ windows   crops of sites
//!  ├─ waiting   reading that Ctrl-C can stop
//!  └─ table     a table as a stream of Arrow data
//!      └─ column  a column as an array
//! error        failures as exceptions
//! ```

mod column;
mod command;
mod dataset;
mod error;
mod listener;
mod table;
mod waiting;
mod windows;

/// The module `rxrx2zarr._native`; the package beside it is what users see.
#[pyo3::pymodule]
mod _native {
    /// Version of the package and of the program.
    #[pymodule_export]
    #[allow(non_upper_case_globals, reason = "the name that Python expects")]
    const __version__: &str = env!("CARGO_PKG_VERSION");
    #[pymodule_export]
    use crate::command::{call, run};
    #[pymodule_export]
    use crate::dataset::NativeDataset;
    #[pymodule_export]
    use crate::table::NativeTable;
}
