//! The choice of the images whose headers are read if there are too many.

use crate::site::{PlaneIndex, SiteKey};

/// Chooses at most `at_most` of the `present` planes, in array order. `keys` are
/// those of all sites; `channels` is the number of channels.
///
/// If there are more planes, the choice takes one of each experiment, plate and
/// channel as far as `at_most` allows, because what was imaged together looks
/// alike. The rest are spread evenly over the other planes.
pub(super) fn choose(
    present: Vec<PlaneIndex>,
    keys: &[SiteKey],
    channels: usize,
    at_most: usize,
) -> Vec<PlaneIndex> {
    if present.len() <= at_most {
        return present;
    }
    let (firsts, others) = split_firsts(present, keys, channels);
    let mut chosen = evenly(&firsts, at_most);
    chosen.extend(evenly(&others, at_most - chosen.len()));
    chosen.sort_unstable();
    chosen
}

/// Separates the first plane of each experiment, plate and channel from the others.
fn split_firsts(
    present: Vec<PlaneIndex>,
    keys: &[SiteKey],
    channels: usize,
) -> (Vec<PlaneIndex>, Vec<PlaneIndex>) {
    let plate = |key: &SiteKey| (key.experiment.clone(), key.plate.clone());
    let mut current = None;
    let mut seen = vec![false; channels];
    present.into_iter().partition(|plane| {
        let here = keys.get(plane.site.0).map(plate);
        if here != current {
            current = here;
            seen.fill(false);
        }
        match seen.get_mut(plane.channel) {
            Some(seen) => !std::mem::replace(seen, true),
            None => false,
        }
    })
}

/// Takes at most `count` of `items` at equal distances.
fn evenly<T: Copy>(items: &[T], count: usize) -> Vec<T> {
    let count = count.min(items.len());
    (0..count)
        .filter_map(|nth| items.get(nth * items.len() / count).copied())
        .collect()
}
