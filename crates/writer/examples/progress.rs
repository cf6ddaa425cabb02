//! Converts a folder of images, shows the progress and stops after a number of
//! shards. Run it again to see that the conversion continues:
//!
//! ```text
//! cargo run --release -p rxrx-writer --example progress -- INPUT OUTPUT SHARDS
//! ```
#![allow(clippy::print_stdout, reason = "a program for developers")]

use std::error::Error;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use rxrx_writer::{
    ConvertError, ConvertOptions, Event, Location, Observer, PlanOptions, convert, plan_input,
};

/// Prints each shard and asks the conversion to stop after the last wanted one.
struct Progress {
    stored: AtomicUsize,
    wanted: usize,
    stop: Arc<AtomicBool>,
}

impl Observer for Progress {
    fn notice(&self, event: Event<'_>) {
        match event {
            Event::Started { sites, units } => println!("{sites} sites in {units} shards to do"),
            Event::Continued(found) => {
                println!("{} of {} shards are done", found.done, found.units)
            }
            Event::PlaneRefused { path, error } => println!("{path}: {error}"),
            Event::UnitStored { key, bytes } => {
                println!("{key}: {bytes} bytes");
                if self.stored.fetch_add(1, Ordering::Relaxed) + 1 == self.wanted {
                    self.stop.store(true, Ordering::Relaxed);
                }
            }
            Event::Sealing => println!("all shards are stored; tables and metadata follow"),
            _ => {}
        }
    }
}

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [input, output, shards] = arguments.as_slice() else {
        return Err("usage: progress INPUT OUTPUT SHARDS".into());
    };
    let stop = Arc::new(AtomicBool::new(false));
    let progress = Progress {
        stored: AtomicUsize::new(0),
        wanted: shards.parse()?,
        stop: stop.clone(),
    };
    let planned = plan_input(&location(input), PlanOptions::default())?;
    let options = ConvertOptions::default().stop(stop);
    match convert(&planned, &location(output), &options, &progress) {
        Ok(converted) => println!("complete: {} sites", converted.sites),
        Err(ConvertError::Interrupted { done, units }) => println!("{done} of {units} shards"),
        Err(error) => return Err(error.into()),
    }
    Ok(())
}

fn location(path: &str) -> Location {
    Location::from(Path::new(path))
}
