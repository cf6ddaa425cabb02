//! The instructions that the program may use.

use std::env;

use rxrx_writer::{CpuLacks, CpuLevel};

/// The environment variable that holds the program to fewer instructions than the processor has.
const VARIABLE: &str = "RXRX2ZARR_CPU";

/// The environment variable has a value that cannot be used.
#[derive(Debug, thiserror::Error)]
pub(crate) enum CpuError {
    /// It names no level.
    #[error("{VARIABLE}={0} is none of baseline, avx2 and avx512; correct it or unset it")]
    Unknown(String),
    /// The processor has less.
    #[error("{VARIABLE} cannot be obeyed: {0}; unset it")]
    Lacks(#[from] CpuLacks),
}

/// Holds this process to the instructions that the environment variable names, if it is set.
pub(crate) fn hold_to_variable() -> Result<(), CpuError> {
    let Some(name) = env::var_os(VARIABLE).filter(|name| !name.is_empty()) else {
        return Ok(());
    };
    let name = name.to_string_lossy();
    match CpuLevel::of_name(&name) {
        Some(level) => Ok(level.hold()?),
        None => Err(CpuError::Unknown(name.into_owned())),
    }
}
