//! A store in memory.

use std::collections::BTreeMap;
use std::sync::Mutex;

use crate::store::{Store, StoreError, StoreErrorKind, StoredObject};

/// A store in memory, which keeps the order of puts and may become full.
#[derive(Debug)]
pub struct Memory {
    /// Key and bytes of each put, in the order of the puts.
    pub objects: Mutex<Vec<(String, Vec<u8>)>>,
    /// The number of puts that fit.
    pub room_for: usize,
}

impl Memory {
    /// Makes a store in which every put beyond `room_for` fails.
    pub fn with_room_for(room_for: usize) -> Self {
        Self {
            objects: Mutex::default(),
            room_for,
        }
    }

    /// Makes a store that is never full.
    pub fn new() -> Self {
        Self::with_room_for(usize::MAX)
    }

    /// Returns the key of each put, in the order of the puts.
    pub fn keys(&self) -> Vec<String> {
        let objects = self.objects.lock().unwrap();
        objects.iter().map(|(key, _)| key.clone()).collect()
    }
}

impl Default for Memory {
    fn default() -> Self {
        Self::new()
    }
}

impl Store for Memory {
    fn put(&self, key: &str, parts: &[&[u8]]) -> Result<(), StoreError> {
        let mut objects = self.objects.lock().unwrap();
        if objects.len() == self.room_for {
            let (kind, text) = (StoreErrorKind::Other, "the store is full");
            return Err(StoreError::new("write", key, kind, text));
        }
        objects.push((key.to_owned(), parts.concat()));
        Ok(())
    }

    fn get(&self, key: &str) -> Result<Option<Vec<u8>>, StoreError> {
        let objects = self.objects.lock().unwrap();
        let object = objects.iter().rfind(|(known, _)| known == key);
        Ok(object.map(|(_, bytes)| bytes.clone()))
    }

    fn remove(&self, key: &str) -> Result<(), StoreError> {
        self.objects
            .lock()
            .unwrap()
            .retain(|(known, _)| known != key);
        Ok(())
    }

    fn list(&self) -> Result<Vec<StoredObject>, StoreError> {
        let objects = self.objects.lock().unwrap();
        // A later put of the same key replaces the size of an earlier one.
        let sizes = objects.iter().map(|(key, bytes)| (key, bytes.len()));
        let list = BTreeMap::from_iter(sizes).into_iter();
        Ok(list
            .map(|(key, size)| StoredObject {
                key: key.clone(),
                size: size as u64,
            })
            .collect())
    }
}

#[test]
fn memory_conforms() {
    let memory = Memory::new();
    super::conforms(&memory, &memory);
}
