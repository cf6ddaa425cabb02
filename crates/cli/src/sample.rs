//! A look-alike of RxRx1: synthetic cells in the real layout, under the real header.
//!
//! ```text
//! seed, count ─> sites (wells.rs)                   what is where, metadata.csv
//!                  │
//!                  ├─> style (style.rs)             cell type, plate, siRNA
//!                  └─> scene (scene.rs, cell.rs)    cells, territories, nuclei
//!                        │
//!                        └─> stain ×6 (stain.rs, filament.rs)    light of a channel
//!                              └─> camera (camera.rs)            pixels
//!                                    └─> plane (plane.rs)        PNG
//!
//!        .-----------.        depth: from the nucleus (0) to the cell's edge (1)
//!      /   :  er  :   \____   border: 0 on the seam between two cells
//!     |  :  .---.  :   |   \  nuclear: 1 on the outline of the nucleus
//!     | : ( o nuc ) :  |    |
//!     |  : '---' : /golgi   |  All six channels read the same scene, so that
//!      \__:_____:_/___/____/   nuclei lie at the same places in each of them.
//! ```
//!
//! Every site draws from its own stream of random numbers, and only the four
//! operations and square roots are applied to them: the same seed gives the
//! same pixels on any platform and with any number of threads.
#![allow(
    clippy::indexing_slicing,
    reason = "pictures are made here, and no input is read"
)]

mod camera;
mod cell;
mod field;
mod filament;
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
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};

use rayon::prelude::*;

use camera::Camera;
use random::Stream;
use scene::Scene;
use style::Style;
use wells::Site;

/// Smallest side of an image, in pixels.
const SMALLEST: u32 = 16;
/// Largest side of an image, in pixels.
const LARGEST: u32 = 4096;

/// What to make.
#[derive(Clone, Debug)]
pub(crate) struct SampleSpec {
    /// Rows of the metadata; six images each.
    pub(crate) sites: usize,
    /// The same seed gives the same data.
    pub(crate) seed: u64,
    /// Width and height of an image, in pixels.
    pub(crate) size: u32,
}

impl Default for SampleSpec {
    fn default() -> Self {
        Self {
            sites: 48,
            seed: 1,
            size: 512,
        }
    }
}

/// What was made.
#[derive(Clone, Debug)]
pub(crate) struct SampleSummary {
    /// Rows of the metadata.
    pub(crate) sites: usize,
    /// Images.
    pub(crate) files: usize,
    /// Size of all images together.
    pub(crate) bytes: u64,
    /// Names of the experiments, sorted.
    pub(crate) experiments: Vec<String>,
}

/// Why no sample was made.
#[derive(Debug, thiserror::Error)]
pub(crate) enum SampleError {
    /// The destination has something in it already.
    #[error("{} is not empty: give a new folder, or empty this one first", path.display())]
    NotEmpty {
        /// The destination.
        path: PathBuf,
    },
    /// No sites were asked for.
    #[error("a sample has at least one site")]
    NoSites,
    /// Images cannot be that small or large.
    #[error("images of {size} × {size} pixels are not possible: {SMALLEST} to {LARGEST} are")]
    Size {
        /// The size asked for.
        size: u32,
    },
    /// The destination cannot be looked into.
    #[error("cannot look into {}", path.display())]
    Inspect {
        /// The destination.
        path: PathBuf,
        /// The cause.
        source: io::Error,
    },
    /// A folder or a file cannot be written.
    #[error("cannot write {}", path.display())]
    Write {
        /// The folder or file.
        path: PathBuf,
        /// The cause.
        source: io::Error,
    },
    /// An image cannot be encoded.
    #[error("cannot encode {} as PNG", path.display())]
    Encode {
        /// The file that was to be.
        path: PathBuf,
        /// The cause.
        source: png::EncodingError,
    },
}

/// Writes `dest/images/EXP/PlateN/WELL_sS_wC.png` for every site, then
/// `dest/metadata.csv`, so that a table is never there without its images.
///
/// `progress` is called from several threads after each image, with the number
/// of images done and the number of all.
///
/// # Errors
///
/// [`SampleError::NotEmpty`] or [`SampleError::Inspect`] if `dest` is something
/// else than a new or empty folder; [`SampleError::NoSites`] and
/// [`SampleError::Size`] if `spec` asks for the impossible; otherwise the first
/// file that failed.
pub(crate) fn write_sample(
    dest: &Path,
    spec: &SampleSpec,
    progress: &(dyn Fn(usize, usize) + Sync),
) -> Result<SampleSummary, SampleError> {
    let count = NonZeroUsize::new(spec.sites).ok_or(SampleError::NoSites)?;
    if !(SMALLEST..=LARGEST).contains(&spec.size) {
        return Err(SampleError::Size { size: spec.size });
    }
    demand_empty(dest)?;

    let sites = wells::sites(count, spec.seed);
    let images = dest.join("images");
    let plates: BTreeSet<String> = sites.iter().map(Site::folder).collect();
    for plate in &plates {
        let path = images.join(plate);
        fs::create_dir_all(&path).map_err(|source| SampleError::Write { path, source })?;
    }

    let files = sites.len() * stain::CHANNELS;
    let done = AtomicUsize::new(0);
    let tick = || progress(done.fetch_add(1, Ordering::Relaxed) + 1, files);
    let bytes = sites
        .par_iter()
        .map(|site| write_site(&images, site, spec, &tick))
        .try_reduce(|| 0, |a, b| Ok(a + b))?;
    write_metadata(dest, &sites)?;

    let experiments: BTreeSet<&str> = sites.iter().map(|site| site.experiment.as_str()).collect();
    Ok(SampleSummary {
        sites: sites.len(),
        files,
        bytes,
        experiments: experiments.into_iter().map(str::to_owned).collect(),
    })
}

/// Anything found in `dest` might be someone's data.
fn demand_empty(dest: &Path) -> Result<(), SampleError> {
    let path = || dest.to_owned();
    match fs::read_dir(dest) {
        Ok(mut entries) => match entries.next() {
            None => Ok(()),
            Some(_) => Err(SampleError::NotEmpty { path: path() }),
        },
        Err(source) if source.kind() == io::ErrorKind::NotFound => Ok(()),
        Err(source) => Err(SampleError::Inspect {
            path: path(),
            source,
        }),
    }
}

/// Draws one site and writes its images; returns their bytes.
fn write_site(
    images: &Path,
    site: &Site,
    spec: &SampleSpec,
    tick: &(dyn Fn() + Sync),
) -> Result<u64, SampleError> {
    let folder = images.join(site.folder());
    let mut bytes = 0;
    for (channel, pixels) in draw(site, spec).iter().enumerate() {
        bytes += plane::write(&folder.join(site.file_name(channel)), spec.size, pixels)?;
        tick();
    }
    Ok(bytes)
}

/// The pixels of a site's six channels.
fn draw(site: &Site, spec: &SampleSpec) -> [Vec<u8>; stain::CHANNELS] {
    let style = Style::of(site, spec.seed);
    let size = spec.size as usize;
    let stream = &mut Stream::new(spec.seed, &site.id());
    let scene = Scene::new(stream, &style, size);
    let camera = Camera::new(stream, size);
    std::array::from_fn(|channel| {
        let light = stain::stain(stream, &scene, &style, channel);
        camera.expose(stream, light, channel, style.brightness[channel])
    })
}

/// Writes the table under another name first: it is there whole or not at all.
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
