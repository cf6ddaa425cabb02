//! Findings about a shard, its chunks and its planes.

use std::ops::Range;

use rxrx_format::{ChunkAddress, Root};
use rxrx_reader::consistency::{Finding, FindingKind, Findings, Tables};

use super::overview::OverviewFindings;

/// Reports findings about one shard of a dataset whose root is known.
pub(super) struct ShardFindings<'a> {
    pub(super) findings: &'a Findings,
    pub(super) root: &'a Root,
    pub(super) tables: &'a Tables,
    /// Key of the shard.
    pub(super) key: &'a str,
}

impl<'a> ShardFindings<'a> {
    /// Returns where findings about the overviews are reported.
    pub(super) fn of_overviews(&self) -> OverviewFindings<'a> {
        OverviewFindings {
            findings: self.findings,
            root: self.root,
            tables: self.tables,
        }
    }
}

impl ShardFindings<'_> {
    /// Reports a finding that touches all sites of the shard.
    pub(super) fn shard(&self, kind: FindingKind, text: String) {
        let shard = self.root.shard(self.key);
        let sites = shard.map(|shard| self.root.geometry.unit(shard).sites);
        self.add(sites, None, kind, text);
    }

    /// Reports a finding that touches the sites of a chunk, and its channel where
    /// it has only one.
    pub(super) fn chunk(&self, address: &ChunkAddress, kind: FindingKind, text: String) {
        let channel = (address.channels.len() == 1).then_some(address.channels.start);
        self.add(Some(address.sites.clone()), channel, kind, text);
    }

    /// Reports a finding that touches one site.
    pub(super) fn site(&self, site: usize, kind: FindingKind, text: String) {
        self.add(Some(site..site + 1), None, kind, text);
    }

    /// Reports a finding that touches one plane.
    pub(super) fn plane(&self, (site, channel): (usize, usize), kind: FindingKind, text: String) {
        self.add(Some(site..site + 1), Some(channel), kind, text);
    }

    fn add(
        &self,
        sites: Option<Range<usize>>,
        channel: Option<usize>,
        kind: FindingKind,
        text: String,
    ) {
        self.findings.add(Finding {
            object: self.key.to_owned(),
            sites: sites.map(|sites| self.tables.span(sites)),
            channel: channel.and_then(|channel| self.root.channels.get(channel).cloned()),
            kind,
            text,
        });
    }
}
