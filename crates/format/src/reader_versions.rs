//! The programs that read a dataset, with their least versions. The root, the card, `info`
//! and the documents take them from here. `tests/python/test_matrix.py` runs them, but for
//! zarrita, of which it runs the newest.

use std::collections::BTreeMap;

/// A program that reads a dataset.
#[derive(Clone, Copy, Debug)]
pub struct ReaderVersion {
    /// Its name at PyPI or npm.
    pub name: &'static str,
    /// The least version that reads all that it can read.
    pub least: &'static str,
    /// What is wrong with earlier versions, or what it does not read.
    pub reason: &'static str,
}

/// The programs, with their least versions.
pub const READER_VERSIONS: [ReaderVersion; 7] = [
    ReaderVersion {
        name: "zarr",
        least: "3.1.6",
        reason: "earlier versions of 3 refuse a list of sites together with one channel, and \
                 those before 3.1.2 can read shards wrongly in worker processes; zarr 2 does not \
                 read Zarr v3",
    },
    ReaderVersion {
        name: "xarray",
        least: "2025.1.2",
        reason: "labels and pixels, on zarr",
    },
    ReaderVersion {
        name: "tensorstore",
        least: "0.1.69",
        reason: "pixels and numbers; no text labels, no `delta-zstd`",
    },
    ReaderVersion {
        name: "zarrita",
        least: "0.7.1",
        reason: "JavaScript",
    },
    ReaderVersion {
        name: "pyarrow",
        least: "14.0.2",
        reason: "tables",
    },
    ReaderVersion {
        name: "polars",
        least: "0.20.31",
        reason: "tables",
    },
    ReaderVersion {
        name: "duckdb",
        least: "0.10.3",
        reason: "tables",
    },
];

/// The least versions by the names of the programs, as the root states them.
pub(crate) fn least_versions() -> BTreeMap<String, String> {
    let versions = READER_VERSIONS.iter();
    versions
        .map(|reader| (reader.name.to_owned(), reader.least.to_owned()))
        .collect()
}
