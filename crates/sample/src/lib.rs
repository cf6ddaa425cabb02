//! Draws a sample that looks like RxRx1: synthetic cells, with the folder layout
//! and the table header of RxRx1.
//!
//! ```text
//! seed, count ─> sites (wells.rs)                   rows of metadata.csv
//!                  │
//!                  ├─> style (style.rs)             cell type, plate, siRNA
//!                  └─> scene (scene.rs, cell.rs)    cells, territories, nuclei
//!                        │
//!                        └─> stain ×6 (stain.rs, filament.rs)    light of a channel
//!                              └─> camera (camera.rs)            pixels, flaws (flaws.rs)
//!                                    └─> plane (plane.rs)        PNG
//!
//!        .-----------.        depth: from the nucleus (0) to the cell's edge (1)
//!      /   :  er  :   \____   border: 0 on the border between two cells
//!     |  :  .---.  :   |   \  nuclear: 1 on the outline of the nucleus
//!     | : ( o nuc ) :  |    |
//!     |  : '---' : /golgi   |  All six channels read the same scene, so that
//!      \__:_____:_/___/____/   nuclei are at the same positions in each of them.
//! ```
//!
//! Sites are drawn in parallel, and the six planes of a site are encoded in
//! parallel, on a thread pool of the caller's size. Each site has its own
//! stream of random numbers, and only additions, subtractions, multiplications,
//! divisions and square roots are applied to them. The same seed therefore gives
//! the same pixels on every platform and with any number of threads.
#![allow(
    clippy::indexing_slicing,
    reason = "this module makes images and reads no input"
)]

mod camera;
mod cell;
mod drawing;
mod error;
mod field;
mod filament;
mod flaws;
mod plane;
mod random;
mod scene;
mod stain;
mod style;
#[cfg(test)]
mod tests;
mod wells;

use std::collections::BTreeSet;
use std::fs;
use std::io;
use std::num::NonZeroUsize;
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};

use rayon::prelude::*;

pub use drawing::SampleSpec;
pub use error::SampleError;
use error::{LARGEST, SMALLEST};
pub use flaws::{Flaw, FlawKind};
use flaws::{Flaws, LEAST_SITES};
use wells::Site;

/// Counts of a sample that was written.
#[derive(Clone, Debug)]
pub struct SampleSummary {
    /// Rows of the metadata table.
    pub sites: usize,
    /// Number of images.
    pub files: usize,
    /// Size of all images together, in bytes.
    pub bytes: u64,
    /// Names of the experiments, sorted.
    pub experiments: Vec<String>,
    /// The flaws that were made.
    pub flaws: Vec<Flaw>,
}

/// Writes `dest/images/EXP/PlateN/WELL_sS_wC.png` for every site, then
/// `dest/metadata.csv`, so that the table exists only when all images do.
///
/// At most `jobs` threads draw and encode. `progress` is called from these
/// threads after each image, with the number of images done and of all images.
///
/// # Errors
///
/// [`SampleError::NotEmpty`] or [`SampleError::List`] if `dest` is not a new or
/// empty folder; [`SampleError::NoSites`] and [`SampleError::Size`] if `spec`
/// is out of range; [`SampleError::FewSites`] if there is no room for the flaws;
/// [`SampleError::Threads`] if the thread pool cannot be
/// built; otherwise the first file that failed.
pub fn write_sample(
    dest: &Path,
    spec: &SampleSpec,
    jobs: NonZeroUsize,
    progress: &(dyn Fn(usize, usize) + Sync),
) -> Result<SampleSummary, SampleError> {
    let count = NonZeroUsize::new(spec.sites).ok_or(SampleError::NoSites)?;
    if !(SMALLEST..=LARGEST).contains(&spec.size) {
        return Err(SampleError::Size { size: spec.size });
    }
    demand_empty(dest)?;

    let (sites, flaws) = match spec.flaws {
        false => (wells::sites(count, spec.seed), Flaws::default()),
        true if spec.sites < LEAST_SITES => {
            return Err(SampleError::FewSites {
                sites: spec.sites,
                least: LEAST_SITES,
            });
        }
        true => {
            let sites = wells::blocks(count);
            let flaws = Flaws::of(&sites);
            (sites, flaws)
        }
    };
    let images = dest.join("images");
    let plates: BTreeSet<String> = sites.iter().map(Site::folder).collect();
    for plate in &plates {
        let path = images.join(plate);
        fs::create_dir_all(&path).map_err(|source| SampleError::Write { path, source })?;
    }

    let files = sites.len() * stain::CHANNELS - flaws.missing();
    let done = AtomicUsize::new(0);
    let tick = || progress(done.fetch_add(1, Ordering::Relaxed) + 1, files);
    let bytes = thread_pool(jobs)?.install(|| {
        let numbered = sites.par_iter().enumerate();
        let written = numbered.map(|(number, site)| {
            let planes = flaws.draw(number, &sites, spec);
            write_site(&images, site, spec.size, &planes, &tick)
        });
        written.try_reduce(|| 0, |a, b| Ok(a + b))
    })?;
    write_metadata(dest, &sites)?;

    let experiments: BTreeSet<&str> = sites.iter().map(|site| site.experiment.as_str()).collect();
    Ok(SampleSummary {
        sites: sites.len(),
        files,
        bytes,
        experiments: experiments.into_iter().map(str::to_owned).collect(),
        flaws: flaws.list(),
    })
}

/// Builds a thread pool of `jobs` threads. The global pool of rayon would have
/// one thread for each core, whatever the user asked for.
fn thread_pool(jobs: NonZeroUsize) -> Result<rayon::ThreadPool, SampleError> {
    rayon::ThreadPoolBuilder::new()
        .num_threads(jobs.get())
        .thread_name(|number| format!("sample {number}"))
        .build()
        .map_err(|source| SampleError::Threads {
            jobs: jobs.get(),
            source,
        })
}

/// Refuses a destination that holds anything: it may be a user's data.
fn demand_empty(dest: &Path) -> Result<(), SampleError> {
    let path = || dest.to_owned();
    match fs::read_dir(dest) {
        Ok(mut entries) => match entries.next() {
            None => Ok(()),
            Some(_) => Err(SampleError::NotEmpty { path: path() }),
        },
        Err(source) if source.kind() == io::ErrorKind::NotFound => Ok(()),
        Err(source) => Err(SampleError::List {
            path: path(),
            source,
        }),
    }
}

/// Encodes the planes of one site in parallel and writes them; returns the bytes written.
/// One without pixels is left out.
fn write_site(
    images: &Path,
    site: &Site,
    size: u32,
    planes: &[Vec<u8>],
    tick: &(dyn Fn() + Sync),
) -> Result<u64, SampleError> {
    let folder = images.join(site.folder());
    let planes = planes.par_iter().enumerate();
    let planes = planes.filter(|(_, pixels)| !pixels.is_empty());
    let written = planes.map(|(channel, pixels)| {
        let bytes = plane::write(&folder.join(site.file_name(channel)), size, pixels)?;
        tick();
        Ok(bytes)
    });
    written.try_reduce(|| 0, |a, b| Ok(a + b))
}

/// Writes the table to a temporary name and renames it, so that an incomplete
/// table is never visible.
fn write_metadata(dest: &Path, sites: &[Site]) -> Result<(), SampleError> {
    let path = dest.join("metadata.csv");
    let unfinished = dest.join(".metadata.csv.part");
    let mut text = String::from(wells::HEADER);
    text.push('\n');
    for site in sites {
        text.push_str(&site.row());
        text.push('\n');
    }
    fs::write(&unfinished, text)
        .and_then(|()| fs::rename(&unfinished, &path))
        .map_err(|source| SampleError::Write { path, source })
}
