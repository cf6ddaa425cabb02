//! Times the planning of a folder, step by step:
//!
//! ```text
//! cargo bench -p rxrx-metadata --bench plan -- FOLDER
//! ```
//!
//! Without FOLDER it does nothing.
#![allow(clippy::print_stdout, reason = "a benchmark prints its results")]

use std::error::Error;
use std::path::PathBuf;
use std::time::Instant;

use rxrx_metadata::{
    DataType, Join, Layout, MetadataTable, Plan, Selection, find_metadata, list_folder,
};

fn main() -> Result<(), Box<dyn Error>> {
    // Cargo adds `--bench`.
    let mut arguments = std::env::args_os().skip(1);
    let Some(folder) = arguments.find(|argument| argument != "--bench") else {
        println!("usage: cargo bench -p rxrx-metadata --bench plan -- FOLDER");
        return Ok(());
    };
    let folder = PathBuf::from(folder);
    let started = Instant::now();
    let done = |what: &str| println!("{:8.3} s  {what}", started.elapsed().as_secs_f64());

    let listing = list_folder(&folder)?;
    done(&format!("listed {} images", listing.images.len()));
    let table = MetadataTable::open(&folder.join(find_metadata("FOLDER", &listing)?))?;
    done(&format!("read {} rows", table.len()));
    let join = Join::new(table, listing, &Selection::default())?;
    done(&format!("joined {} channels", join.channels().len()));
    let sample = join.sample_sources(2_000).len();
    done(&format!("chose {sample} images whose headers are read"));
    let plan = Plan::new(join, 512, 512, DataType::UInt8, Layout::default())?;
    let geometry = plan.geometry();
    done(&format!(
        "planned {} shards of {:?}",
        geometry.shards(),
        geometry.shard_shape()
    ));
    for problem in plan.problems() {
        println!(
            "{} {}: {}",
            problem.count,
            problem.kind.title(),
            problem.examples.join("; ")
        );
    }
    Ok(())
}
