//! Files of an input that are neither images nor tables, counted for messages.

use std::collections::BTreeMap;
use std::fmt;

/// Most kinds that are told apart.
const KINDS_AT_MOST: usize = 64;
/// Kinds that a message names.
const KINDS_SHOWN: usize = 4;
/// Ends of names with two dots that are one kind.
const DOUBLE: [&str; 4] = [".tar.gz", ".tar.bz2", ".tar.xz", ".tar.zst"];

/// Files by the end of their name. Shown as `3 .tgz files (such as a/b.tgz)`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct OtherFiles(BTreeMap<String, (usize, String)>);

impl OtherFiles {
    /// Counts a file.
    pub(super) fn add(&mut self, path: &str) {
        let name = path.rsplit('/').next().unwrap_or(path).to_ascii_lowercase();
        let double = DOUBLE.iter().find(|end| name.ends_with(**end));
        let single = name.rfind('.').filter(|dot| *dot > 0);
        let end = match (double, single.and_then(|dot| name.get(dot..))) {
            (Some(double), _) => *double,
            (None, Some(end)) => end,
            (None, None) => return,
        };
        if let Some((count, _)) = self.0.get_mut(end) {
            *count += 1;
        } else if self.0.len() < KINDS_AT_MOST {
            self.0.insert(end.to_owned(), (1, path.to_owned()));
        }
    }

    /// Adds the files that another one counts.
    pub(super) fn extend(&mut self, more: Self) {
        for (end, (count, example)) in more.0 {
            self.0.entry(end).or_insert((0, example)).0 += count;
        }
    }

    /// Number and example of the files with one of these ends of their name.
    pub fn count(&self, ends: &[&str]) -> Option<(usize, &str)> {
        let found = ends.iter().filter_map(|end| self.0.get(*end));
        let mut found = found.map(|(count, example)| (*count, example.as_str()));
        let first = found.next()?;
        Some(found.fold(first, |(sum, example), (count, _)| (sum + count, example)))
    }

    /// Whether nothing was counted.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl fmt::Display for OtherFiles {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut kinds: Vec<_> = self.0.iter().collect();
        kinds.sort_by_key(|(_, (count, _))| std::cmp::Reverse(*count));
        for (number, (end, (count, example))) in kinds.iter().take(KINDS_SHOWN).enumerate() {
            let comma = if number == 0 { "" } else { ", " };
            let s = if *count == 1 { "" } else { "s" };
            write!(f, "{comma}{count} {end} file{s} (such as {example})")?;
        }
        Ok(())
    }
}
