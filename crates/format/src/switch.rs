//! Metadata of a dataset that takes the place of another one.
//!
//! While the objects are exchanged, a *marker* lies in place of the metadata of the root
//! and of each array. It is JSON without `zarr_format`, which no Zarr reader takes for its
//! own. In an object store the metadata that are put afterwards have an attribute `switch`,
//! so that no two datasets under one key have metadata with the same ETag.

use serde_json::{Map, Value, json};

/// The member of a marker, and the attribute of metadata.
const SWITCH: &str = "switch";
/// The member of a marker that names the program.
const PROGRAM: &str = "rxrx2zarr";

/// A switch from one dataset to another, and the process that carries it out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SwitchMark {
    /// Name of the run folder that holds the new dataset.
    pub run: String,
    /// The nonce of the holder of the lock.
    pub holder: String,
}

impl SwitchMark {
    /// Returns the marker.
    pub fn marker(&self) -> Vec<u8> {
        let text = "a dataset is being replaced: run the command that replaces it again";
        let marker = json!({ PROGRAM: text, SWITCH: self.to_json() });
        format!("{marker:#}\n").into_bytes()
    }

    /// Returns whether a document is the marker of any switch.
    pub fn is_marker(document: &Value) -> bool {
        let has = |member| document.get(member).is_some();
        has(PROGRAM) && has(SWITCH) && !has("zarr_format")
    }

    /// Returns the switch that has put these metadata of an array or a group, if any has.
    pub fn of_metadata(metadata: &Value) -> Option<Self> {
        let switch = metadata.pointer("/attributes/switch")?;
        let text = |name| Some(switch.get(name)?.as_str()?.to_owned());
        Some(Self {
            run: text("run")?,
            holder: text("holder")?,
        })
    }

    /// Adds the attribute to the metadata of an array or a group, and to the metadata of
    /// the arrays that a group has with its own.
    pub fn add_to(&self, metadata: &mut Value) {
        set_switch(metadata, Some(&self.to_json()));
    }

    fn to_json(&self) -> Value {
        json!({ "run": self.run, "holder": self.holder })
    }
}

/// Removes the attribute `switch`, wherever [`SwitchMark::add_to`] adds it.
pub fn remove_switch(metadata: &mut Value) {
    set_switch(metadata, None);
}

fn set_switch(metadata: &mut Value, switch: Option<&Value>) {
    if let Some(object) = metadata.as_object_mut() {
        if switch.is_some() {
            object
                .entry("attributes")
                .or_insert_with(|| Map::new().into());
        }
        let attributes = object.get_mut("attributes");
        if let Some(attributes) = attributes.and_then(Value::as_object_mut) {
            match switch {
                Some(switch) => attributes.insert(SWITCH.to_owned(), switch.clone()),
                None => attributes.remove(SWITCH),
            };
        }
    }
    let arrays = metadata.pointer_mut("/consolidated_metadata/metadata");
    for array in arrays.and_then(Value::as_object_mut).into_iter().flatten() {
        set_switch(array.1, switch);
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn group() -> Value {
        json!({
            "zarr_format": 3,
            "attributes": { "generator": "rxrx2zarr 1.0" },
            "consolidated_metadata": { "metadata": {
                "images": { "zarr_format": 3, "attributes": {} },
            } },
        })
    }

    fn mark() -> SwitchMark {
        SwitchMark {
            run: "run-1".to_owned(),
            holder: "2".to_owned(),
        }
    }

    #[test]
    fn the_attribute_is_added_to_a_group_and_its_arrays_and_removed() {
        let mut switched = group();
        mark().add_to(&mut switched);
        assert_eq!(SwitchMark::of_metadata(&switched), Some(mark()));
        let array = &switched["consolidated_metadata"]["metadata"]["images"];
        assert_eq!(SwitchMark::of_metadata(array), Some(mark()));
        remove_switch(&mut switched);
        assert_eq!(switched, group());
        assert_eq!(SwitchMark::of_metadata(&switched), None);
    }

    #[test]
    fn a_marker_is_no_zarr_metadata_and_each_holder_has_another() {
        let parse =
            |mark: &SwitchMark| -> Value { serde_json::from_slice(&mark.marker()).unwrap() };
        let marker = parse(&mark());
        assert!(SwitchMark::is_marker(&marker) && marker.get("zarr_format").is_none());
        assert!(!SwitchMark::is_marker(&group()));
        let other = SwitchMark {
            holder: "3".to_owned(),
            ..mark()
        };
        assert_ne!(parse(&other), marker);
    }
}
