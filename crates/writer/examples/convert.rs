//! Converts a folder of images with the settings that most programs need:
//!
//! ```text
//! cargo run --release -p rxrx-writer --example convert -- INPUT OUTPUT
//! ```
#![allow(clippy::print_stdout, reason = "a program for developers")]

use std::error::Error;
use std::path::Path;

use rxrx_writer::{
    Codec, ConvertOptions, Existing, HasErrorKind, Location, PlanOptions, Silent, convert,
    plan_input,
};

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [input, output] = arguments.as_slice() else {
        return Err("usage: convert INPUT OUTPUT".into());
    };
    let planned = plan_input(&location(input), PlanOptions::default())?;
    for problem in planned.plan.problems() {
        println!("{}: {}", problem.kind.title(), problem.count);
    }
    let options = ConvertOptions::default()
        .codec(Codec::DeltaZstd)
        .allow_missing(true)
        .existing(Existing::Continue);
    let converted = convert(&planned, &location(output), &options, &Silent)
        .inspect_err(|error| println!("kind of the error: {:?}", error.kind()))?;
    println!(
        "{} sites in {} shards, {} bytes; {} planes are missing, {} are unreadable or corrupt",
        converted.sites,
        converted.shards,
        converted.stored_bytes,
        converted.planes.missing,
        converted.planes.unreadable + converted.planes.corrupt
    );
    Ok(())
}

fn location(path: &str) -> Location {
    Location::from(Path::new(path))
}
