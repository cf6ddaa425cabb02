//! Opens a dataset by path or address, and prints the shape of one site and the
//! mean of each of its channels:
//!
//! ```text
//! cargo run --release -p rxrx-reader --example read_site -- DATASET [SITE]
//! ```
//!
//! SITE is a name such as `HUVEC-01_1_B02_1`; without it, the first site is read.
#![allow(clippy::print_stdout, reason = "an example talks to a person")]

use std::env;
use std::error::Error;
use std::sync::Arc;

use rxrx_reader::{Dataset, Location};

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = env::args_os().skip(1);
    let dataset = arguments.next().ok_or("usage: read_site DATASET [SITE]")?;
    let dataset = Dataset::open(&Location::parse(&dataset, &Arc::default())?)?;
    let site = match arguments.next() {
        Some(name) => dataset.site_index(&name.to_string_lossy())?,
        None => 0,
    };
    let pixels = dataset.read_site(site)?;
    let [channels, height, width] = pixels.shape();
    println!(
        "{}: {}",
        dataset.name(),
        dataset.attributes().description.name
    );
    println!("site {site}: {channels} channels of {height} x {width} pixels");
    for (position, channel) in dataset.channels().iter().enumerate() {
        let samples = pixels
            .samples_at(position)
            .ok_or("there is no such channel")?;
        let sum: f64 = samples.map(f64::from).sum();
        println!("{channel}: mean {:.2}", sum / (height * width) as f64);
    }
    Ok(())
}
