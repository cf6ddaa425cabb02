//! The program `rxrx2zarr`; the library of this crate is all of it.

use std::env;
use std::ffi::OsString;
use std::process::ExitCode;

fn main() -> ExitCode {
    #[allow(unsafe_code, reason = "one call, with its proof")]
    // SAFETY: this is the first statement of the program: no other thread exists.
    unsafe {
        rxrx_writer::set_mmap_threshold();
    }
    let arguments: Vec<OsString> = env::args_os().collect();
    rxrx2zarr::run(&arguments).into()
}
