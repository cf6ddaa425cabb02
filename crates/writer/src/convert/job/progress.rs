//! How fast a job goes.

use std::time::{SystemTime, UNIX_EPOCH};

use crate::journal::ListedUnit;

/// Seconds whose units tell the rate: so many that each worker has stored some.
const WINDOW: u64 = 900;

/// Sites of some units.
pub(super) fn sites_of<'a>(units: impl Iterator<Item = &'a ListedUnit>) -> usize {
    units.map(|unit| unit.stored.unit.sites.len()).sum()
}

/// Sites that all workers together stored a second in the last minutes; `None` if it is too early
/// to tell.
pub(super) fn sites_per_second<'a>(units: impl Iterator<Item = &'a ListedUnit>) -> Option<f64> {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).ok()?.as_secs();
    let stored = units.filter_map(|unit| Some((unit.stored_at?, unit.stored.unit.sites.len())));
    rate(stored.collect(), now)
}

/// Sites a second of units that were stored at those seconds, by clocks that may differ a little.
fn rate(mut units: Vec<(u64, usize)>, now: u64) -> Option<f64> {
    units.retain(|(at, _)| now.saturating_sub(*at) <= WINDOW);
    let first = units.iter().map(|(at, _)| *at).min()?;
    let last = units.iter().map(|(at, _)| *at).max()?;
    // What was stored in the first second was made before it.
    let sites: usize = units
        .iter()
        .filter(|(at, _)| *at > first)
        .map(|(_, sites)| sites)
        .sum();
    let seconds = now.max(last) - first;
    (sites > 0).then(|| sites as f64 / seconds as f64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_rate_is_that_of_the_last_minutes() {
        // 16 sites every 10 seconds, seen 10 seconds after the last ones.
        let steady: Vec<(u64, usize)> = (0..200).map(|number| (number * 10, 16)).collect();
        let rate_at = |units: &[(u64, usize)], now| rate(units.to_vec(), now);
        let found = rate_at(&steady, 2000).unwrap();
        assert!((1.55..1.65).contains(&found), "{found}");
        // A quarter of an hour later nobody knows.
        assert_eq!(rate_at(&steady, 1990 + WINDOW + 1), None);
        // With one second there is no rate, and a clock may be ahead.
        assert_eq!(rate_at(&[(5, 64), (5, 64)], 9), None);
        assert_eq!(rate_at(&[(5, 64), (15, 64)], 7), Some(6.4));
        assert_eq!(rate_at(&[], 7), None);
    }
}
