//! Values for tests.

use crate::discover::listing::Listing;
use crate::join::Join;
use crate::plan::Plan;
use crate::plan::geometry::{DataType, Layout};
use crate::select::Selection;
use crate::table::metadata_table::MetadataTable;

/// Rows and columns of every plane of [`plan`].
pub const SIDE: usize = 4;

/// The path of an image of [`plan`].
pub fn image_path(site: usize, channel: usize) -> String {
    format!("E-1/Plate{}/B02_s1_w{}.png", site + 1, channel + 1)
}

/// A plan of `sites` plates with one site each.
///
/// # Panics
/// `layout` does not fit.
#[allow(clippy::unwrap_used, reason = "tests may unwrap")]
pub fn plan(sites: usize, channels: usize, layout: Layout) -> Plan {
    let mut table = "experiment,plate,well,site,dose\n".to_owned();
    let mut paths: Vec<Box<str>> = Vec::new();
    for site in 0..sites {
        table += &format!("E-1,{},B02,1,{}.5\n", site + 1, site);
        paths.extend((0..channels).map(|channel| image_path(site, channel).into()));
    }
    let table = MetadataTable::read("metadata.csv", table.as_bytes()).unwrap();
    let listing = Listing::from_paths(paths);
    let join = Join::new(table, listing, &Selection::default()).unwrap();
    Plan::new(join, SIDE, SIDE, DataType::UInt8, layout).unwrap()
}
