//! Overviews, from the images to a reader.

use std::num::NonZeroUsize;

use rxrx_format::keys::{OVERVIEW_METADATA, PLATES, overview_key};
use rxrx_reader::{Dataset, DatasetErrorKind};
use rxrx_storage::Store;

use crate::fixture::{Memory, SIDE};
use crate::tests::verify::{is_clean, sealed};

/// Opens a copy of a dataset of three sites of two channels, in two units.
fn opened(store: &Memory) -> Dataset {
    let copy = Memory::new();
    for object in store.list().unwrap() {
        let bytes = store.get(&object.key).unwrap().unwrap();
        copy.put(&object.key, &[&bytes]).unwrap();
    }
    Dataset::from_store(Box::new(copy), "a dataset").unwrap()
}

const ONE: NonZeroUsize = NonZeroUsize::MIN;

#[test]
fn overviews_are_read_in_any_order() {
    let dataset = opened(&sealed());
    let side = SIDE;
    assert_eq!(dataset.overview_shape(), Some([3, 2, side, side]));
    for threads in [ONE, NonZeroUsize::new(3).unwrap()] {
        let (sites, channels) = ([2, 0, 1, 2], [1, 0, 1]);
        let found = dataset.read_overview(&sites, &channels, threads).unwrap();
        assert_eq!(found.shape(), [4, 3, side, side]);
        let plane = side * side;
        for (place, pixels) in found.bytes().chunks_exact(plane).enumerate() {
            let (site, channel) = (sites[place / 3], channels[place % 3]);
            // Images of at most 64 x 64 pixels are their overviews.
            let expected = dataset.read_plane(site, channel).unwrap();
            assert_eq!(pixels, expected.bytes(), "{site} {channel}");
        }
    }
    let nothing = dataset.read_overview(&[], &[0], ONE).unwrap();
    assert_eq!(nothing.shape(), [0, 1, side, side]);
    for (sites, channels) in [([3], [0]), ([0], [2])] {
        let error = dataset.read_overview(&sites, &channels, ONE).unwrap_err();
        assert_eq!(error.error_kind(), DatasetErrorKind::Usage, "{error}");
    }
}

#[test]
fn damaged_overviews_are_an_error_and_a_finding() {
    let key = overview_key(1);
    let whole = sealed().get(&key).unwrap().unwrap();
    let mut flipped = whole.clone();
    flipped[3] ^= 1;
    for bytes in [Vec::new(), whole[1..].to_vec(), flipped] {
        let store = sealed();
        store.put(&key, &[&bytes]).unwrap();
        assert!(!is_clean(&store));
        let dataset = opened(&store);
        dataset.read_overview(&[0, 1], &[0], ONE).unwrap();
        let error = dataset.read_overview(&[2], &[0], ONE).unwrap_err();
        assert_eq!(error.error_kind(), DatasetErrorKind::Damaged, "{error}");
        assert!(error.to_string().contains(&key), "{error}");
    }
}

#[test]
fn what_belongs_to_overviews_and_plates_is_missed() {
    for key in [OVERVIEW_METADATA, PLATES, &overview_key(0)] {
        let store = sealed();
        store.remove(key).unwrap();
        assert!(!is_clean(&store), "{key}");
    }
}

#[test]
fn plates_are_read() {
    let plates = opened(&sealed()).plates().unwrap();
    let sites: u64 = plates.iter().map(|plate| plate.sites).sum();
    assert_eq!(sites, 3);
    assert!(plates.iter().all(|plate| plate.means.len() == 2));
    assert!(plates.iter().all(|plate| plate.missing + plate.bad == 0));
}
