//! Where the image of each plane lies, in few bytes.

use std::collections::HashMap;
use std::fmt::Write;

use crate::path::IMAGE_EXTENSION;
use crate::{Channel, SiteKey};

/// Paths of images. Of one that is named as its plane is usually spelled, only
/// the folder is kept, once for all images in it; whole paths would be most of
/// what a conversion holds in memory from its first site to its last.
#[derive(Clone, Debug, Default)]
pub(super) struct Sources {
    slots: Vec<Slot>,
    /// Distinct; each ends in `/`, but for the root, which is empty.
    folders: Vec<Box<str>>,
    /// Whole paths of the images that are named otherwise.
    others: Vec<Box<str>>,
}

#[derive(Clone, Copy, Debug)]
enum Slot {
    Absent,
    /// In that of the folders.
    Usual(u32),
    /// That of the others.
    Other(u32),
}

impl Sources {
    /// Number of planes, with or without an image.
    pub(super) fn len(&self) -> usize {
        self.slots.len()
    }

    /// Whether the plane at `slot` has an image.
    pub(super) fn has(&self, slot: usize) -> bool {
        !matches!(self.slots.get(slot), Some(Slot::Absent) | None)
    }

    /// The slots of the planes that have an image, ascending.
    pub(super) fn present(&self) -> impl Iterator<Item = usize> {
        (0..self.len()).filter(|&slot| self.has(slot))
    }

    /// Path of the plane at `slot`, which is that of `key` and `channel`.
    pub(super) fn path(&self, slot: usize, key: &SiteKey, channel: Channel) -> Option<String> {
        match *self.slots.get(slot)? {
            Slot::Absent => None,
            Slot::Usual(folder) => {
                let mut path = self.folders.get(folder as usize)?.to_string();
                write_usual_name(&mut path, key, channel);
                Some(path)
            }
            Slot::Other(number) => Some(self.others.get(number as usize)?.to_string()),
        }
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
    numbers: HashMap<Box<str>, u32>,
    last_folder: Option<u32>,
    usual: String,
}

impl SourcesBuilder {
    /// No image of any of `planes`.
    pub(super) fn new(planes: usize) -> Self {
        Self {
            sources: Sources {
                slots: vec![Slot::Absent; planes],
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
        if !matches!(self.sources.slots.get(slot), Some(Slot::Absent)) {
            return Err(path);
        }
        let name_at = path.rfind('/').map_or(0, |slash| slash + 1);
        let (folder, name) = path.split_at(name_at);
        self.usual.clear();
        write_usual_name(&mut self.usual, key, channel);
        let found = if name == self.usual {
            Slot::Usual(self.folder(folder))
        } else {
            let number = number_of(&self.sources.others);
            self.sources.others.push(path);
            Slot::Other(number)
        };
        if let Some(slot) = self.sources.slots.get_mut(slot) {
            *slot = found;
        }
        Ok(())
    }

    pub(super) fn finish(self) -> Sources {
        self.sources
    }

    fn folder(&mut self, folder: &str) -> u32 {
        let known = |number: u32| self.sources.folders.get(number as usize);
        if let Some(last) = self.last_folder
            && known(last).is_some_and(|known| **known == *folder)
        {
            return last;
        }
        let number = match self.numbers.get(folder) {
            Some(&number) => number,
            None => {
                let number = number_of(&self.sources.folders);
                self.sources.folders.push(folder.into());
                self.numbers.insert(folder.into(), number);
                number
            }
        };
        self.last_folder = Some(number);
        number
    }
}

/// The number of the next of `paths`: there are fewer than
/// [`PLANES_AT_MOST`](super::PLANES_AT_MOST).
fn number_of(paths: &[Box<str>]) -> u32 {
    u32::try_from(paths.len()).unwrap_or(u32::MAX)
}
