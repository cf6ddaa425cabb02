//! Units whose records are one object.

use std::ops::Range;

use rxrx_metadata::Unit;

/// The folder of the blocks.
pub(super) const MERGED: &str = "merged/";
/// Sites whose records are in one block, two kilobytes each, unless a single unit has more.
const SITES: usize = 1024;

/// Units that follow each other and whose records are one object.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Block {
    first: usize,
    end: usize,
}

impl Block {
    /// Cuts the units of a part, which follow each other, into blocks. Each but the last unit has
    /// `unit_sites` sites.
    pub(crate) fn of(units: &[Unit], unit_sites: usize) -> Vec<Self> {
        let blocks = units.chunks((SITES / unit_sites.max(1)).max(1));
        let block = |units: &[Unit]| {
            Some(Self {
                first: units.first()?.shard,
                end: units.last()?.shard + 1,
            })
        };
        blocks.filter_map(block).collect()
    }

    /// Shards of its units.
    pub(crate) fn shards(&self) -> Range<usize> {
        self.first..self.end
    }

    pub(super) fn records_key(&self) -> String {
        format!("{}.zst", self.list_key())
    }

    pub(super) fn list_key(&self) -> String {
        format!("{MERGED}{}-{}.json", self.first, self.end)
    }

    /// The block whose list has that key, if it is one.
    pub(super) fn of_list(key: &str) -> Option<Self> {
        let name = key.strip_prefix(MERGED)?.strip_suffix(".json")?;
        let (first, end) = name.split_once('-')?;
        let (first, end) = (first.parse().ok()?, end.parse().ok()?);
        (first < end).then_some(Self { first, end })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blocks_have_a_thousand_sites_and_do_not_cross_parts() {
        let units: Vec<Unit> = (3..8)
            .map(|shard| Unit {
                shard,
                sites: shard * 512..shard * 512 + 512,
            })
            .collect();
        let blocks = Block::of(&units, 512);
        let shards: Vec<Range<usize>> = blocks.iter().map(Block::shards).collect();
        assert_eq!(shards, [3..5, 5..7, 7..8]);
        assert_eq!(Block::of(&units, 5000).len(), 5);
        for block in &blocks {
            assert_eq!(Block::of_list(&block.list_key()).as_ref(), Some(block));
            assert_eq!(Block::of_list(&block.records_key()), None);
        }
        assert_eq!(Block::of_list("merged/5-5.json"), None);
    }
}
