//! Paths of the images of an array, stored in few bytes.

use std::collections::HashMap;
use std::fmt::Write;
use std::num::NonZeroU32;

use crate::path::image_extension;
use crate::site::{Channel, PlaneIndex, SiteIndex, SiteKey};

/// The image of each plane of an array.
///
/// If an image has the usual name of its plane, only its folder is stored, once
/// for all images in it. Whole paths would take most of the memory of a conversion,
/// from its first site to its last.
#[derive(Clone, Debug, Default)]
pub(crate) struct PlaneSources {
    /// The second axis of the array.
    channels: Vec<Channel>,
    /// End of the usual names, such as `.png`: that of the first image.
    extension: &'static str,
    /// For each plane the number of its name, from 1; `None` if it has no image.
    /// Shape (site, channel).
    slots: Vec<Option<NonZeroU32>>,
    /// Distinct folders of images with usual names, each ending in `/` except for
    /// the root, which is empty; whole paths of the other images.
    names: Vec<Box<str>>,
}

impl PlaneSources {
    /// The channels of the array, ascending.
    pub(crate) fn channels(&self) -> &[Channel] {
        &self.channels
    }

    /// Number of planes that have an image.
    pub(crate) fn present(&self) -> usize {
        self.slots.iter().flatten().count()
    }

    /// Number of planes that have no image.
    pub(crate) fn missing(&self) -> usize {
        self.slots.len() - self.present()
    }

    /// Whether a plane has an image.
    pub(super) fn has(&self, plane: PlaneIndex) -> bool {
        self.number(plane).is_some()
    }

    /// Iterates over the planes that have an image, in array order.
    pub(super) fn present_planes(&self) -> impl Iterator<Item = PlaneIndex> {
        let channels = self.channels.len();
        let present = self
            .slots
            .iter()
            .enumerate()
            .filter(|(_, name)| name.is_some());
        present.map(move |(slot, _)| PlaneIndex {
            site: SiteIndex(slot / channels),
            channel: slot % channels,
        })
    }

    /// Path of the image of a plane; `None` if there is no image or no such plane.
    /// `keys` are those of all sites.
    pub(crate) fn path(&self, keys: &[SiteKey], plane: PlaneIndex) -> Option<String> {
        let mut path = self.name(self.number(plane)?)?.to_owned();
        if path.is_empty() || path.ends_with('/') {
            let channel = *self.channels.get(plane.channel)?;
            let key = keys.get(plane.site.0)?;
            write_usual_name(&mut path, key, channel, self.extension);
        }
        Some(path)
    }

    /// Position of a plane in `slots`; `None` if there is no such channel.
    fn slot(&self, plane: PlaneIndex) -> Option<usize> {
        let channels = self.channels.len();
        if plane.channel >= channels {
            return None;
        }
        plane
            .site
            .0
            .checked_mul(channels)?
            .checked_add(plane.channel)
    }

    /// Number of the name of a plane's image.
    fn number(&self, plane: PlaneIndex) -> Option<NonZeroU32> {
        *self.slots.get(self.slot(plane)?)?
    }

    fn name(&self, number: NonZeroU32) -> Option<&str> {
        self.names.get(number.get() as usize - 1).map(AsRef::as_ref)
    }

    /// Stores a name and returns its number.
    fn add(&mut self, name: Box<str>) -> Option<NonZeroU32> {
        self.names.push(name);
        // There are at most as many names as planes, and `PLANES_AT_MOST` fits.
        u32::try_from(self.names.len())
            .ok()
            .and_then(NonZeroU32::new)
    }
}

/// Appends the usual name of an image. Writing to a `String` never fails.
fn write_usual_name(to: &mut String, key: &SiteKey, channel: Channel, extension: &str) {
    let SiteKey { well, site, .. } = key;
    let _ = write!(to, "{well}_s{site}_{channel}{extension}");
}

/// Collects paths one by one. It is fastest if the images of a folder follow each
/// other.
#[derive(Default)]
pub(crate) struct SourcesBuilder {
    sources: PlaneSources,
    folders: HashMap<Box<str>, NonZeroU32>,
    last_folder: Option<NonZeroU32>,
    usual: String,
}

impl SourcesBuilder {
    /// Begins an array without images. The product of `sites` and the number of
    /// `channels` must not overflow.
    pub(crate) fn new(sites: usize, channels: Vec<Channel>) -> Self {
        Self {
            sources: PlaneSources {
                slots: vec![None; sites * channels.len()],
                channels,
                ..PlaneSources::default()
            },
            ..Self::default()
        }
    }

    /// Adds sites without images.
    pub(crate) fn add_sites(&mut self, sites: usize) {
        let slots = self.sources.slots.len() + sites * self.sources.channels.len();
        self.sources.slots.resize(slots, None);
    }

    /// Adds the image of a plane. Returns its path if the plane has an image
    /// already, or does not exist.
    pub(crate) fn insert(
        &mut self,
        plane: PlaneIndex,
        path: Box<str>,
        key: &SiteKey,
        channel: Channel,
    ) -> Result<(), Box<str>> {
        let slot = self.sources.slot(plane);
        let is_free = |slot: &usize| self.sources.slots.get(*slot) == Some(&None);
        let Some(slot) = slot.filter(is_free) else {
            return Err(path);
        };
        let name_at = path.rfind('/').map_or(0, |slash| slash + 1);
        let (folder, name) = path.split_at(name_at);
        if self.sources.extension.is_empty() {
            self.sources.extension = image_extension(name).unwrap_or_default();
        }
        self.usual.clear();
        write_usual_name(&mut self.usual, key, channel, self.sources.extension);
        let number = if name == self.usual {
            self.folder(folder)
        } else {
            self.sources.add(path)
        };
        if let Some(slot) = self.sources.slots.get_mut(slot) {
            *slot = number;
        }
        Ok(())
    }

    /// Ends the collection.
    pub(crate) fn finish(self) -> PlaneSources {
        self.sources
    }

    /// Number of a folder, which is stored if it is new.
    fn folder(&mut self, folder: &str) -> Option<NonZeroU32> {
        let last = self.last_folder.and_then(|last| self.sources.name(last));
        if last != Some(folder) {
            self.last_folder = match self.folders.get(folder) {
                Some(&number) => Some(number),
                None => {
                    let number = self.sources.add(folder.into())?;
                    self.folders.insert(folder.into(), number);
                    Some(number)
                }
            };
        }
        self.last_folder
    }
}
