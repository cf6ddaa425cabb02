//! A store in memory.

use std::collections::BTreeMap;
use std::sync::Mutex;

use crate::store::{Store, StoreError, StoreErrorKind, StoredObject};

/// Objects in memory in the order in which they were put; full after some.
#[derive(Debug)]
pub struct Memory {
    pub objects: Mutex<Vec<(String, Vec<u8>)>>,
    pub room_for: usize,
}

impl Memory {
    /// A store in which every put beyond `room_for` fails.
    pub fn with_room_for(room_for: usize) -> Self {
        Self {
            objects: Mutex::default(),
            room_for,
        }
    }

    pub fn new() -> Self {
        Self::with_room_for(usize::MAX)
    }

    pub fn keys(&self) -> Vec<String> {
        let objects = self.objects.lock().unwrap();
        objects.iter().map(|(key, _)| key.clone()).collect()
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
        // Of an object that was put twice, the later one is there.
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
fn memory_is_a_store() {
    super::conforms(&Memory::new());
}
