//! Which images to look into when not all can be.

use crate::{Join, SiteKey};

/// A plane's position in the array, channels running fastest, and its path.
type Present<'a> = (usize, &'a str);

impl Join {
    /// Paths of at most `at_most` images, in array order, for a survey of
    /// their headers.
    ///
    /// All of them if they are that few. Otherwise one of each experiment,
    /// plate and channel as far as `at_most` allows, because what was imaged
    /// together looks alike; the rest spread evenly over the others.
    pub fn sample_sources(&self, at_most: usize) -> Vec<&str> {
        let present: Vec<Present<'_>> = self
            .sources
            .iter()
            .enumerate()
            .filter_map(|(slot, source)| Some((slot, source.as_deref()?)))
            .collect();
        if present.len() <= at_most {
            return present.into_iter().map(|(_, path)| path).collect();
        }
        let (firsts, others) = self.split_firsts(present);
        let mut sample = evenly(&firsts, at_most);
        sample.extend(evenly(&others, at_most - sample.len()));
        sample.sort_unstable();
        sample.into_iter().map(|(_, path)| path).collect()
    }

    /// The first plane of each experiment, plate and channel; then the others.
    fn split_firsts<'a>(&self, present: Vec<Present<'a>>) -> (Vec<Present<'a>>, Vec<Present<'a>>) {
        let channels = self.channels.len();
        let plate = |key: &SiteKey| (key.experiment.clone(), key.plate);
        let mut current = None;
        let mut seen = vec![false; channels];
        present.into_iter().partition(|(slot, _)| {
            let here = self.table.keys().get(slot / channels).map(plate);
            if here != current {
                current = here;
                seen.fill(false);
            }
            match seen.get_mut(slot % channels) {
                Some(seen) => !std::mem::replace(seen, true),
                None => false,
            }
        })
    }
}

/// At most `count` of `items`, as far apart as can be.
fn evenly<T: Copy>(items: &[T], count: usize) -> Vec<T> {
    let count = count.min(items.len());
    (0..count)
        .filter_map(|nth| items.get(nth * items.len() / count).copied())
        .collect()
}
