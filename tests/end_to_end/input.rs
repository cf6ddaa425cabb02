//! Trees of small PNG files with the table that describes them.

use std::fs;
use std::path::{Path, PathBuf};

use image::{GrayImage, ImageBuffer, Luma};
use tempfile::TempDir;

/// What to make; the default is six channels of 12 × 20 pixels, 8 bit.
#[derive(Clone, Debug)]
pub(super) struct Spec {
    pub(super) sites: usize,
    pub(super) channels: Vec<u16>,
    pub(super) height: u32,
    pub(super) width: u32,
    pub(super) sixteen_bit: bool,
    /// How folders and table spell experiment 1.
    pub(super) folder_name: &'static str,
    pub(super) table_name: &'static str,
}

impl Default for Spec {
    fn default() -> Self {
        Self {
            sites: 3,
            channels: (1..=6).collect(),
            height: 12,
            width: 20,
            sixteen_bit: false,
            folder_name: "HUVEC-0",
            table_name: "HUVEC-0",
        }
    }
}

/// A tree in a temporary folder, and room beside it for the output.
#[derive(Debug)]
pub(super) struct Input {
    place: TempDir,
    spec: Spec,
}

/// A site, in the order in which the array must have it.
#[derive(Clone, Copy, Debug)]
struct Site {
    experiment: usize,
    plate: usize,
    well: &'static str,
    site: usize,
}

impl Site {
    /// Eight sites fill an experiment: two plates of two wells of two sites.
    fn at(index: usize) -> Self {
        Self {
            experiment: 1 + index / 8,
            plate: 1 + index / 4 % 2,
            well: ["B02", "B10"][index / 2 % 2],
            site: 1 + index % 2,
        }
    }
}

pub(super) const HEADER: &str =
    "site_id,well_id,cell_type,dataset,experiment,plate,well,site,well_type,sirna,sirna_id,dose";

impl Input {
    pub(super) fn new(spec: Spec) -> Self {
        let input = Self {
            place: tempfile::tempdir().unwrap(),
            spec,
        };
        for site in 0..input.spec.sites {
            for &channel in &input.spec.channels {
                input.write_image(site, channel, input.spec.height, input.spec.width);
            }
        }
        fs::write(input.table_path(), input.table()).unwrap();
        // So small images are no evidence for RxRx1.
        let described = r#"{"profile": "rxrx1"}"#;
        fs::write(input.root().join("rxrx2zarr.json"), described).unwrap();
        input
    }

    pub(super) fn of_sites(sites: usize) -> Self {
        Self::new(Spec {
            sites,
            ..Spec::default()
        })
    }

    pub(super) fn root(&self) -> PathBuf {
        self.place.path().join("in")
    }

    /// Where an output may be made.
    pub(super) fn output(&self) -> PathBuf {
        self.beside("out")
    }

    /// A path beside input and output.
    pub(super) fn beside(&self, name: &str) -> PathBuf {
        self.place.path().join(name)
    }

    pub(super) fn table_path(&self) -> PathBuf {
        self.root().join("metadata.csv")
    }

    pub(super) fn sites(&self) -> usize {
        self.spec.sites
    }

    pub(super) fn channels(&self) -> &[u16] {
        &self.spec.channels
    }

    /// The image's path inside the input.
    pub(super) fn image_name(&self, index: usize, channel: u16) -> String {
        let Site {
            experiment,
            plate,
            well,
            site,
        } = Site::at(index);
        let folder = format!("{}{experiment}", self.spec.folder_name);
        format!("images/{folder}/Plate{plate}/{well}_s{site}_w{channel}.png")
    }

    pub(super) fn image(&self, index: usize, channel: u16) -> PathBuf {
        self.root().join(self.image_name(index, channel))
    }

    pub(super) fn site_id(&self, index: usize) -> String {
        let Site {
            experiment,
            plate,
            well,
            site,
        } = Site::at(index);
        format!("{}{experiment}_{plate}_{well}_{site}", self.spec.table_name)
    }

    /// Writes the image anew, in a size of the caller's choice.
    pub(super) fn write_image(&self, site: usize, channel: u16, height: u32, width: u32) {
        let path = self.image(site, channel);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        if self.spec.sixteen_bit {
            ImageBuffer::from_fn(width, height, |x, y| Luma([sample(site, channel, y, x)]))
                .save(&path)
                .unwrap();
        } else {
            let byte = |x, y| Luma([(sample(site, channel, y, x) >> 8) as u8]);
            GrayImage::from_fn(width, height, byte).save(&path).unwrap();
        }
    }

    /// What an independent decoder makes of the image.
    pub(super) fn decoded(&self, site: usize, channel: u16) -> Vec<u16> {
        decoded(&self.image(site, channel))
    }

    /// The table, its rows in reverse so that the program must sort them.
    fn table(&self) -> String {
        let mut table = format!("{HEADER}\n");
        for index in (0..self.spec.sites).rev() {
            let Site {
                experiment,
                plate,
                well,
                site,
            } = Site::at(index);
            let name = format!("{}{experiment}", self.spec.table_name);
            let dataset = if experiment == 1 { "train" } else { "test" };
            // Every third siRNA is kept secret, every fourth dose unknown.
            let (sirna, sirna_id) = match index % 3 {
                0 => (String::new(), String::new()),
                _ => (format!("s{index}"), index.to_string()),
            };
            let dose = match index % 4 {
                1 => String::new(),
                _ => format!("{}.5", index),
            };
            table += &format!(
                "{},{name}_{plate}_{well},HUVEC,{dataset},{name},{plate},{well},{site},treatment,{sirna},{sirna_id},{dose}\n",
                self.site_id(index),
            );
        }
        table
    }
}

/// What an independent decoder makes of a greyscale image.
pub(super) fn decoded(path: &Path) -> Vec<u16> {
    match image::open(path).unwrap() {
        image::DynamicImage::ImageLuma8(image) => image.iter().map(|&v| v.into()).collect(),
        image::DynamicImage::ImageLuma16(image) => image.into_raw(),
        other => panic!("{} is {:?}", path.display(), other.color()),
    }
}

/// A pattern that tells planes, rows and columns apart and has some pixels at
/// both ends of the range.
fn sample(site: usize, channel: u16, y: u32, x: u32) -> u16 {
    let mixed = (site as u32 * 7919)
        .wrapping_add(u32::from(channel) * 104_729)
        .wrapping_add(y * 257 + x * 31)
        .wrapping_mul(2_654_435_761);
    match (y, x) {
        (0, 0) => u16::MAX,
        (1, 1) => 0,
        _ => (mixed >> 16) as u16,
    }
}
