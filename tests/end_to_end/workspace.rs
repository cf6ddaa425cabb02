//! Four packages, and who may know whom.

use std::collections::BTreeMap;
use std::process::Command;

use serde_json::Value;

/// Each package with the packages it depends on, tests included.
fn packages() -> BTreeMap<String, Vec<String>> {
    let output = Command::new(env!("CARGO"))
        .args([
            "metadata",
            "--no-deps",
            "--format-version",
            "1",
            "--offline",
        ])
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .output()
        .unwrap();
    assert!(output.status.success(), "{output:?}");
    let metadata: Value = serde_json::from_slice(&output.stdout).unwrap();
    let name = |value: &Value| value["name"].as_str().unwrap().to_owned();
    let packages = metadata["packages"].as_array().unwrap().iter();
    packages
        .map(|package| {
            let dependencies = package["dependencies"].as_array().unwrap();
            (name(package), dependencies.iter().map(name).collect())
        })
        .collect()
}

#[test]
fn the_layers_are_those_of_the_design() {
    let packages = packages();
    let siblings = |package: &str| -> Vec<&str> {
        let mut siblings: Vec<&str> = packages[package]
            .iter()
            .map(String::as_str)
            .filter(|name| packages.contains_key(*name))
            .collect();
        siblings.sort_unstable();
        siblings.dedup();
        siblings
    };
    let names: Vec<&String> = packages.keys().collect();
    assert_eq!(
        names,
        ["rxrx-decoder", "rxrx-metadata", "rxrx-writer", "rxrx2zarr"]
    );
    assert_eq!(siblings("rxrx-decoder"), [""; 0]);
    assert_eq!(siblings("rxrx-metadata"), [""; 0]);
    assert_eq!(siblings("rxrx-writer"), ["rxrx-decoder", "rxrx-metadata"]);
}

#[test]
fn only_the_command_line_knows_arguments_and_terminals() {
    for (package, dependencies) in packages() {
        for library in ["clap", "indicatif", "console", "anyhow"] {
            let knows = dependencies.iter().any(|name| name == library);
            assert_eq!(knows, package == "rxrx2zarr", "{package} and {library}");
        }
    }
}
