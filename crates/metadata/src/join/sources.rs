//! Where the image of each plane lies, in few bytes.

use std::collections::HashMap;
use std::fmt::Write;
use std::num::NonZeroU32;

use crate::path::IMAGE_EXTENSION;
use crate::{Channel, SiteKey};

/// Paths of images. Of one that is named as its plane is usually spelled, only
/// the folder is kept, once for all images in it; whole paths would be most of
/// what a conversion holds in memory from its first site to its last.
#[derive(Clone, Debug, Default)]
pub(super) struct Sources {
    /// For each plane the number of its name, from 1; `None` where there is no
    /// image.
    slots: Vec<Option<NonZeroU32>>,
    /// Distinct folders of images that are named as usual, each ending in `/` but
    /// for the root, which is empty; whole paths of the others.
    names: Vec<Box<str>>,
}

impl Sources {
    /// Number of planes, with or without an image.
    pub(super) fn len(&self) -> usize {
        self.slots.len()
    }

    /// Whether the plane at `slot` has an image.
    pub(super) fn has(&self, slot: usize) -> bool {
        self.slots.get(slot).is_some_and(Option::is_some)
    }

    /// The slots of the planes that have an image, ascending.
    pub(super) fn present(&self) -> impl Iterator<Item = usize> {
        (0..self.len()).filter(|&slot| self.has(slot))
    }

    /// Path of the plane at `slot`, which is that of `key` and `channel`.
    pub(super) fn path(&self, slot: usize, key: &SiteKey, channel: Channel) -> Option<String> {
        let mut path = self.name((*self.slots.get(slot)?)?)?.to_owned();
        if path.is_empty() || path.ends_with('/') {
            write_usual_name(&mut path, key, channel);
        }
        Some(path)
    }

    fn name(&self, number: NonZeroU32) -> Option<&str> {
        self.names.get(number.get() as usize - 1).map(AsRef::as_ref)
    }

    /// Notes a name, and returns its number.
    fn add(&mut self, name: Box<str>) -> Option<NonZeroU32> {
        self.names.push(name);
        // There are fewer than `PLANES_AT_MOST`.
        u32::try_from(self.names.len())
            .ok()
            .and_then(NonZeroU32::new)
    }
}

/// Never fails: a `String` takes all that is written to it.
fn write_usual_name(to: &mut String, key: &SiteKey, channel: Channel) {
    let SiteKey { well, site, .. } = key;
    let _ = write!(to, "{well}_s{site}_{channel}{IMAGE_EXTENSION}");
}

/// Takes in paths one by one; quickest where those of a folder follow each other.
#[derive(Default)]
pub(super) struct SourcesBuilder {
    sources: Sources,
    folders: HashMap<Box<str>, NonZeroU32>,
    last_folder: Option<NonZeroU32>,
    usual: String,
}

impl SourcesBuilder {
    /// No image of any of `planes`.
    pub(super) fn new(planes: usize) -> Self {
        Self {
            sources: Sources {
                slots: vec![None; planes],
                ..Sources::default()
            },
            ..Self::default()
        }
    }

    /// Notes the path of the plane at `slot`; gives it back where there is one
    /// already, or no such plane.
    pub(super) fn insert(
        &mut self,
        slot: usize,
        path: Box<str>,
        key: &SiteKey,
        channel: Channel,
    ) -> Result<(), Box<str>> {
        if self.sources.slots.get(slot) != Some(&None) {
            return Err(path);
        }
        let name_at = path.rfind('/').map_or(0, |slash| slash + 1);
        let (folder, name) = path.split_at(name_at);
        self.usual.clear();
        write_usual_name(&mut self.usual, key, channel);
        let found = if name == self.usual {
            self.folder(folder)
        } else {
            self.sources.add(path)
        };
        if let Some(slot) = self.sources.slots.get_mut(slot) {
            *slot = found;
        }
        Ok(())
    }

    pub(super) fn finish(self) -> Sources {
        self.sources
    }

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
