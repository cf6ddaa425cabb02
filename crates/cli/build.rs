//! Tells the program which commit and target it is built of, for `--version`.

use std::env;
use std::process::Command;

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    // Of a checkout; a source archive has neither.
    for path in ["../../.git/HEAD", "../../.git/logs/HEAD"] {
        if std::path::Path::new(path).exists() {
            println!("cargo::rerun-if-changed={path}");
        }
    }
    let commit = git(&["log", "-1", "--format=%h of %cs", "--abbrev=12"]);
    let target = env::var("TARGET").unwrap_or_default();
    println!("cargo::rustc-env=RXRX2ZARR_BUILD_COMMIT={commit}");
    println!("cargo::rustc-env=RXRX2ZARR_BUILD_TARGET={target}");
}

/// Returns what git says of this checkout.
fn git(arguments: &[&str]) -> String {
    let output = Command::new("git").args(arguments).output();
    let output = output.ok().filter(|output| output.status.success());
    let text = output.and_then(|output| String::from_utf8(output.stdout).ok());
    text.map_or_else(|| "unknown".to_owned(), |text| text.trim().to_owned())
}
