//! Images for tests.

use std::collections::BTreeMap;
use std::io::{self, Cursor};

use image::{GrayImage, ImageFormat, Luma};
use rxrx_metadata::testing::SIDE;
pub use rxrx_metadata::testing::image_path;

use crate::read_error::ReadError;
use crate::source::{Source, SourceStamp};

/// Encodes a PNG whose pixels are all `grey`.
///
/// # Panics
/// The encoder refuses the size.
#[allow(clippy::expect_used, reason = "tests may panic")]
pub fn png(height: usize, width: usize, grey: u8) -> Vec<u8> {
    let image = GrayImage::from_pixel(width as u32, height as u32, Luma([grey]));
    let mut bytes = Cursor::new(Vec::new());
    image
        .write_to(&mut bytes, ImageFormat::Png)
        .expect("memory takes all bytes");
    bytes.into_inner()
}

/// Image files in memory.
#[derive(Clone, Debug, Default)]
pub struct Images(pub BTreeMap<String, Vec<u8>>);

impl Images {
    /// An image for each plane of `rxrx_metadata::testing::plan`. The value of all
    /// pixels is the number of the site.
    pub fn of(sites: usize, channels: usize) -> Self {
        let planes = (0..sites).flat_map(|site| (0..channels).map(move |c| (site, c)));
        Self(
            planes
                .map(|(site, channel)| (image_path(site, channel), png(SIDE, SIDE, site as u8)))
                .collect(),
        )
    }

    fn file(&self, path: &str) -> Result<&Vec<u8>, io::Error> {
        let file = self.0.get(path);
        file.ok_or_else(|| io::ErrorKind::NotFound.into())
    }
}

impl Source for Images {
    fn read(
        &self,
        path: &str,
        at_most: usize,
        bytes: &mut Vec<u8>,
    ) -> Result<SourceStamp, ReadError> {
        let file = self.file(path)?;
        bytes.clear();
        bytes.extend(file.iter().take(at_most));
        self.stamp(path)
    }

    fn stamp(&self, path: &str) -> Result<SourceStamp, ReadError> {
        let file = self.file(path)?;
        Ok(SourceStamp {
            bytes: file.len() as u64,
            version: None,
        })
    }
}
