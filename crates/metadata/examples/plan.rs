//! Plans a folder as the program does and says how long each step took:
//!
//! ```text
//! cargo run --release -p rxrx-metadata --example plan -- FOLDER
//! ```
#![allow(clippy::print_stdout, reason = "an example talks to a person")]

use std::error::Error;
use std::path::PathBuf;
use std::time::Instant;

use rxrx_metadata::{
    DataType, Join, Layout, MetadataTable, Plan, Selection, find_metadata, list_folder,
};

fn main() -> Result<(), Box<dyn Error>> {
    let folder = PathBuf::from(std::env::args_os().nth(1).ok_or("which FOLDER?")?);
    let started = Instant::now();
    let done = |what: &str| println!("{:8.3} s  {what}", started.elapsed().as_secs_f64());

    let listing = list_folder(&folder)?;
    done(&format!("listed {} images", listing.images.len()));
    let table = MetadataTable::open(&folder.join(find_metadata("FOLDER", &listing)?))?;
    done(&format!("read {} rows", table.len()));
    let join = Join::new(table, listing, &Selection::default())?;
    done(&format!("joined {} channels", join.channels.len()));
    let sample = join.sample_sources(2_000).len();
    done(&format!("chose {sample} images to look into"));
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
