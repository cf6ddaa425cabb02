//! The findings of a verification: their number and the first examples.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;
use std::sync::{Mutex, PoisonError};

use serde::Serialize;

/// Examples kept of each object.
const EXAMPLES: usize = 20;

/// The kind of a finding.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum FindingKind {
    /// The bytes of an object changed since they were written.
    Damaged,
    /// An object or a chunk that was written does not exist.
    Missing,
    /// An object or a chunk exists that was not written.
    Extra,
    /// Two parts of the dataset contradict each other.
    Mismatch,
    /// The dataset differs from what the source would give now.
    UnlikeSource,
}

impl FindingKind {
    /// Returns the name in JSON and in reports.
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

/// Consecutive sites along the first axis.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct SiteSpan {
    /// Position of the first site along the axis, from 0.
    pub site_index: usize,
    /// Number of sites.
    pub count: usize,
    /// `site_id` of the first site; `None` when the table of sites cannot be read.
    pub first: Option<String>,
    /// `site_id` of the last site.
    pub last: Option<String>,
}

/// One fault of a dataset.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Finding {
    /// Key of the object.
    pub object: String,
    /// The sites that the fault touches; `None` for a fault without sites.
    pub sites: Option<SiteSpan>,
    /// The channel, for a fault of one channel.
    pub channel: Option<String>,
    /// The kind of the fault.
    pub kind: FindingKind,
    /// The description for people.
    pub text: String,
}

/// The findings about one object.
#[derive(Clone, Debug, Default, Serialize)]
pub struct ObjectFindings {
    /// Number of findings.
    pub count: usize,
    /// The first few findings, by site.
    pub examples: BTreeSet<Finding>,
}

/// Collects findings from many threads. The result does not depend on their order.
#[derive(Debug, Default)]
pub struct Findings(Mutex<Found>);

/// The collected findings.
#[derive(Clone, Debug, Default)]
pub struct Found {
    /// Number of findings of each kind.
    pub kinds: BTreeMap<FindingKind, usize>,
    /// The findings about each object that has any.
    pub objects: BTreeMap<String, ObjectFindings>,
    sites: Vec<Range<usize>>,
}

impl Findings {
    /// Adds a finding.
    pub fn add(&self, finding: Finding) {
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

    /// Adds a finding about a whole object.
    pub fn object(&self, kind: FindingKind, object: &str, text: impl Into<String>) {
        self.add(Finding {
            object: object.to_owned(),
            sites: None,
            channel: None,
            kind,
            text: text.into(),
        });
    }

    /// Counts findings that are too many to be kept.
    pub fn add_uncounted(&self, kind: FindingKind, count: usize) {
        let mut found = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        *found.kinds.entry(kind).or_default() += count;
    }

    /// Returns whether there is no finding.
    pub fn is_empty(&self) -> bool {
        let found = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        found.kinds.is_empty()
    }

    /// Returns whether there is a finding about `object`.
    pub fn concern(&self, object: &str) -> bool {
        let found = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        found.objects.contains_key(object)
    }

    /// Returns the collected findings.
    pub fn into_found(self) -> Found {
        self.0.into_inner().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Found {
    /// Returns the number of sites that findings touch.
    pub fn sites(&mut self) -> usize {
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
