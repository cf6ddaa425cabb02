//! The numbers of objects, files and folders of a dataset.

use rxrx_format::keys::{self, OBJECTS};
use rxrx_format::label_names;
use rxrx_input::PlannedInput;
use serde::Serialize;

/// Files and folders of a unit: `N/0/0/0` of its shard and of its overviews, and its record in
/// the journal.
const FILES_OF_A_UNIT: u64 = 9;
/// Files and folders of a label: its folder, its metadata, and `c/0`.
const FILES_OF_A_LABEL: u64 = 4;
/// Folders of every dataset and its journal.
const FOLDERS: u64 = 8;

/// The objects of a dataset, and how they lie in folders of a disk.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ObjectNumbers {
    /// Objects of the dataset.
    pub objects: u64,
    /// Files and folders that a disk needs for them and for the journal of the run.
    pub files: u64,
    /// The folder with the most entries, relative to OUTPUT.
    pub largest_folder: String,
    /// Its entries.
    pub largest_folder_entries: u64,
    /// Whether there are so many objects that they are slow to list.
    pub many_objects: bool,
    /// Whether the folder has so many entries that many file systems are slow.
    pub large_folder: bool,
}

/// Objects from which on listing and copying a dataset is slow.
const OBJECTS_AT_MOST: u64 = 100_000;
/// Entries from which on a folder is slow on many file systems.
const ENTRIES_AT_MOST: u64 = 10_000;

impl ObjectNumbers {
    /// Counts the objects of the conversion of `planned`.
    pub fn of(planned: &PlannedInput) -> Self {
        let shards = planned.plan.geometry().shards() as u64;
        let labels = label_names(planned.plan.table().columns()).len() as u64;
        let optional = u64::from(planned.embeddings.is_some());
        let always = OBJECTS.iter().filter(|object| !object.is_optional);
        let group = (format!("{}/", keys::GROUP), labels + 3);
        let shard_folders = (keys::SHARDS.to_owned(), shards);
        let largest = if shards > group.1 {
            shard_folders
        } else {
            group
        };
        let objects = 2 * shards + 2 * labels + always.count() as u64 + optional;
        Self::new(objects, file_count(planned, shards), largest)
    }

    fn new(objects: u64, files: u64, (folder, entries): (String, u64)) -> Self {
        Self {
            objects,
            files,
            largest_folder: folder,
            largest_folder_entries: entries,
            many_objects: objects > OBJECTS_AT_MOST,
            large_folder: entries > ENTRIES_AT_MOST,
        }
    }

    /// Says what will be slow, and what to do about it.
    pub fn warnings(&self) -> Vec<String> {
        const REMEDY: &str = "fewer are made by larger shards (--shard-sites)";
        let mut warnings = Vec::new();
        if self.many_objects {
            let text = "objects are slow to list, copy and remove";
            warnings.push(format!("{} {text}: {REMEDY}", self.objects));
        }
        if self.large_folder {
            let Self {
                largest_folder: folder,
                largest_folder_entries: entries,
                ..
            } = self;
            let text = "in one folder is slow on many file systems, not in an object store";
            warnings.push(format!("{entries} entries {text} ({folder}): {REMEDY}"));
        }
        warnings
    }
}

/// Returns the number of files and folders of a dataset and its journal with so many shards
/// to store.
pub fn file_count(planned: &PlannedInput, shards: u64) -> u64 {
    let labels = label_names(planned.plan.table().columns()).len() as u64;
    FILES_OF_A_UNIT * shards + FILES_OF_A_LABEL * labels + OBJECTS.len() as u64 + FOLDERS
}

#[cfg(test)]
mod tests {
    use super::*;

    fn numbers(objects: u64, entries: u64) -> ObjectNumbers {
        ObjectNumbers::new(objects, 5 * objects, (keys::SHARDS.to_owned(), entries))
    }

    #[test]
    fn many_objects_and_large_folders_are_warned_of() {
        assert!(numbers(100_000, 10_000).warnings().is_empty());
        let folder = numbers(99_999, 10_001).warnings();
        assert_eq!(folder.len(), 1);
        assert!(
            folder[0].starts_with("10001 entries in one folder"),
            "{folder:?}"
        );
        let both = numbers(138_925, 138_882).warnings();
        assert_eq!(both.len(), 2);
        assert!(both[0].starts_with("138925 objects are slow"), "{both:?}");
        assert!(
            both.iter().all(|text| text.contains("--shard-sites")),
            "{both:?}"
        );
    }
}
