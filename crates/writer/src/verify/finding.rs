//! What is wrong with a dataset, counted, and with the first examples.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;
use std::sync::{Mutex, PoisonError};

use serde::Serialize;

/// Examples kept of each object.
const EXAMPLES: usize = 20;

/// In what way something is wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum FindingKind {
    /// The bytes are not those that were written.
    Damaged,
    /// Something that was written is not there.
    Missing,
    /// Something is there that was not written.
    Extra,
    /// Two parts of the dataset contradict each other.
    Mismatch,
    /// The dataset is not what the source would give now.
    UnlikeSource,
}

impl FindingKind {
    /// The word in JSON and in reports.
    pub fn name(self) -> &'static str {
        match self {
            Self::Damaged => "damaged",
            Self::Missing => "missing",
            Self::Extra => "extra",
            Self::Mismatch => "mismatch",
            Self::UnlikeSource => "unlike-source",
        }
    }
}

/// Sites that stand one behind the other along the first axis.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct SiteSpan {
    /// Position of the first along the axis, from 0.
    pub site_index: usize,
    /// How many there are.
    pub count: usize,
    /// `site_id` of the first; `None` when the tables do not tell.
    pub first: Option<String>,
    /// `site_id` of the last.
    pub last: Option<String>,
}

/// One thing that is wrong.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Finding {
    /// Key of the object.
    pub object: String,
    /// The sites that it touches; `None` where it is not about sites.
    pub sites: Option<SiteSpan>,
    /// The channel, where it is about one.
    pub channel: Option<String>,
    /// In what way it is wrong.
    pub kind: FindingKind,
    /// What is wrong, for people.
    pub text: String,
}

/// All that is wrong with one object.
#[derive(Clone, Debug, Default, Serialize)]
pub struct ObjectFindings {
    /// How many findings there are.
    pub count: usize,
    /// The first few of them, by site.
    pub examples: BTreeSet<Finding>,
}

/// Findings as they come, from many threads. Their order of arrival does not
/// show in what is kept.
#[derive(Debug, Default)]
pub(super) struct Findings(Mutex<Found>);

/// Everything found.
#[derive(Clone, Debug, Default)]
pub(super) struct Found {
    pub(super) kinds: BTreeMap<FindingKind, usize>,
    pub(super) objects: BTreeMap<String, ObjectFindings>,
    sites: Vec<Range<usize>>,
}

impl Findings {
    pub(super) fn add(&self, finding: Finding) {
        let mut found = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        *found.kinds.entry(finding.kind).or_default() += 1;
        if let Some(span) = &finding.sites {
            let sites = span.site_index..span.site_index.saturating_add(span.count);
            if found.sites.last() != Some(&sites) {
                found.sites.push(sites);
            }
        }
        let object = found.objects.entry(finding.object.clone()).or_default();
        object.count += 1;
        object.examples.insert(finding);
        if object.examples.len() > EXAMPLES {
            object.examples.pop_last();
        }
    }

    /// Something about a whole object.
    pub(super) fn object(&self, kind: FindingKind, object: &str, text: impl Into<String>) {
        self.add(Finding {
            object: object.to_owned(),
            sites: None,
            channel: None,
            kind,
            text: text.into(),
        });
    }

    /// `count` findings more that are too many to spell out.
    pub(super) fn add_uncounted(&self, kind: FindingKind, count: usize) {
        let mut found = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        *found.kinds.entry(kind).or_default() += count;
    }

    /// Whether something is known of `object`.
    pub(super) fn concern(&self, object: &str) -> bool {
        let found = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        found.objects.contains_key(object)
    }

    pub(super) fn into_found(self) -> Found {
        self.0.into_inner().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Found {
    /// How many sites any finding touches.
    pub(super) fn sites(&mut self) -> usize {
        self.sites
            .sort_unstable_by_key(|sites| (sites.start, sites.end));
        let mut counted = 0;
        let mut end = 0;
        for sites in &self.sites {
            counted += sites.end.saturating_sub(sites.start.max(end));
            end = end.max(sites.end);
        }
        counted
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn finding(site_index: usize, count: usize) -> Finding {
        Finding {
            object: "a".to_owned(),
            sites: Some(SiteSpan {
                site_index,
                count,
                first: None,
                last: None,
            }),
            channel: None,
            kind: FindingKind::Damaged,
            text: format!("{site_index}"),
        }
    }

    #[test]
    fn each_site_is_counted_once() {
        let findings = Findings::default();
        for (site, count) in [(4, 3), (0, 1), (5, 4), (0, 1), (20, 2), (6, 1)] {
            findings.add(finding(site, count));
        }
        let mut found = findings.into_found();
        assert_eq!(found.sites(), 1 + 5 + 2);
        assert_eq!(found.kinds[&FindingKind::Damaged], 6);
    }

    #[test]
    fn counts_are_exact_and_examples_the_first_by_site() {
        let findings = Findings::default();
        for site in (0..100).rev() {
            findings.add(finding(site, 1));
        }
        let found = findings.into_found();
        let object = &found.objects["a"];
        assert_eq!((object.count, object.examples.len()), (100, EXAMPLES));
        assert_eq!(object.examples.last().unwrap().text, "19");
    }
}
