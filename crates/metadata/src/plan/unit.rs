//! Units of work.

use std::ops::Range;

use serde::{Deserialize, Serialize};

/// The work of one shard. Each shard is written by one unit.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Unit {
    /// Position of the shard along the first axis.
    pub shard: usize,
    /// The sites of the shard; the last unit may have fewer.
    pub sites: Range<usize>,
}
