//! The crates and modules are those of the design, and no circle joins them.
//!
//! ```text
//! floor 8   python
//! floor 7   cli
//! floor 6   writer
//! floor 5   verify
//! floor 4   reader     estimate   server   quality
//! floor 3   format     input      cache
//! floor 2   metadata   storage   decoder   codec
//! floor 1   tables   cpu   transport   platform   page   sample   figure
//! ```

mod circles;
mod paths;
mod source;

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

use self::circles::{Uses, circles};
use self::paths::{Module, used};
use self::source::{Code, functions};

/// Each package with its floor and the packages that it may use.
const PACKAGES: [(&str, u32, &[&str]); 22] = [
    ("rxrx-cache", 3, &["rxrx-platform", "rxrx-storage"]),
    ("rxrx-tables", 1, &[]),
    ("rxrx-metadata", 2, &["rxrx-tables"]),
    ("rxrx-cpu", 1, &[]),
    ("rxrx-decoder", 2, &["rxrx-cpu"]),
    ("rxrx-codec", 2, &["rxrx-cpu"]),
    ("rxrx-page", 1, &[]),
    ("rxrx-platform", 1, &[]),
    ("rxrx-sample", 1, &[]),
    ("rxrx-figure", 1, &[]),
    ("rxrx-transport", 1, &[]),
    ("rxrx-storage", 2, &["rxrx-platform", "rxrx-transport"]),
    (
        "rxrx-format",
        3,
        &["rxrx-codec", "rxrx-decoder", "rxrx-metadata"],
    ),
    (
        "rxrx-input",
        3,
        &["rxrx-decoder", "rxrx-metadata", "rxrx-storage"],
    ),
    ("rxrx-quality", 4, &["rxrx-format", "rxrx-metadata"]),
    ("rxrx-server", 4, &["rxrx-storage"]),
    ("rxrx-reader", 4, &["rxrx-format", "rxrx-storage"]),
    (
        "rxrx-estimate",
        4,
        &[
            "rxrx-decoder",
            "rxrx-format",
            "rxrx-input",
            "rxrx-metadata",
            "rxrx-storage",
        ],
    ),
    (
        "rxrx-verify",
        5,
        &[
            "rxrx-decoder",
            "rxrx-format",
            "rxrx-input",
            "rxrx-metadata",
            "rxrx-reader",
            "rxrx-storage",
        ],
    ),
    (
        "rxrx-writer",
        6,
        &[
            "rxrx-cpu",
            "rxrx-decoder",
            "rxrx-estimate",
            "rxrx-format",
            "rxrx-input",
            "rxrx-metadata",
            "rxrx-page",
            "rxrx-reader",
            "rxrx-storage",
            "rxrx-verify",
        ],
    ),
    (
        "rxrx2zarr",
        7,
        &[
            "rxrx-figure",
            "rxrx-quality",
            "rxrx-reader",
            "rxrx-sample",
            "rxrx-server",
            "rxrx-writer",
        ],
    ),
    (
        "rxrx-python",
        8,
        &["rxrx-cache", "rxrx-reader", "rxrx2zarr"],
    ),
];
/// Lines of a crate without its tests.
const LINES_AT_MOST: usize = 8_000;
/// Crates that are to be split. One that is split must leave this list.
const ALLOWED_LARGE: &[&str] = &["format", "metadata", "storage", "writer"];
/// Lines of the body of a function.
const BODY_AT_MOST: usize = 80;
/// Circles that are to be opened: the crate and the modules. One that is opened
/// must leave this list.
const ALLOWED: &[(&str, &[&str])] = &[];
/// Functions that are to be split. One that is split must leave this list.
const ALLOWED_LONG: &[&str] = &[];
/// Crates that are to get a README. One that has it must leave this list.
const WITHOUT_README: &[&str] = &[];
/// Modules of the metadata that are to lose the words of Zarr. One that has lost
/// them must leave this list.
const ZARR_IN_METADATA: &[&str] = &[];
/// Files that may call one operating system only.
const PLATFORM_FILES: [&str; 4] = [
    "crates/platform/src/system.rs",
    "crates/platform/src/system/",
    "crates/transport/src/platform.rs",
    "crates/cli/src/signals.rs",
];

fn workspace() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// The dependencies of a package, those of its tests apart.
struct Dependencies {
    normal: BTreeSet<String>,
    tests: BTreeSet<String>,
}

/// The packages below `crates/`. Those below `tests/` serve tests only.
fn packages() -> BTreeMap<String, Dependencies> {
    let output = Command::new(env!("CARGO"))
        .args([
            "metadata",
            "--no-deps",
            "--format-version",
            "1",
            "--offline",
        ])
        .current_dir(workspace())
        .output()
        .unwrap();
    assert!(output.status.success(), "{output:?}");
    let metadata: Value = serde_json::from_slice(&output.stdout).unwrap();
    let name = |value: &Value| value["name"].as_str().unwrap().to_owned();
    let packages = metadata["packages"].as_array().unwrap().iter();
    let is_shipped = |package: &&Value| {
        let manifest = package["manifest_path"].as_str().unwrap();
        manifest.contains("/crates/")
    };
    packages
        .filter(is_shipped)
        .map(|package| {
            let all = package["dependencies"].as_array().unwrap().iter();
            let (tests, normal): (Vec<&Value>, Vec<&Value>) =
                all.partition(|dependency| dependency["kind"] == "dev");
            let dependencies = Dependencies {
                normal: normal.into_iter().map(name).collect(),
                tests: tests.into_iter().map(name).collect(),
            };
            (name(package), dependencies)
        })
        .collect()
}

/// The folder of each crate by its name.
fn crates() -> BTreeMap<String, PathBuf> {
    let entries = fs::read_dir(workspace().join("crates")).unwrap();
    let folders = entries.map(|entry| entry.unwrap().path());
    folders
        .filter(|folder| folder.join("src").is_dir())
        .map(|folder| {
            (
                folder.file_name().unwrap().to_str().unwrap().to_owned(),
                folder,
            )
        })
        .collect()
}

/// The code of each file of a crate that is not for tests, by its module.
fn sources(folder: &Path) -> BTreeMap<Module, Code> {
    let mut sources = BTreeMap::new();
    let source = folder.join("src");
    // The program of a crate that is a library, too, is one of its modules.
    let root = ["lib", "main"].map(|name| source.join(name).with_extension("rs"));
    let root = root.into_iter().find(|root| root.is_file());
    let mut open = vec![source.clone()];
    while let Some(path) = open.pop() {
        if path.is_dir() {
            open.extend(
                fs::read_dir(path)
                    .unwrap()
                    .map(|entry| entry.unwrap().path()),
            );
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            let inside = path.strip_prefix(&source).unwrap().with_extension("");
            let names = inside.iter().map(|name| name.to_str().unwrap().to_owned());
            let mut module: Module = names.collect();
            let is_for_tests = |name: &String| {
                ["tests", "testing", "fixture", "made"]
                    .iter()
                    .any(|start| name.starts_with(start))
            };
            if module.iter().any(is_for_tests) {
                continue;
            }
            if root.as_ref() == Some(&path) {
                module.clear();
            }
            sources.insert(module, Code::new(&fs::read_to_string(&path).unwrap()));
        }
    }
    sources
}

/// The modules that each module of `sources` uses; `lib` is the root.
fn uses(sources: &BTreeMap<Module, Code>) -> Uses {
    let known: BTreeSet<Module> = sources.keys().cloned().collect();
    let name = |module: &Module| match module.as_slice() {
        [] => "lib".to_owned(),
        names => names.join("::"),
    };
    let uses = |(module, code): (&Module, &Code)| {
        let used = used(code, module, &known);
        (name(module), used.iter().map(name).collect())
    };
    sources.iter().map(uses).collect()
}

#[test]
fn the_packages_use_those_of_lower_floors_as_the_design_says() {
    let packages = packages();
    let known: BTreeSet<&str> = PACKAGES.iter().map(|(name, _, _)| *name).collect();
    assert_eq!(
        packages.keys().map(String::as_str).collect::<BTreeSet<_>>(),
        known
    );
    let floor = |name: &str| {
        PACKAGES
            .iter()
            .find(|(known, _, _)| *known == name)
            .unwrap()
            .1
    };
    for (name, own_floor, may_use) in PACKAGES {
        let siblings = |all: &BTreeSet<String>| -> Vec<String> {
            all.iter()
                .filter(|name| known.contains(name.as_str()))
                .cloned()
                .collect()
        };
        let package = &packages[name];
        assert_eq!(siblings(&package.normal), may_use, "{name}");
        for used in may_use {
            assert!(floor(used) < own_floor, "{name} and {used}");
        }
        for used in siblings(&package.tests) {
            assert!(floor(&used) <= own_floor, "the tests of {name} and {used}");
        }
    }
}

#[test]
fn only_the_command_line_knows_arguments_and_terminals() {
    for (package, dependencies) in packages() {
        for library in ["clap", "indicatif", "console", "anyhow"] {
            let all = &dependencies.normal | &dependencies.tests;
            assert_eq!(
                all.contains(library),
                package == "rxrx2zarr",
                "{package} and {library}"
            );
        }
    }
}

#[test]
fn no_circle_joins_modules() {
    let mut found = Vec::new();
    let mut report = String::new();
    for (name, folder) in crates() {
        for circle in circles(&uses(&sources(&folder))) {
            report += &format!("\na circle in {name}:\n");
            for (from, to) in &circle {
                let to: Vec<&str> = to.iter().map(String::as_str).collect();
                report += &format!("    {from} -> {}\n", to.join(", "));
            }
            found.push((name.clone(), circle.into_keys().collect::<Vec<_>>()));
        }
    }
    let allowed: Vec<(String, Vec<String>)> = ALLOWED
        .iter()
        .map(|(name, modules)| {
            let modules = modules.iter().map(|module| (*module).to_owned());
            ((*name).to_owned(), modules.collect())
        })
        .collect();
    assert!(found == allowed, "{report}\nALLOWED holds {allowed:#?}");
}

#[test]
fn crates_stay_small() {
    let mut large = Vec::new();
    for (name, folder) in crates() {
        // What only tests of other crates use is test code, too.
        let is_kit = |module: &Module| module.first().is_some_and(|name| name == "testing");
        let code = sources(&folder);
        let shipped = code.iter().filter(|(module, _)| !is_kit(module));
        let lines: usize = shipped.map(|(_, code)| code.lines).sum();
        if lines > LINES_AT_MOST {
            large.push((name, lines));
        }
    }
    let names: Vec<&str> = large.iter().map(|(name, _)| name.as_str()).collect();
    assert!(names == ALLOWED_LARGE, "the large crates are {large:?}");
}

#[test]
fn functions_stay_small() {
    let mut long = Vec::new();
    for (name, folder) in crates() {
        for (module, code) in sources(&folder) {
            let place = [std::slice::from_ref(&name), &module].concat().join("::");
            for (function, line, body) in functions(&code) {
                if body > BODY_AT_MOST {
                    eprintln!("{place}: the function {function} in line {line} has {body} lines");
                    long.push(format!("{place}::{function}"));
                }
            }
        }
    }
    assert_eq!(long, ALLOWED_LONG);
}

#[test]
fn each_crate_has_a_readme() {
    let without: Vec<String> = crates()
        .into_iter()
        .filter(|(_, folder)| !folder.join("README.md").is_file())
        .map(|(name, _)| name)
        .collect();
    assert_eq!(without, WITHOUT_README);
}

/// Whether the code of a file holds these tokens one after the other.
fn holds(code: &Code, tokens: &[&str]) -> bool {
    let all = code.tokens();
    let texts: Vec<&str> = all.iter().map(|token| token.text).collect();
    texts.windows(tokens.len()).any(|window| window == tokens)
}

#[test]
fn the_format_does_no_io() {
    for (module, code) in sources(&workspace().join("crates/format")) {
        for io in ["fs", "net", "env", "process"] {
            assert!(
                !holds(&code, &["std", "::", io]),
                "{module:?} uses std::{io}"
            );
        }
    }
}

#[test]
fn only_remote_stores_and_the_server_are_asynchronous() {
    for (name, folder) in crates() {
        for (module, code) in sources(&folder) {
            let is_remote = matches!(name.as_str(), "server" | "transport")
                || name == "storage" && module.first().is_some_and(|name| name == "remote");
            assert!(
                is_remote || !holds(&code, &[".", "await"]),
                "{name}, {module:?}"
            );
        }
    }
}

#[test]
fn the_metadata_know_no_zarr() {
    let mut found = Vec::new();
    for (module, code) in sources(&workspace().join("crates/metadata")) {
        let is_zarr = |text: &str| text.to_ascii_lowercase().contains("zarr");
        if code.tokens().iter().any(|token| is_zarr(token.text)) {
            found.push(module.join("::"));
        }
    }
    assert_eq!(found, ZARR_IN_METADATA);
}

#[test]
fn calls_of_one_operating_system_stand_in_the_platform_modules() {
    const ONE_SYSTEM: [&[&str]; 6] = [
        &["libc", "::"],
        &["std", "::", "os", "::"],
        &["cfg", "(", "unix"],
        &["cfg", "(", "windows"],
        &["cfg", "(", "target_os"],
        &["cfg", "(", "not", "(", "unix"],
    ];
    for (name, folder) in crates() {
        for (module, code) in sources(&folder) {
            let path = format!("crates/{name}/src/{}.rs", module.join("/"));
            if PLATFORM_FILES.iter().any(|file| path.starts_with(file)) {
                continue;
            }
            for call in ONE_SYSTEM {
                assert!(!holds(&code, call), "{path} has {}", call.concat());
            }
        }
    }
}
