//! Which images to look into when not all can be.

use crate::{Join, SiteIndex, SiteKey};

impl Join {
    /// Paths of at most `at_most` images, in array order, for a survey of
    /// their headers.
    ///
    /// All of them if they are that few. Otherwise one of each experiment,
    /// plate and channel as far as `at_most` allows, because what was imaged
    /// together looks alike; the rest spread evenly over the others.
    pub fn sample_sources(&self, at_most: usize) -> Vec<String> {
        let mut sample: Vec<usize> = self.sources.present().collect();
        if sample.len() > at_most {
            let (firsts, others) = self.split_firsts(sample);
            sample = evenly(&firsts, at_most);
            sample.extend(evenly(&others, at_most - sample.len()));
            sample.sort_unstable();
        }
        let channels = self.channels.len();
        let path = |slot| self.source(SiteIndex(slot / channels), slot % channels);
        sample.into_iter().filter_map(path).collect()
    }

    /// The first plane of each experiment, plate and channel; then the others:
    /// positions in the array, channels running fastest.
    fn split_firsts(&self, present: Vec<usize>) -> (Vec<usize>, Vec<usize>) {
        let channels = self.channels.len();
        let plate = |key: &SiteKey| (key.experiment.clone(), key.plate);
        let mut current = None;
        let mut seen = vec![false; channels];
        present.into_iter().partition(|slot| {
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
